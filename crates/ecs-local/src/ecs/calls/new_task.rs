//! The description of a new task.

use crate::ecs::rules::capacity_rules::Capacity;
use crate::ecs::rules::run_task_rules::ValidRunTask;
use crate::ids;
use crate::network::SubnetState;
use crate::shapes::{ContainerDefinition, KeyValue};
use crate::tasks::{
    Attachment, AttachmentStatus, Container, ContainerStatus, ManagedAgent, StorageSize,
    TaskDescription, TaskStatus,
};
use crate::timestamp::Timestamp;

/// The description of a new task.
pub(crate) fn describe(
    region: &str,
    request: &ValidRunTask,
    id: &str,
    attachment_id: &str,
    provider: Option<&str>,
    subnet: &SubnetState,
) -> TaskDescription {
    let task_arn = ids::arn(region, &format!("task/{}/{id}", request.cluster));
    let content = &request.definition.content;
    let architecture = content
        .runtime_platform
        .as_ref()
        .and_then(|platform| platform.cpu_architecture.as_deref());
    let definitions = content.container_definitions.iter();
    let storage = StorageSize {
        size_in_gib: request.settings.storage_gib,
    };
    TaskDescription {
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
        cluster_arn: request.cluster_arn.clone(),
        connectivity: None,
        connectivity_at: None,
        containers: definitions
            .map(|definition| container(definition, region, request, id, &task_arn))
            .collect(),
        cpu: request.settings.cpu.clone(),
        created_at: Timestamp::now(),
        desired_status: TaskStatus::Running,
        enable_execute_command: request.exec,
        execution_stopped_at: None,
        group: request.group.clone(),
        health_status: None,
        last_status: TaskStatus::Provisioning,
        launch_type: (request.capacity == Capacity::Fargate).then_some("FARGATE"),
        memory: request.settings.memory.clone(),
        overrides: request.settings.overrides.clone(),
        platform_version: request.platform_version.clone(),
        platform_family: "Linux",
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        started_by: request.started_by.clone(),
        stop_code: None,
        stopped_at: None,
        stopped_reason: None,
        stopping_at: None,
        task_arn,
        task_definition_arn: request.definition.task_definition_arn.clone(),
        version: 1,
        ephemeral_storage: storage,
        fargate_ephemeral_storage: storage,
    }
}

fn container(
    definition: &ContainerDefinition,
    region: &str,
    request: &ValidRunTask,
    task_id: &str,
    task_arn: &str,
) -> Container {
    let id = ids::uuid();
    Container {
        container_arn: ids::arn(
            region,
            &format!("container/{}/{task_id}/{id}", request.cluster),
        ),
        task_arn: task_arn.to_owned(),
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
        managed_agents: request.exec.then(|| vec![ManagedAgent::pending()]),
        cpu: definition.cpu.unwrap_or(0).to_string(),
        memory: definition.memory.map(|mib| mib.to_string()),
        memory_reservation: definition.memory_reservation.map(|mib| mib.to_string()),
    }
}
