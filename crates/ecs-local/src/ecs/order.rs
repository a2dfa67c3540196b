//! What a call of RunTask orders: its request, the checks of it, and the record each of its tasks begins with.

use serde::Deserialize;
use serde_json::Value;

use super::clusters::StrategyItem;
use super::overrides::{Effective, Overrides};
use super::placement::{self, Launch, NetworkConfiguration, Placement};
use super::shapes::{ContainerDefinition, KeyValue};
use super::task_definitions::TaskDefinition;
use super::{check_enum, overrides};
use crate::account::Region;
use crate::error::ApiError;
use crate::ids;
use crate::network::SubnetState;
use crate::tags::{self, Tag, TagInput};
use crate::task::{
    self, Attachment, AttachmentStatus, Container, ContainerStatus, Record, StorageSize,
    TaskStatus, Timestamp,
};

/// A request of RunTask.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunTask {
    task_definition: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) count: Option<i64>,
    launch_type: Option<String>,
    capacity_provider_strategy: Option<Vec<StrategyItem>>,
    platform_version: Option<String>,
    network_configuration: Option<NetworkConfiguration>,
    overrides: Option<Overrides>,
    started_by: Option<String>,
    group: Option<String>,
    pub(super) client_token: Option<String>,
    tags: Option<Vec<TagInput>>,
    propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    enable_ecs_managed_tags: Option<bool>,
    enable_execute_command: Option<bool>,
    placement_constraints: Option<Vec<Value>>,
    placement_strategy: Option<Vec<Value>>,
    volume_configurations: Option<Vec<Value>>,
}

/// What all tasks of a call have in common.
pub(super) struct Order {
    pub(super) cluster: String,
    pub(super) cluster_arn: String,
    pub(super) definition: TaskDefinition,
    pub(super) effective: Effective,
    pub(super) launch: Launch,
    pub(super) placement: Placement,
    pub(super) platform_version: String,
    pub(super) started_by: Option<String>,
    pub(super) group: String,
    pub(super) tags: Vec<Tag>,
    pub(super) exec: bool,
}

/// Everything that can be refused before a task is placed.
pub(super) fn check(
    region: &Region,
    mut input: RunTask,
    overrides_length: usize,
) -> Result<Order, ApiError> {
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
    let launch = placement::launch(input.launch_type.as_deref(), &strategy, cluster)?;
    if !definition.compatibilities.contains(&"FARGATE") {
        return refuse("Task definition does not support launch_type FARGATE.");
    }
    let platform_version = platform(input.platform_version.as_deref())?.to_owned();
    check_members(&input)?;
    let placement = placement::placement(input.network_configuration.take(), &region.network)?;
    let effective = overrides::apply(
        input.overrides.take(),
        overrides_length,
        &definition.content,
    )?;
    let exec = input.enable_execute_command.unwrap_or(false);
    if exec && effective.task_role.is_none() {
        return refuse("A valid taskRoleArn is required to enable execute command.");
    }
    let tags = task_tags(&mut input, definition, &cluster.name)?;
    Ok(Order {
        cluster: cluster.name.clone(),
        cluster_arn: cluster.arn.clone(),
        group: input
            .group
            .unwrap_or_else(|| format!("family:{}", definition.family)),
        definition: definition.clone(),
        effective,
        launch,
        placement,
        platform_version,
        started_by: input.started_by,
        tags,
        exec,
    })
}

fn platform(given: Option<&str>) -> Result<&'static str, ApiError> {
    match given {
        None | Some("" | "LATEST" | "1.4.0") => Ok("1.4.0"),
        Some("1.3.0") => Ok("1.3.0"),
        Some(_) => Err(ApiError::new(
            400,
            "PlatformUnknownException",
            "The specified platform does not exist.",
        )),
    }
}

/// Members whose values stand for themselves.
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

/// The tags of the request, which win over those of the definition, and ECS's own.
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

/// The record of a task that has just been created.
pub(super) fn record(
    region: &Region,
    order: &Order,
    id: &str,
    attachment_id: &str,
    provider: Option<&str>,
    subnet: &SubnetState,
) -> Record {
    let task_arn = ids::arn(&region.name, &format!("task/{}/{id}", order.cluster));
    let content = &order.definition.content;
    let architecture = content
        .runtime_platform
        .as_ref()
        .and_then(|platform| platform.cpu_architecture.as_deref());
    let container = |definition: &ContainerDefinition| Container {
        container_arn: ids::arn(
            &region.name,
            &format!("container/{}/{id}/{}", order.cluster, ids::uuid()),
        ),
        task_arn: task_arn.clone(),
        name: definition.name.clone().unwrap_or_default(),
        image: definition.image.clone().unwrap_or_default(),
        image_digest: None,
        runtime_id: None,
        last_status: ContainerStatus::Pending,
        exit_code: None,
        reason: None,
        network_bindings: None,
        network_interfaces: Vec::new(),
        health_status: None,
        managed_agents: order.exec.then(task::pending_agent),
        cpu: definition.cpu.unwrap_or(0).to_string(),
        memory: definition.memory.map(|mib| mib.to_string()),
        memory_reservation: definition.memory_reservation.map(|mib| mib.to_string()),
    };
    let storage = StorageSize {
        size_in_gib: order.effective.storage_gib,
    };
    Record {
        attachments: vec![Attachment {
            id: attachment_id.to_owned(),
            kind: "ElasticNetworkInterface",
            status: AttachmentStatus::Precreated,
            details: vec![KeyValue::new("subnetId", &subnet.spec.id)],
        }],
        attributes: vec![KeyValue::new(
            "ecs.cpu-architecture",
            if architecture == Some("ARM64") {
                "arm64"
            } else {
                "x86_64"
            },
        )],
        availability_zone: subnet.availability_zone.clone(),
        capacity_provider_name: provider.map(str::to_owned),
        cluster_arn: order.cluster_arn.clone(),
        connectivity: None,
        connectivity_at: None,
        containers: content
            .container_definitions
            .iter()
            .map(container)
            .collect(),
        cpu: order.effective.cpu.clone(),
        created_at: Timestamp::now(),
        desired_status: TaskStatus::Running,
        enable_execute_command: order.exec,
        execution_stopped_at: None,
        group: order.group.clone(),
        health_status: None,
        last_status: TaskStatus::Provisioning,
        launch_type: (order.launch == Launch::Fargate).then_some("FARGATE"),
        memory: order.effective.memory.clone(),
        overrides: order.effective.overrides.clone(),
        platform_version: order.platform_version.clone(),
        platform_family: "Linux",
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        started_by: order.started_by.clone(),
        stop_code: None,
        stopped_at: None,
        stopped_reason: None,
        stopping_at: None,
        task_arn,
        task_definition_arn: order.definition.task_definition_arn.clone(),
        version: 1,
        ephemeral_storage: storage,
        fargate_ephemeral_storage: storage,
    }
}
