//! Tasks that were lost without a fault of their own, to AWS or to their use of memory.

use crate::task::description::{Container, Task};

/// The loss of a task that did nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loss {
    /// AWS had no capacity for it, or took the capacity back. Another place or time may have some.
    Room(String),
    /// Something on AWS's side failed.
    Trouble(String),
}

impl Task {
    /// The task's loss, if AWS caused it before the job had a part in it, so that another task may fare better.
    pub(crate) fn loss(&self) -> Option<Loss> {
        const NO_ROOM: [&str; 2] = ["capacity is unavailable", "limit on the number of vcpu"];
        const TROUBLE: [&str; 4] = [
            "network interface",
            "internalerror:",
            "runtimetimeouterror",
            "dockertimeouterror",
        ];
        let cause = self.stop_reason().cause;
        let text = cause.to_lowercase();
        let has = |fragments: &[&str]| fragments.iter().any(|fragment| text.contains(fragment));
        match self.stop_code.as_deref() {
            Some("SpotInterruption" | "TerminationNotice") => Some(Loss::Room(cause)),
            Some("TaskFailedToStart") if has(&NO_ROOM) => Some(Loss::Room(cause)),
            Some("TaskFailedToStart") if has(&TROUBLE) => Some(Loss::Trouble(cause)),
            _ => None,
        }
    }

    /// The container among `names` that AWS reports as killed for its use of memory.
    ///
    /// A status of 137 alone says only that something killed it.
    pub(crate) fn out_of_memory(&self, names: &[&str]) -> Option<&Container> {
        self.containers.iter().find(|container| {
            let reason = container.reason.as_deref().unwrap_or_default();
            names.contains(&container.name.as_str())
                && reason.to_lowercase().contains("outofmemory")
        })
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
    fn a_task_that_aws_lost_is_told_from_one_that_cannot_be() {
        let loss = |code: &str, reason: &str| {
            let task = Task {
                stop_code: Some(code.into()),
                stopped_reason: Some(reason.into()),
                ..Task::default()
            };
            task.loss()
        };
        let full = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
        for (code, reason) in [
            ("SpotInterruption", "Your Spot Task was interrupted."),
            (
                "TerminationNotice",
                "ECS is performing maintenance on the underlying infrastructure hosting the task",
            ),
            ("TaskFailedToStart", full),
        ] {
            assert_eq!(loss(code, reason), Some(Loss::Room(reason.into())));
        }
        for reason in [
            "Timeout waiting for network interface provisioning to complete.",
            "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet 's'",
            "InternalError: x",
            "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: x",
        ] {
            assert_eq!(
                loss("TaskFailedToStart", reason),
                Some(Loss::Trouble(reason.into()))
            );
        }
        for (code, reason) in [
            ("TaskFailedToStart", "CannotPullContainerError: x"),
            ("TaskFailedToStart", "ResourceInitializationError: x"),
            (
                "EssentialContainerExited",
                "Essential container in task exited",
            ),
            ("UserInitiated", full),
        ] {
            assert_eq!(loss(code, reason), None, "{code} {reason}");
        }
    }

    #[test]
    fn memory_is_to_blame_only_where_aws_says_so() {
        let killed = |reason: Option<&str>| Task {
            containers: vec![Container {
                exit_code: Some(137),
                reason: reason.map(str::to_owned),
                ..container("ci-coordinator")
            }],
            ..Task::default()
        };
        let oom = killed(Some(
            "OutOfMemoryError: container killed due to memory usage",
        ));
        assert!(oom.out_of_memory(&["helper", "ci-coordinator"]).is_some());
        assert!(oom.out_of_memory(&["helper"]).is_none());
        assert!(killed(None).out_of_memory(&["ci-coordinator"]).is_none());
    }
}
