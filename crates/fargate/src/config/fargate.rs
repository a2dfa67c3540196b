//! `[Fargate]`: cluster, network and placement of tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::hedge::HedgeAfter;
use super::keep::KeepFailed;
use super::section::Section;
use super::values::{self, TaskDefinitionName, platform_version};

/// `[Fargate]`: cluster, network and placement of tasks.
#[derive(Debug)]
pub(crate) struct Fargate {
    /// Name or ARN.
    pub(crate) cluster: String,
    /// Region of the cluster.
    pub(crate) region: String,
    /// At least one.
    pub(crate) subnets: Vec<String>,
    /// At least one, at most five.
    pub(crate) security_groups: Vec<String>,
    /// Whether tasks get a public IP.
    pub(crate) assign_public_ip: bool,
    /// Whether the driver connects to that address.
    pub(crate) connect_to_public_ip: bool,
    /// `None` for AWS's default.
    pub(crate) platform_version: Option<String>,
    /// Empty for the cluster's default strategy.
    pub(crate) strategy: Vec<StrategyItem>,
    /// The strategy for tasks that find no capacity by `strategy`.
    pub(crate) fallback_strategy: Vec<StrategyItem>,
    /// Bound from the first RunTask until the first script can run.
    pub(crate) start_timeout: Duration,
    /// Whether ECS Exec is enabled in tasks.
    pub(crate) execute_command: bool,
    /// URL of AWS's APIs, in place of the SDK's own.
    pub(crate) endpoint: Option<String>,
    /// Tags of every task.
    pub(crate) tags: BTreeMap<String, String>,
    /// When a second task is started beside one that lags.
    pub(crate) hedge_after: HedgeAfter,
    /// Which tasks of failed jobs stay.
    pub(crate) keep_failed: KeepFailed,
}

/// One entry of a capacity provider strategy (AWS: RunTask).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrategyItem {
    /// Name of the capacity provider.
    pub(crate) provider: String,
    /// Share of tasks, 0 to 1000.
    pub(crate) weight: i32,
    /// Tasks that go there before weights count, 0 to 100000.
    pub(crate) base: i32,
}

/// Reads the section and its task definition, which JobImage mode does not need.
pub(super) fn read(
    section: Section<'_>,
    by_job_image: bool,
) -> (Option<Fargate>, Option<TaskDefinitionName>) {
    let cluster = section.required(
        "Cluster",
        section.parsed("Cluster", values::cluster),
        "the ECS cluster's name or ARN",
    );
    let region = section.required(
        "Region",
        section.parsed("Region", values::region),
        "the AWS region of the cluster",
    );
    let subnets = ids(&section, "Subnet", "Subnets", "subnet-", 16);
    let security_groups = ids(&section, "SecurityGroup", "SecurityGroups", "sg-", 5);
    let mut task_definition = section.parsed("TaskDefinition", str::parse);
    if !by_job_image {
        let expected = "the task definition that jobs run";
        task_definition = section.required("TaskDefinition", task_definition, expected);
    }
    if let Some(region) = &region {
        let definition = task_definition.as_ref().map(ToString::to_string);
        of_region(&section, "Cluster", cluster.as_deref(), region);
        of_region(&section, "TaskDefinition", definition.as_deref(), region);
    }
    let assign_public_ip = section.boolean("EnablePublicIP").unwrap_or(false);
    let use_public_ip = section.boolean("UsePublicIP").unwrap_or(assign_public_ip);
    if use_public_ip && !assign_public_ip {
        section.warn(
            "UsePublicIP",
            "has no effect: tasks have no public IP, because EnablePublicIP is not true",
        );
    }
    let tags = section.table("Tags");
    for (key, value) in tags.entries() {
        if let Err(expected) = values::tag(&key, &value) {
            tags.error(
                &key,
                &format!("is not a valid AWS tag; it must be {expected}"),
            );
        }
    }
    let platform_version = section.parsed("PlatformVersion", platform_version);
    let default_strategy = strategy(&section, "CapacityProviderStrategy");
    let fallback_strategy = strategy(&section, "FallbackCapacityProviderStrategy");
    let start_timeout = section.duration("StartTimeout", Duration::from_secs(15 * 60));
    let execute_command = section.boolean("EnableExecuteCommand").unwrap_or(false);
    let endpoint = section.parsed("Endpoint", values::endpoint);
    let (hedge_after, keep_failed) = (HedgeAfter::read(&section), KeepFailed::read(&section));
    section.finish();
    let fargate = (|| {
        Some(Fargate {
            cluster: cluster?,
            region: region?,
            subnets: subnets?,
            security_groups: security_groups?,
            assign_public_ip,
            connect_to_public_ip: use_public_ip && assign_public_ip,
            platform_version,
            strategy: default_strategy,
            fallback_strategy,
            start_timeout,
            execute_command,
            endpoint,
            tags: tags.entries().into_iter().collect(),
            hedge_after,
            keep_failed,
        })
    })();
    (fargate, task_definition)
}

/// Reports an ARN of another Region, in which nothing of this one is found.
pub(super) fn of_region(section: &Section<'_>, key: &str, value: Option<&str>, region: &str) {
    let theirs = value.and_then(values::region_of_arn);
    if let Some(theirs) = theirs.filter(|theirs| *theirs != region) {
        section.error(
            key,
            &format!("is in {theirs}, and Fargate.Region is {region}"),
        );
    }
}

/// The ids under `one`, a string, or `many`, a list.
fn ids(
    section: &Section<'_>,
    one: &'static str,
    many: &'static str,
    prefix: &str,
    limit: usize,
) -> Option<Vec<String>> {
    let check = |key, id: &str| {
        values::ec2_id(prefix, id)
            .map_err(|expected| section.error(key, &format!("is {id:?}, but must be {expected}")))
            .ok()
    };
    let single = section.text(one);
    let list = section.strings(many);
    match (single, list) {
        (Some(_), Some(_)) => {
            section.error(many, &format!("and {one} are both set; keep one of them"));
            None
        }
        (None, Some(list)) if list.is_empty() => {
            section.error(many, "is empty; it must name at least one");
            None
        }
        (None, Some(list)) if list.len() > limit => {
            section.error(
                many,
                &format!("names {}, and AWS takes at most {limit}", list.len()),
            );
            None
        }
        (None, Some(list)) => list.iter().map(|id| check(many, id)).collect(),
        (single, None) => {
            let id = section.required(one, single, &format!("an id that starts with {prefix}"))?;
            check(one, &id).map(|id| vec![id])
        }
    }
}

fn strategy(section: &Section<'_>, key: &'static str) -> Vec<StrategyItem> {
    let mut items = Vec::new();
    for item in section.tables(key).unwrap_or_default() {
        let provider = item.required(
            "Name",
            item.text("Name"),
            "a capacity provider, like \"FARGATE_SPOT\"",
        );
        let number = |key, default, limit: i32| match item.integer(key) {
            None => default,
            Some(number) => match i32::try_from(number) {
                Ok(number) if (0..=limit).contains(&number) => number,
                _ => {
                    item.error(key, &format!("is {number}, but must be 0 to {limit}"));
                    default
                }
            },
        };
        let (weight, base) = (number("Weight", 1, 1_000), number("Base", 0, 100_000));
        item.finish();
        items.extend(provider.map(|provider| StrategyItem {
            provider,
            weight,
            base,
        }));
    }
    if items.iter().filter(|item| item.base > 0).count() > 1 {
        section.error(
            key,
            "has a Base above 0 for more than one provider, which AWS refuses",
        );
    }
    if !items.is_empty() && items.iter().all(|item| item.weight == 0) {
        section.error(
            key,
            "has Weight 0 for every provider, so none would get a task",
        );
    }
    items
}
