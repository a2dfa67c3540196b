//! Tasks that were lost without a fault of their own, to AWS or to their use of memory.

use super::cause::Cause;
use super::ending::End;
use crate::task::description::{Container, Task};

/// The loss of a task that did nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loss {
    /// AWS had no capacity for it, or took the capacity back. Another place or time may have some.
    Room(String),
    /// Something on AWS's side failed.
    Trouble(String),
}

impl End<'_> {
    /// The loss by this cause, if AWS caused it before the job had a part in it, in AWS's `words`.
    pub(super) fn loss(&self, cause: Cause, words: &str) -> Option<Loss> {
        let has_failed_to_start = self.stop_code() == "TaskFailedToStart";
        match cause {
            Cause::SpotTaken | Cause::HostRetired => Some(Loss::Room(words.to_owned())),
            Cause::Infrastructure => Some(Loss::Trouble(words.to_owned())),
            Cause::NoCapacity | Cause::Quota if has_failed_to_start => {
                Some(Loss::Room(words.to_owned()))
            }
            Cause::NoInterface | Cause::Trouble if has_failed_to_start => {
                Some(Loss::Trouble(words.to_owned()))
            }
            _ => None,
        }
    }
}

impl Task {
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

    #[test]
    fn memory_is_to_blame_only_where_aws_says_so() {
        let killed = |reason: Option<&str>| Task {
            containers: vec![Container {
                name: "ci-coordinator".into(),
                exit_code: Some(137),
                reason: reason.map(str::to_owned),
                ..Container::default()
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
