//! Why a task ended, in one sentence for the job log.

use fargate_wire::{BOOTSTRAP_CONTAINER, COORDINATOR_CONTAINER, HELPER_CONTAINER};

use crate::task::description::{Container, Task};

impl Task {
    /// AWS's reasons, of the task and of its containers, each once. Of a task that `is_composed` the driver's own
    /// containers are left out when they ended as they should.
    pub(super) fn reasons(&self, is_composed: bool) -> String {
        let first = match (&self.stopped_reason, &self.stop_code) {
            (Some(reason), _) => reason.trim(),
            (None, Some(code)) => code,
            (None, None) => "AWS gave no reason",
        };
        let mut reasons = vec![first.to_owned()];
        let is_known =
            |reasons: &[String], text: &str| reasons.iter().any(|known| known.contains(text));
        let is_worth_telling =
            |container: &&Container| !(is_composed && ended_as_it_should(container));
        for container in self.containers.iter().filter(is_worth_telling) {
            let Container {
                name,
                exit_code,
                reason,
                ..
            } = container;
            let told = match (exit_code, reason.as_deref().map(str::trim)) {
                (Some(code), Some(reason)) => {
                    format!("{} exited with status {code} ({reason})", label(name))
                }
                (Some(code), None) => format!("{} exited with status {code}", label(name)),
                // The reason of one container may stand at the task and at every container.
                (None, Some(reason)) if !is_known(&reasons, reason) => {
                    format!("{}: {reason}", label(name))
                }
                (None, _) => continue,
            };
            if !is_known(&reasons, &told) {
                reasons.push(told);
            }
        }
        reasons.join("; ")
    }
}

/// Whether this is a container of the driver's own that ended after its work, or was stopped in order.
fn ended_as_it_should(container: &Container) -> bool {
    [BOOTSTRAP_CONTAINER, HELPER_CONTAINER].contains(&container.name.as_str())
        && matches!(container.exit_code, Some(0 | 143))
        && container.reason.is_none()
}

/// The container, as job authors know it.
fn label(name: &str) -> String {
    match name {
        COORDINATOR_CONTAINER => "the job's container".to_owned(),
        other => format!("container {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str) -> Container {
        Container {
            name: name.into(),
            ..Container::default()
        }
    }

    #[test]
    fn a_death_tells_task_and_containers_once() {
        let task = Task {
            stop_code: Some("TaskFailedToStart".into()),
            stopped_reason: Some(
                "CannotPullContainerError: failed to resolve ref r/ci:nope: not found".into(),
            ),
            containers: vec![
                Container {
                    reason: Some(
                        "CannotPullContainerError: failed to resolve ref r/ci:nope".into(),
                    ),
                    ..container("ci-coordinator")
                },
                Container {
                    exit_code: Some(137),
                    reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
                    ..container("side")
                },
            ],
            ..Task::default()
        };
        assert_eq!(
            task.reasons(false),
            "CannotPullContainerError: failed to resolve ref r/ci:nope: not found; container side exited with status 137 \
             (OutOfMemoryError: Container killed due to memory usage)"
        );
        assert_eq!(Task::default().reasons(false), "AWS gave no reason");
        let ended = Task {
            stopped_reason: Some("Essential container in task exited".into()),
            containers: vec![Container {
                exit_code: Some(1),
                ..container("ci-coordinator")
            }],
            ..Task::default()
        };
        assert_eq!(
            ended.reasons(false),
            "Essential container in task exited; the job's container exited with status 1"
        );
    }
}
