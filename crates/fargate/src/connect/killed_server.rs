//! The error for a script that killed the SSH server which ran it.
//!
//! The server is out of its script's reach only as the first process of its container. Where the image's entry point
//! starts it as a child, `kill -9 $PPID` and `kill -9 -1` end it, and the container with it.

use fargate_wire::COORDINATOR_CONTAINER;

use crate::error::{Blame, Error};
use crate::task::{Container, JobContainer, Task};

/// The status of a container whose server SIGKILL ended.
const KILLED: i32 = 128 + 9;

/// The status of a container that SIGTERM ended.
const TERMINATED: i32 = 128 + 15;

const ADVICE: &str = "A script must not kill its parent or all processes (kill -9 $PPID, kill -9 -1): where the image's \
    entry point does not exec its command, that ends the server, too. Kill by process id or name. If memory ran out, \
    give the job more.";

/// The error for a task that ended because its SSH server was killed, in AWS's words; nothing if it ended otherwise.
///
/// AWS kills a container when it stops the task, but then that is the reason. It tells of memory that has run out, most
/// of the time. It also kills a container that does not end by itself after another one has: so that one must not have
/// failed. `build` is None where the job's containers are those of the operator's task definition.
pub(super) fn of_killed_server(
    task: &Task,
    build: Option<&JobContainer>,
    cause: &str,
) -> Option<Error> {
    let ended_itself = task.stop_code.as_deref() == Some("EssentialContainerExited");
    let container = task.container(COORDINATOR_CONTAINER)?;
    let is_service =
        |other: &Container| build.is_some_and(|build| build.job_names_image_of(&other.name));
    let may_have_failed = task.containers.iter().any(|other| {
        other.name != COORDINATOR_CONTAINER
            && !is_service(other)
            && (other.reason.is_some()
                || !matches!(other.exit_code, None | Some(0 | KILLED | TERMINATED)))
    });
    if !ended_itself || container.exit_code != Some(KILLED) || may_have_failed {
        return None;
    }
    let message = format!(
        "the SSH server in the job's container was killed, by the script or for its use of memory ({cause})"
    );
    Some(Error::new(Blame::Script(KILLED), message).advise(ADVICE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str, exit_code: Option<i32>) -> Container {
        Container {
            name: name.into(),
            exit_code,
            ..Container::default()
        }
    }

    fn fault(stop_code: &str, exit_code: Option<i32>, other: Container) -> Option<Blame> {
        let task = Task {
            stop_code: Some(stop_code.into()),
            containers: vec![container(COORDINATOR_CONTAINER, exit_code), other],
            ..Task::default()
        };
        of_killed_server(&task, None, "x").map(|error| error.blame())
    }

    #[test]
    fn only_a_server_that_was_killed_from_inside_is_the_scripts_fault() {
        let ended = "EssentialContainerExited";
        for stopped in [None, Some(0), Some(137), Some(143)] {
            let blame = fault(ended, Some(137), container("logs", stopped));
            assert_eq!(blame, Some(Blame::Script(137)));
        }
        for (stop_code, exit_code) in [
            (ended, Some(0)),
            (ended, Some(143)),
            (ended, None),
            // AWS kills what does not end by itself.
            ("UserInitiated", Some(137)),
            ("SpotInterruption", Some(137)),
        ] {
            let blame = fault(stop_code, exit_code, container("logs", None));
            assert_eq!(blame, None, "{stop_code} {exit_code:?}");
        }
    }

    #[test]
    fn another_container_that_failed_is_not_the_scripts_fault() {
        let failed = fault(
            "EssentialContainerExited",
            Some(137),
            container("logs", Some(1)),
        );
        assert_eq!(failed, None);
        let told = Container {
            reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
            ..container("logs", Some(137))
        };
        assert_eq!(fault("EssentialContainerExited", Some(137), told), None);
    }
}
