//! The request of RunTask, and its rules.

use serde::Deserialize;
use serde_json::Value;

use super::capacity_rules::{self, Capacity, FargateMembers};
use super::network_rules::{self, NetworkConfiguration, TaskNetwork};
use super::override_rules::{self, EffectiveSettings};
use super::platform_rules::Platform;
use crate::ecs::checks::check_enum;
use crate::ecs::cluster::StrategyItem;
use crate::ecs::definition::TaskDefinition;
use crate::ecs::region::Region;
use crate::error::ApiError;
use crate::network::Network;
use crate::shapes::Overrides;
use crate::tags::{self, Tag, TagInput};

/// A request of RunTask.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunTask {
    task_definition: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) count: Option<i64>,
    launch_type: Option<String>,
    capacity_provider_strategy: Option<Vec<StrategyItem>>,
    platform_version: Option<String>,
    network_configuration: Option<NetworkConfiguration>,
    overrides: Option<Overrides>,
    started_by: Option<String>,
    group: Option<String>,
    pub(crate) client_token: Option<String>,
    tags: Option<Vec<TagInput>>,
    propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    enable_ecs_managed_tags: Option<bool>,
    enable_execute_command: Option<bool>,
    placement_constraints: Option<Vec<Value>>,
    placement_strategy: Option<Vec<Value>>,
    volume_configurations: Option<Vec<Value>>,
}

/// A valid request: everything that the tasks of a call share.
pub(crate) struct ValidRunTask {
    pub(crate) cluster: String,
    pub(crate) cluster_arn: String,
    pub(crate) definition: TaskDefinition,
    pub(crate) settings: EffectiveSettings,
    pub(crate) capacity: Capacity,
    pub(crate) network: TaskNetwork,
    pub(crate) platform_version: String,
    pub(crate) started_by: Option<String>,
    pub(crate) group: String,
    pub(crate) tags: Vec<Tag>,
    pub(crate) exec: bool,
}

/// Checks a request. The length of its overrides is that of the serialised member.
pub(crate) fn check(
    region: &Region,
    vpc: &Network,
    mut input: RunTask,
    overrides_length: usize,
) -> Result<ValidRunTask, ApiError> {
    let refuse = |message: &str| Err(ApiError::invalid_parameter(message));
    let Some(name) = input
        .task_definition
        .as_deref()
        .filter(|name| !name.is_empty())
    else {
        return refuse("TaskDefinition can not be blank.");
    };
    let cluster = region.cluster(input.cluster.as_deref())?;
    let definition = region
        .task_definition(name)
        .ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    if !definition.is_active() {
        return Err(ApiError::client("TaskDefinition is inactive"));
    }
    let strategy = input.capacity_provider_strategy.take().unwrap_or_default();
    let network = input.network_configuration.take();
    let members = FargateMembers {
        platform_version: input
            .platform_version
            .as_deref()
            .is_some_and(|v| !v.is_empty()),
        public_ip: network
            .as_ref()
            .is_some_and(NetworkConfiguration::is_public),
    };
    let capacity =
        capacity_rules::capacity(input.launch_type.as_deref(), &strategy, cluster, members)?;
    if !definition.compatibilities.contains(&"FARGATE") {
        return refuse("Task definition does not support launch_type FARGATE.");
    }
    let platform = Platform::requested(input.platform_version.as_deref())?;
    check_members(&input)?;
    let network = network_rules::check(network, vpc)?;
    let settings = override_rules::apply(
        input.overrides.take(),
        overrides_length,
        &definition.content,
    )?;
    platform.check(&definition.content, &settings)?;
    let exec = input.enable_execute_command.unwrap_or(false);
    if exec && settings.task_role.is_none() {
        return refuse("A valid taskRoleArn is required to enable execute command.");
    }
    let tags = task_tags(&mut input, definition, &cluster.name)?;
    Ok(ValidRunTask {
        cluster: cluster.name.clone(),
        cluster_arn: cluster.arn.clone(),
        group: input
            .group
            .unwrap_or_else(|| format!("family:{}", definition.family)),
        definition: definition.clone(),
        settings,
        capacity,
        network,
        platform_version: platform.number().to_owned(),
        started_by: input.started_by,
        tags,
        exec,
    })
}

/// Checks the members that depend on nothing else.
fn check_members(input: &RunTask) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::invalid_parameter(message));
    for (member, given) in [
        ("placementConstraints", &input.placement_constraints),
        ("placementStrategy", &input.placement_strategy),
        ("volumeConfigurations", &input.volume_configurations),
    ] {
        if given.as_ref().is_some_and(|list| !list.is_empty()) {
            return Err(ApiError::invalid_parameter(format!(
                "{member} is not supported here for launch type FARGATE."
            )));
        }
    }
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-/_".contains(c))
    };
    if input
        .started_by
        .as_deref()
        .is_some_and(|by| by.len() > 128 || !allowed(by))
    {
        return refuse(
            "startedBy may hold up to 128 letters, numbers, hyphens (-), forward slashes (/) and underscores (_).",
        );
    }
    if input
        .group
        .as_deref()
        .is_some_and(|group| group.is_empty() || group.chars().count() > 255)
    {
        return refuse("group may hold 1 to 255 characters.");
    }
    check_enum(
        "propagateTags",
        input.propagate_tags.as_deref(),
        &["TASK_DEFINITION", "SERVICE", "NONE"],
    )?;
    if input.propagate_tags.as_deref() == Some("SERVICE") {
        return refuse("Invalid value for propagateTags: SERVICE is only valid for services.");
    }
    Ok(())
}

/// The tags of a task: those of the request, which win over those of the definition, and ECS's own.
fn task_tags(
    input: &mut RunTask,
    definition: &TaskDefinition,
    cluster: &str,
) -> Result<Vec<Tag>, ApiError> {
    let mut tags = Vec::new();
    if input.propagate_tags.as_deref() == Some("TASK_DEFINITION") {
        tags.clone_from(&definition.tags);
    }
    tags::merge(&mut tags, tags::check(input.tags.take())?)?;
    if input.enable_ecs_managed_tags == Some(true) {
        tags.push(Tag {
            key: "aws:ecs:clusterName".into(),
            value: cluster.to_owned(),
        });
    }
    Ok(tags)
}
