//! The error for a script that ended the SSH server which ran it.
//!
//! SIGTERM (`kill $PPID`) ends the server wherever it runs, and the container with it. SIGKILL (`kill -9 $PPID`,
//! `kill -9 -1`) ends it unless it is the first process of its container, which an entry point prevents that starts it
//! as a child.

use fargate_wire::{BOOTSTRAP_CONTAINER, COORDINATOR_CONTAINER};

use crate::error::{Blame, Error};
use crate::task::{Container, JobContainer, Task};

/// The status of a container whose server SIGKILL ended.
const KILLED: i32 = 128 + 9;

/// The status of a container that SIGTERM ended.
const TERMINATED: i32 = 128 + 15;

const KILLED_ADVICE: &str = "A script must not kill its parent or all processes (kill -9 $PPID, kill -9 -1): where the image's \
    entry point does not exec its command, that ends the server, too. Kill by process id or name. If memory ran out, \
    give the job more.";

const TERMINATED_ADVICE: &str = "A script must not end its parent or all processes (kill $PPID, kill -TERM -1): that ends the \
    server, too. Signal processes by their ids or names.";

/// The error for a task that ended because its SSH server was killed or told to stop, in AWS's words; nothing if it
/// ended otherwise.
///
/// AWS kills a container when it stops the task, but then that is the reason. It tells of memory that has run out, most
/// of the time. It also stops all containers after one has ended by itself: so that one must not be another. `build` is
/// None where the job's containers are those of the operator's task definition.
pub(super) fn of_ended_server(
    task: &Task,
    build: Option<&JobContainer>,
    cause: &str,
) -> Option<Error> {
    let status = task.container(COORDINATOR_CONTAINER)?.exit_code?;
    let (told, advice) = match status {
        KILLED => (
            "the SSH server in the job's container was killed, by the script or for its use of memory",
            KILLED_ADVICE,
        ),
        TERMINATED => (
            "the SSH server in the job's container was ended by SIGTERM, by the script",
            TERMINATED_ADVICE,
        ),
        _ => return None,
    };
    let is_essential = |other: &&Container| {
        let is_service = build.is_some_and(|build| build.job_names_image_of(&other.name));
        let is_bootstrap =
            build.is_some() && other.name == BOOTSTRAP_CONTAINER && other.exit_code == Some(0);
        other.name != COORDINATOR_CONTAINER && !is_service && !is_bootstrap
    };
    let may_be_cause = |other: &Container| {
        other.reason.is_some()
            || match status {
                // AWS asks first, and kills what does not heed it.
                KILLED => !matches!(other.exit_code, None | Some(0 | KILLED | TERMINATED)),
                _ => !matches!(other.exit_code, None | Some(TERMINATED)),
            }
    };
    let ended_itself = task.stop_code.as_deref() == Some("EssentialContainerExited");
    let is_first = !task
        .containers
        .iter()
        .filter(is_essential)
        .any(may_be_cause);
    (ended_itself && is_first).then(|| {
        let message = format!("{told} ({cause})");
        Error::new(Blame::Script(status), message).advise(advice)
    })
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
        of_ended_server(&task, None, "x").map(|error| error.blame())
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
            (ended, None),
            // AWS kills what does not end by itself.
            ("UserInitiated", Some(137)),
            ("SpotInterruption", Some(137)),
            ("UserInitiated", Some(143)),
            ("TerminationNotice", Some(143)),
        ] {
            let blame = fault(stop_code, exit_code, container("logs", None));
            assert_eq!(blame, None, "{stop_code} {exit_code:?}");
        }
    }

    #[test]
    fn a_server_that_was_told_to_stop_from_inside_is_the_scripts_fault() {
        let ended = "EssentialContainerExited";
        for (other, is_scripts) in [
            (None, true),
            (Some(143), true),
            // It may have ended first, and AWS stopped the job's container after that.
            (Some(0), false),
            (Some(1), false),
            (Some(137), false),
        ] {
            let blame = fault(ended, Some(143), container("logs", other));
            assert_eq!(blame, is_scripts.then_some(Blame::Script(143)), "{other:?}");
        }
    }

    #[test]
    fn the_container_that_brings_the_agent_ends_before_all_others() {
        let build = JobContainer {
            port: 7022,
            image: "ruby:3".into(),
            is_jobs: true,
            services: Vec::new(),
        };
        let task = Task {
            stop_code: Some("EssentialContainerExited".into()),
            containers: vec![
                container(BOOTSTRAP_CONTAINER, Some(0)),
                container(COORDINATOR_CONTAINER, Some(143)),
                container("helper", Some(143)),
            ],
            ..Task::default()
        };
        let error = of_ended_server(&task, Some(&build), "x");
        assert_eq!(error.map(|error| error.blame()), Some(Blame::Script(143)));
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
