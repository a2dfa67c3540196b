//! A task as DescribeTasks describes it.
//!
//! Clients have to cope with members that AWS leaves out in some states. Such a member is an `Option` here, and stays
//! absent until something sets it.

use serde::Serialize;

use crate::shapes::{KeyValue, Overrides};
use crate::timestamp::Timestamp;

/// `lastStatus` of a task, in order. `desiredStatus` is only ever `RUNNING` or `STOPPED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum TaskStatus {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// `lastStatus` of a container, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ContainerStatus {
    Pending,
    Running,
    Stopped,
}

/// `status` of the network interface's attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum AttachmentStatus {
    Precreated,
    Attaching,
    Attached,
    Detaching,
    Deleted,
    Failed,
}

/// The description of a task.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDescription {
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) availability_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_provider_name: Option<String>,
    pub(crate) cluster_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connectivity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connectivity_at: Option<Timestamp>,
    pub(crate) containers: Vec<Container>,
    pub(crate) cpu: String,
    pub(crate) created_at: Timestamp,
    pub(crate) desired_status: TaskStatus,
    pub(crate) enable_execute_command: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_stopped_at: Option<Timestamp>,
    pub(crate) group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health_status: Option<&'static str>,
    pub(crate) last_status: TaskStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) launch_type: Option<&'static str>,
    pub(crate) memory: String,
    pub(crate) overrides: Overrides,
    pub(crate) platform_version: String,
    pub(crate) platform_family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopping_at: Option<Timestamp>,
    pub(crate) task_arn: String,
    pub(crate) task_definition_arn: String,
    pub(crate) version: u64,
    pub(crate) ephemeral_storage: StorageSize,
    pub(crate) fargate_ephemeral_storage: StorageSize,
}

/// An attachment: the task's network interface.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) status: AttachmentStatus,
    pub(crate) details: Vec<KeyValue>,
}

/// Ephemeral storage.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct StorageSize {
    #[serde(rename = "sizeInGiB")]
    pub(crate) size_in_gib: i64,
}

impl ManagedAgent {
    /// The agent before its container runs.
    pub(crate) fn pending() -> Self {
        Self {
            name: "ExecuteCommandAgent",
            last_status: ContainerStatus::Pending,
            last_started_at: None,
        }
    }
}

/// A container of a task.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container {
    pub(crate) container_arn: String,
    pub(crate) task_arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_id: Option<String>,
    pub(crate) last_status: ContainerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Always empty with `awsvpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_bindings: Option<[(); 0]>,
    pub(crate) network_interfaces: Vec<ContainerInterface>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) managed_agents: Option<Vec<ManagedAgent>>,
    pub(crate) cpu: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_reservation: Option<String>,
}

/// A container's view of the task's network interface.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerInterface {
    pub(crate) attachment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_ipv4_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ipv6_address: Option<String>,
}

/// The agent of ECS Exec. Replies show one, although the stand-in has none.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedAgent {
    pub(crate) name: &'static str,
    pub(crate) last_status: ContainerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_started_at: Option<Timestamp>,
}
