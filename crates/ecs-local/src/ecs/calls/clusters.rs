//! CreateCluster, DescribeClusters, ListClusters and PutClusterCapacityProviders.

use serde::{Deserialize, Serialize};

use crate::ecs::checks::{check_enum, is_name, page};
use crate::ecs::cluster::{Cluster, StrategyItem, check_providers, check_strategy};
use crate::ecs::failure::Failure;
use crate::ecs::region::Region;
use crate::error::ApiError;
use crate::ids;
use crate::shapes::KeyValue;
use crate::tags::{self, Tag, TagInput};
use crate::tasks::TaskStatus;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateCluster {
    cluster_name: Option<String>,
    capacity_providers: Option<Vec<String>>,
    default_capacity_provider_strategy: Option<Vec<StrategyItem>>,
    settings: Option<Vec<KeyValue>>,
    tags: Option<Vec<TagInput>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DescribeClusters {
    clusters: Option<Vec<String>>,
    include: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListClusters {
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListClustersReply {
    cluster_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutClusterCapacityProviders {
    cluster: Option<String>,
    capacity_providers: Option<Vec<String>>,
    default_capacity_provider_strategy: Option<Vec<StrategyItem>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ClusterReply {
    cluster: DescribedCluster,
}

#[derive(Debug, Serialize)]
pub(crate) struct ClustersReply {
    clusters: Vec<DescribedCluster>,
    failures: Vec<Failure>,
}

/// A cluster in a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescribedCluster {
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

/// Makes a cluster. If there is one of that name already, the reply shows it unchanged.
pub(crate) fn create(region: &mut Region, input: CreateCluster) -> Result<ClusterReply, ApiError> {
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
    // Only DescribeClusters leaves out members that were not requested.
    Ok(ClusterReply {
        cluster: describe_one(region, cluster, &WITHOUT_STATISTICS),
    })
}

/// Lists the ARNs of clusters.
pub(crate) fn list(region: &Region, input: ListClusters) -> Result<ListClustersReply, ApiError> {
    let clusters = region.clusters.values();
    let arns = clusters.map(|cluster| cluster.arn.clone()).collect();
    let (cluster_arns, next_token) = page(arns, input.max_results, input.next_token.as_deref())?;
    Ok(ListClustersReply {
        cluster_arns,
        next_token,
    })
}

/// Describes clusters by name or ARN, or the default one.
pub(crate) fn describe(
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
    let has = |value: &str| include.iter().any(|given| given == value);
    let include = Include {
        tags: has("TAGS"),
        settings: has("SETTINGS"),
        statistics: has("STATISTICS"),
    };
    let mut reply = ClustersReply {
        clusters: Vec::new(),
        failures: Vec::new(),
    };
    for given in &names {
        let name = region.cluster_name(Some(given))?;
        match region.clusters.get(name) {
            Some(cluster) => reply.clusters.push(describe_one(region, cluster, &include)),
            None => {
                let arn = ids::arn(&region.name, &format!("cluster/{name}"));
                reply.failures.push(Failure::missing(arn));
            }
        }
    }
    Ok(reply)
}

/// Replaces a cluster's providers and default strategy.
pub(crate) fn put_capacity_providers(
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
        cluster: describe_one(region, cluster, &WITHOUT_STATISTICS),
    })
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

/// The optional members of a described cluster.
struct Include {
    tags: bool,
    settings: bool,
    statistics: bool,
}

/// The members that replies show after a change.
const WITHOUT_STATISTICS: Include = Include {
    tags: true,
    settings: true,
    statistics: false,
};

fn describe_one(region: &Region, cluster: &Cluster, include: &Include) -> DescribedCluster {
    let statuses: Vec<TaskStatus> = region
        .tasks
        .values()
        .map(|task| task.lock())
        .filter(|task| task.description.cluster_arn == cluster.arn)
        .map(|task| task.description.last_status)
        .collect();
    let count = |counted: fn(TaskStatus) -> bool| {
        let statuses = statuses.iter().copied();
        statuses.filter(|status| counted(*status)).count()
    };
    let running = count(|status| status == TaskStatus::Running);
    let pending = count(|status| status < TaskStatus::Running);
    let statistic = |name: &str, value: usize| KeyValue::new(name, value.to_string());
    let statistics = || {
        vec![
            statistic("runningEC2TasksCount", 0),
            statistic("runningFargateTasksCount", running),
            statistic("pendingEC2TasksCount", 0),
            statistic("pendingFargateTasksCount", pending),
        ]
    };
    let or_none = |shown: bool, list: Vec<KeyValue>| if shown { list } else { Vec::new() };
    DescribedCluster {
        cluster_arn: cluster.arn.clone(),
        cluster_name: cluster.name.clone(),
        status: "ACTIVE",
        registered_container_instances_count: 0,
        running_tasks_count: running,
        pending_tasks_count: pending,
        active_services_count: 0,
        statistics: or_none(include.statistics, statistics()),
        tags: if include.tags {
            cluster.tags.clone()
        } else {
            Vec::new()
        },
        settings: or_none(include.settings, cluster.settings.clone()),
        capacity_providers: cluster.capacity_providers.clone(),
        default_capacity_provider_strategy: cluster.default_strategy.clone(),
    }
}
