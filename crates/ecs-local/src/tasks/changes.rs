//! The changes that events make to a task's description.

use super::description::{AttachmentStatus, ContainerStatus, TaskDescription, TaskStatus};
use super::events::{ContainerEnd, EventKind};
use super::spec::ContainerSpec;
use crate::ids;
use crate::timestamp::Timestamp;

/// Sets the status of the network interface's attachment.
pub(super) fn set_attachment(description: &mut TaskDescription, status: AttachmentStatus) {
    if let Some(attachment) = description.attachments.first_mut() {
        attachment.status = status;
    }
}

/// Applies an event of the container at a position.
pub(super) fn apply(
    description: &mut TaskDescription,
    container: usize,
    kind: &EventKind,
    task_id: &str,
    now: Timestamp,
) {
    let Some(container) = description.containers.get_mut(container) else {
        return;
    };
    let agents = container.managed_agents.iter_mut().flatten();
    match kind {
        EventKind::Pulled(digest) => container.image_digest = Some(digest.clone()),
        EventKind::Started => {
            container.last_status = ContainerStatus::Running;
            container.image_digest.get_or_insert_with(ids::image_digest);
            container.runtime_id = Some(ids::runtime(task_id));
            container.network_bindings = Some([]);
            container.health_status = Some("UNKNOWN");
            for agent in agents {
                agent.last_status = ContainerStatus::Running;
                agent.last_started_at = Some(now);
            }
        }
        EventKind::Health(status) => container.health_status = Some(status),
        EventKind::Ended(end) => {
            container.last_status = ContainerStatus::Stopped;
            container.exit_code = end.exit_code;
            if end.reason.is_some() {
                container.reason.clone_from(&end.reason);
            }
            for agent in agents {
                agent.last_status = ContainerStatus::Stopped;
            }
        }
    }
}

/// Applies the end of the last pull.
pub(super) fn all_pulled(description: &mut TaskDescription, now: Timestamp) {
    description.pull_stopped_at = Some(now);
    description.last_status = description.last_status.max(TaskStatus::Activating);
}

/// Marks every container as stopped, also those that never ran.
pub(super) fn stop_containers(description: &mut TaskDescription) {
    for container in &mut description.containers {
        container.last_status = ContainerStatus::Stopped;
    }
}

/// The task's health: that of its essential containers with a health check.
pub(super) fn health(description: &TaskDescription, specs: &[ContainerSpec]) -> &'static str {
    let checked = || {
        let pairs = description.containers.iter().zip(specs);
        pairs
            .filter(|(_, spec)| spec.essential && spec.health_check.is_some())
            .map(|(container, _)| container.health_status)
    };
    if checked().any(|status| status == Some("UNHEALTHY")) {
        "UNHEALTHY"
    } else if checked().next().is_some() && checked().all(|status| status == Some("HEALTHY")) {
        "HEALTHY"
    } else {
        "UNKNOWN"
    }
}

/// Runs and ends the task in one change, so that the next read finds it stopped.
pub(super) fn die_unseen(
    description: &mut TaskDescription,
    code: i32,
    task_id: &str,
    now: Timestamp,
) {
    let end = EventKind::Ended(ContainerEnd::exited(code));
    for at in 0..description.containers.len() {
        apply(description, at, &EventKind::Started, task_id, now);
        apply(description, at, &end, task_id, now);
    }
    set_attachment(description, AttachmentStatus::Deleted);
    for time in [
        &mut description.connectivity_at,
        &mut description.pull_started_at,
        &mut description.pull_stopped_at,
        &mut description.started_at,
        &mut description.execution_stopped_at,
        &mut description.stopping_at,
        &mut description.stopped_at,
    ] {
        *time = Some(now);
    }
    description.connectivity = Some("CONNECTED");
    description.stop_code = Some("EssentialContainerExited".into());
    description.stopped_reason = Some("Essential container in task exited".into());
    description.desired_status = TaskStatus::Stopped;
    description.last_status = TaskStatus::Stopped;
}
