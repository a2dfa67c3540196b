//! Events of a task's containers.

/// An event of the container at a position.
#[derive(Debug)]
pub(super) struct ContainerEvent {
    pub(super) container: usize,
    pub(super) kind: EventKind,
}

/// The kind of an event.
#[derive(Debug)]
pub(super) enum EventKind {
    /// The image is there, with this digest. Only containers that pull their images one by one report it.
    Pulled(String),
    Started,
    Health(&'static str),
    Ended(ContainerEnd),
}

/// The end of a container.
#[derive(Clone, Debug, Default)]
pub(super) struct ContainerEnd {
    /// None if it never ran.
    pub(super) exit_code: Option<i32>,
    pub(super) reason: Option<String>,
    /// Whether its start was attempted and failed.
    pub(super) failed_to_start: bool,
    /// Whether it was never started, because a dependency failed.
    pub(super) is_unresolved: bool,
}

/// The exit code of a container whose dependency failed: the agent takes it for one that got a SIGTERM
/// (aws/amazon-ecs-agent#3218).
const UNRESOLVED: i32 = 143;

impl ContainerEnd {
    /// An end with an exit code.
    pub(super) fn exited(code: i32) -> Self {
        Self {
            exit_code: Some(code),
            ..Self::default()
        }
    }

    /// An end because a dependency failed, in the words of ECS's open agent.
    pub(super) fn unresolved(problem: String) -> Self {
        Self {
            exit_code: Some(UNRESOLVED),
            reason: Some(format!("CannotStartContainerError: {problem}")),
            is_unresolved: true,
            ..Self::default()
        }
    }

    /// An end without a start.
    pub(super) fn never_started(reason: String) -> Self {
        Self {
            reason: Some(reason),
            failed_to_start: true,
            ..Self::default()
        }
    }
}
