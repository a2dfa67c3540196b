//! What events make of a task's record.

use super::containers::What;
use super::plan::ContainerPlan;
use super::record::{
    AttachmentStatus, ContainerStatus, ManagedAgent, Record, TaskStatus, Timestamp,
};
use crate::ids;

/// The agent of ECS Exec before its container runs.
pub(crate) fn pending_agent() -> Vec<ManagedAgent> {
    vec![ManagedAgent {
        name: "ExecuteCommandAgent",
        last_status: ContainerStatus::Pending,
        last_started_at: None,
    }]
}

/// Sets what is shown of the network interface's attachment.
pub(super) fn set_attachment(record: &mut Record, status: AttachmentStatus) {
    if let Some(attachment) = record.attachments.first_mut() {
        attachment.status = status;
    }
}

/// Shows what happened to the container at a position.
pub(super) fn show(
    record: &mut Record,
    container: usize,
    what: &What,
    task_id: &str,
    now: Timestamp,
) {
    let Some(container) = record.containers.get_mut(container) else {
        return;
    };
    let agents = container.managed_agents.iter_mut().flatten();
    match what {
        What::Pulled(digest) => container.image_digest = Some(digest.clone()),
        What::Started => {
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
        What::Health(status) => container.health_status = Some(status),
        What::Ended(end) => {
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

/// Shows that all images are there.
pub(super) fn all_pulled(record: &mut Record, now: Timestamp) {
    record.pull_stopped_at = Some(now);
    record.last_status = record.last_status.max(TaskStatus::Activating);
}

/// Shows containers that never ran as stopped.
pub(super) fn stop_containers(record: &mut Record) {
    for container in &mut record.containers {
        container.last_status = ContainerStatus::Stopped;
    }
}

/// The task's health, which is that of its essential containers with a health check.
pub(super) fn health(record: &Record, plans: &[ContainerPlan]) -> &'static str {
    let checked = || {
        let pairs = record.containers.iter().zip(plans);
        pairs
            .filter(|(_, plan)| plan.essential && plan.health_check.is_some())
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
