//! The history of a task: every change that a client could have seen.

use serde::Serialize;

use super::description::{AttachmentStatus, ContainerStatus, TaskDescription, TaskStatus};
use crate::timestamp::Timestamp;

/// A visible change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntry {
    version: u64,
    pub(super) at: Timestamp,
    last_status: TaskStatus,
    desired_status: TaskStatus,
    attachment_status: Option<AttachmentStatus>,
    containers: Vec<ContainerStatus>,
}

impl HistoryEntry {
    /// The state of a task at a time.
    pub(super) fn new(description: &TaskDescription, at: Timestamp) -> Self {
        let attachment = description.attachments.first();
        let containers = description.containers.iter();
        Self {
            version: description.version,
            at,
            last_status: description.last_status,
            desired_status: description.desired_status,
            attachment_status: attachment.map(|attachment| attachment.status),
            containers: containers.map(|container| container.last_status).collect(),
        }
    }
}
