//! Clusters and the capacity providers associated with them.

use serde::{Deserialize, Serialize};

use super::shapes::KeyValue;
use super::{check_enum, is_name};
use crate::account::Region;
use crate::error::ApiError;
use crate::ids;
use crate::tags::{self, Tag, TagInput};
use crate::task::TaskStatus;

/// The providers every account has; Auto Scaling ones have no place in a stand-in for Fargate.
const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// A cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) capacity_providers: Vec<String>,
    pub(crate) default_strategy: Vec<StrategyItem>,
    pub(crate) tags: Vec<Tag>,
    settings: Vec<KeyValue>,
}

/// An element of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StrategyItem {
    #[serde(default)]
    pub(crate) capacity_provider: String,
    #[serde(default)]
    pub(crate) weight: i64,
    #[serde(default)]
    pub(crate) base: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateCluster {
    cluster_name: Option<String>,
    capacity_providers: Option<Vec<String>>,
    default_capacity_provider_strategy: Option<Vec<StrategyItem>>,
    settings: Option<Vec<KeyValue>>,
    tags: Option<Vec<TagInput>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DescribeClusters {
    clusters: Option<Vec<String>>,
    include: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutClusterCapacityProviders {
    cluster: Option<String>,
    capacity_providers: Option<Vec<String>>,
    default_capacity_provider_strategy: Option<Vec<StrategyItem>>,
}

#[derive(Debug, Serialize)]
pub(super) struct ClusterReply {
    cluster: Described,
}

#[derive(Debug, Serialize)]
pub(super) struct ClustersReply {
    clusters: Vec<Described>,
    failures: Vec<Failure>,
}

/// An element of `failures`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    pub(crate) reason: String,
}

/// A cluster as replies have it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    cluster_arn: String,
    cluster_name: String,
    status: &'static str,
    registered_container_instances_count: u32,
    running_tasks_count: usize,
    pending_tasks_count: usize,
    active_services_count: u32,
    statistics: Vec<KeyValue>,
    tags: Vec<Tag>,
    settings: Vec<KeyValue>,
    capacity_providers: Vec<String>,
    default_capacity_provider_strategy: Vec<StrategyItem>,
}

/// Makes a cluster; one of that name that is there already is answered as it is.
pub(super) fn create(region: &mut Region, input: CreateCluster) -> Result<ClusterReply, ApiError> {
    let name = input.cluster_name.unwrap_or_else(|| "default".into());
    if !is_name(&name) {
        return Err(ApiError::invalid_parameter(
            "Invalid cluster name. Up to 255 letters, numbers, hyphens and underscores are allowed.",
        ));
    }
    let providers = input.capacity_providers.unwrap_or_default();
    let strategy = input.default_capacity_provider_strategy.unwrap_or_default();
    check_providers(&providers)?;
    check_strategy(&strategy, &providers)?;
    let cluster = Cluster {
        arn: ids::arn(&region.name, &format!("cluster/{name}")),
        name: name.clone(),
        capacity_providers: providers,
        default_strategy: strategy,
        tags: tags::check(input.tags)?,
        settings: match input.settings {
            Some(settings) => check_settings(settings)?,
            None => vec![KeyValue::new("containerInsights", "disabled")],
        },
    };
    region.clusters.entry(name.clone()).or_insert(cluster);
    let cluster = region.cluster(Some(&name))?;
    // Only DescribeClusters leaves out what was not asked for.
    Ok(ClusterReply {
        cluster: describe_one(
            region,
            cluster,
            &Include {
                tags: true,
                settings: true,
                statistics: false,
            },
        ),
    })
}

/// Describes clusters by name or ARN, or the default one.
pub(super) fn describe(
    region: &Region,
    input: DescribeClusters,
) -> Result<ClustersReply, ApiError> {
    let names = input.clusters.unwrap_or_else(|| vec!["default".into()]);
    if names.len() > 100 {
        return Err(ApiError::invalid_parameter(
            "Clusters can have at most 100 items.",
        ));
    }
    let include = input.include.unwrap_or_default();
    for value in &include {
        check_enum(
            "include",
            Some(value),
            &[
                "ATTACHMENTS",
                "CONFIGURATIONS",
                "SETTINGS",
                "STATISTICS",
                "TAGS",
            ],
        )?;
    }
    let wanted = |value: &str| include.iter().any(|given| given == value);
    let include = Include {
        tags: wanted("TAGS"),
        settings: wanted("SETTINGS"),
        statistics: wanted("STATISTICS"),
    };
    let mut reply = ClustersReply {
        clusters: Vec::new(),
        failures: Vec::new(),
    };
    for given in &names {
        let name = region.cluster_name(Some(given))?;
        match region.clusters.get(name) {
            Some(cluster) => reply.clusters.push(describe_one(region, cluster, &include)),
            None => reply.failures.push(Failure {
                arn: Some(ids::arn(&region.name, &format!("cluster/{name}"))),
                reason: "MISSING".into(),
            }),
        }
    }
    Ok(reply)
}

/// Replaces a cluster's providers and default strategy.
pub(super) fn put_capacity_providers(
    region: &mut Region,
    input: PutClusterCapacityProviders,
) -> Result<ClusterReply, ApiError> {
    let missing = |member: &str| ApiError::invalid_parameter(format!("{member} must not be null."));
    let name = input
        .cluster
        .filter(|name| !name.is_empty())
        .ok_or_else(|| missing("cluster"))?;
    let providers = input
        .capacity_providers
        .ok_or_else(|| missing("capacityProviders"))?;
    let strategy = input
        .default_capacity_provider_strategy
        .ok_or_else(|| missing("defaultCapacityProviderStrategy"))?;
    let cluster = region.cluster_mut(Some(&name))?;
    check_providers(&providers)?;
    check_strategy(&strategy, &providers)?;
    cluster.capacity_providers = providers;
    cluster.default_strategy = strategy;
    let cluster = region.cluster(Some(&name))?;
    Ok(ClusterReply {
        cluster: describe_one(
            region,
            cluster,
            &Include {
                tags: true,
                settings: true,
                statistics: false,
            },
        ),
    })
}

fn check_providers(providers: &[String]) -> Result<(), ApiError> {
    match providers
        .iter()
        .find(|name| !PROVIDERS.contains(&name.as_str()))
    {
        Some(name) => Err(ApiError::invalid_parameter(format!(
            "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
        ))),
        None => Ok(()),
    }
}

/// The rules of a strategy whose providers have to be among `associated`.
pub(super) fn check_strategy(
    strategy: &[StrategyItem],
    associated: &[String],
) -> Result<(), ApiError> {
    let refuse = |message: String| Err(ApiError::invalid_parameter(message));
    if strategy.len() > 20 {
        return refuse(
            "A capacity provider strategy can contain a maximum of 20 capacity providers.".into(),
        );
    }
    for item in strategy {
        let name = &item.capacity_provider;
        if name.is_empty() {
            return refuse(
                "capacityProvider must not be empty in a capacity provider strategy.".into(),
            );
        }
        if !(0..=1000).contains(&item.weight) {
            return refuse(format!(
                "The weight of capacity provider {name} must be between 0 and 1000."
            ));
        }
        if !(0..=100_000).contains(&item.base) {
            return refuse(format!(
                "The base of capacity provider {name} must be between 0 and 100000."
            ));
        }
        if !associated.contains(name) {
            return refuse(format!(
                "The specified capacity provider '{name}' is not associated with the cluster."
            ));
        }
        if strategy
            .iter()
            .filter(|other| other.capacity_provider == *name)
            .count()
            > 1
        {
            return refuse(format!(
                "The capacity provider {name} appears more than once in the strategy."
            ));
        }
    }
    if strategy.iter().filter(|item| item.base > 0).count() > 1 {
        return refuse(
            "Only one capacity provider in a capacity provider strategy can have a base.".into(),
        );
    }
    Ok(())
}

fn check_settings(settings: Vec<KeyValue>) -> Result<Vec<KeyValue>, ApiError> {
    for setting in &settings {
        check_enum(
            "settings.name",
            setting.name.as_deref(),
            &["containerInsights"],
        )?;
        check_enum(
            "settings.value",
            setting.value.as_deref(),
            &["enabled", "disabled", "enhanced"],
        )?;
    }
    Ok(settings)
}

struct Include {
    tags: bool,
    settings: bool,
    statistics: bool,
}

fn describe_one(region: &Region, cluster: &Cluster, include: &Include) -> Described {
    let tasks = || {
        region
            .tasks
            .values()
            .filter(|task| task.record.cluster_arn == cluster.arn)
    };
    let running = tasks()
        .filter(|task| task.record.last_status == TaskStatus::Running)
        .count();
    let pending = tasks()
        .filter(|task| task.record.last_status < TaskStatus::Running)
        .count();
    let statistic = |name: &str, value: usize| KeyValue::new(name, value.to_string());
    Described {
        cluster_arn: cluster.arn.clone(),
        cluster_name: cluster.name.clone(),
        status: "ACTIVE",
        registered_container_instances_count: 0,
        running_tasks_count: running,
        pending_tasks_count: pending,
        active_services_count: 0,
        statistics: if include.statistics {
            vec![
                statistic("runningEC2TasksCount", 0),
                statistic("runningFargateTasksCount", running),
                statistic("pendingEC2TasksCount", 0),
                statistic("pendingFargateTasksCount", pending),
            ]
        } else {
            Vec::new()
        },
        tags: if include.tags {
            cluster.tags.clone()
        } else {
            Vec::new()
        },
        settings: if include.settings {
            cluster.settings.clone()
        } else {
            Vec::new()
        },
        capacity_providers: cluster.capacity_providers.clone(),
        default_capacity_provider_strategy: cluster.default_strategy.clone(),
    }
}
