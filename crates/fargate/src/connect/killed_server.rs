//! The error for a script that killed the SSH server which ran it.
//!
//! The server is out of its script's reach only as the first process of its container. Where the image's entry point
//! starts it as a child, `kill -9 $PPID` and `kill -9 -1` end it, and the container with it.

use fargate_wire::COORDINATOR_CONTAINER;

use crate::error::{Blame, Error};
use crate::task::Task;

/// The status of a container whose server SIGKILL ended.
const KILLED: i32 = 128 + 9;

const ADVICE: &str = "A script must not kill its parent or all processes (kill -9 $PPID, kill -9 -1): where the image's \
    entry point does not exec its command, that ends the server, too. Kill by process id or name. If memory ran out, \
    give the job more.";

/// The error for a task that ended because its SSH server was killed, in AWS's words; nothing if it ended otherwise.
///
/// AWS kills a container when it stops the task, but then that is the reason. It tells of memory that has run out, most
/// of the time.
pub(super) fn of_killed_server(task: &Task, cause: &str) -> Option<Error> {
    let ended_itself = task.stop_code.as_deref() == Some("EssentialContainerExited");
    let container = task.container(COORDINATOR_CONTAINER)?;
    if !ended_itself || container.exit_code != Some(KILLED) {
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
    use crate::task::Container;

    #[test]
    fn only_a_server_that_was_killed_from_inside_is_the_scripts_fault() {
        let fault = |stop_code: &str, exit_code| {
            let task = Task {
                stop_code: Some(stop_code.into()),
                containers: vec![Container {
                    name: COORDINATOR_CONTAINER.into(),
                    exit_code,
                    ..Container::default()
                }],
                ..Task::default()
            };
            of_killed_server(&task, "x").map(|error| error.blame())
        };
        let ended = "EssentialContainerExited";
        assert_eq!(fault(ended, Some(137)), Some(Blame::Script(137)));
        for (stop_code, exit_code) in [
            (ended, Some(0)),
            (ended, Some(143)),
            (ended, None),
            // AWS kills what does not end by itself.
            ("UserInitiated", Some(137)),
            ("SpotInterruption", Some(137)),
        ] {
            assert_eq!(
                fault(stop_code, exit_code),
                None,
                "{stop_code} {exit_code:?}"
            );
        }
    }
}
