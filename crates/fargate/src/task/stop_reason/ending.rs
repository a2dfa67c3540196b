//! Which of AWS's statements tells why a task ended.

use fargate_wire::{BOOTSTRAP_CONTAINER, COORDINATOR_CONTAINER, HELPER_CONTAINER};

use super::cause::Cause;
use super::statement::Statement;
use crate::task::description::{Container, Task};
use crate::task::job_container::JobContainer;

/// Statuses of a process that SIGKILL or SIGTERM ended.
const KILLED: [i32; 2] = [137, 143];

/// A task's end, as AWS tells it.
pub(super) struct End<'a> {
    pub(super) task: &'a Task,
    pub(super) build: Option<&'a JobContainer>,
    pub(super) statements: Vec<Statement<'a>>,
}

/// The cause of a task's end, and the container that it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) cause: Cause,
    pub(super) about: Option<&'a Container>,
}

impl<'a> End<'a> {
    /// The end of `task`, which was composed for the container `build` from the job's image, or is an operator's own.
    pub(super) fn new(task: &'a Task, build: Option<&'a JobContainer>) -> Self {
        Self {
            task,
            build,
            statements: Statement::all(task),
        }
    }

    pub(super) fn stop_code(&self) -> &str {
        self.task.stop_code.as_deref().unwrap_or_default()
    }

    /// What ended the task, as far as AWS tells.
    pub(super) fn ending(&self) -> Option<Ending<'a>> {
        let cause = match self.stop_code() {
            "SpotInterruption" => Cause::SpotTaken,
            "TerminationNotice" => Cause::HostRetired,
            "InfrastructureHealth" => Cause::Infrastructure,
            // The reason is the words of whoever stopped it.
            "UserInitiated" | "ServiceSchedulerInitiated" => return None,
            _ => return self.bootstrap_failure().or_else(|| self.first_cause()),
        };
        Some(Ending { cause, about: None })
    }

    /// The failure of the driver's own container that brings the agent. All others wait for it, so their reasons and
    /// exit codes follow from it.
    pub(super) fn bootstrap_failure(&self) -> Option<Ending<'a>> {
        self.build?;
        let bootstrap = self.task.container(BOOTSTRAP_CONTAINER)?;
        let is_of_it = |statement: &&Statement<'a>| statement.about == Some(bootstrap);
        let told = self
            .statements
            .iter()
            .filter(is_of_it)
            .find_map(Statement::cause);
        let has_failed = |code: i32| code != 0 && !KILLED.contains(&code);
        let cause = told.or_else(|| {
            bootstrap
                .exit_code
                .is_some_and(has_failed)
                .then_some(Cause::Bootstrap)
        })?;
        Some(Ending {
            cause,
            about: Some(bootstrap),
        })
    }

    /// The cause that the others follow from: of the task and its essential containers first.
    fn first_cause(&self) -> Option<Ending<'a>> {
        let rank = |ending: &Ending<'a>| {
            let is_essential = ending.about.is_none_or(|about| self.is_essential(about));
            match ending.cause {
                Cause::Dependency if is_essential => 1,
                Cause::Exited => 2,
                Cause::Dependency => 4,
                _ if is_essential => 0,
                _ => 3,
            }
        };
        let of = |statement: &Statement<'a>| {
            Some(Ending {
                cause: statement.cause()?,
                about: statement.about,
            })
        };
        let exited = Ending {
            cause: Cause::Exited,
            about: None,
        };
        let exited = Some(exited).filter(|_| self.stop_code() == "EssentialContainerExited");
        self.statements
            .iter()
            .filter_map(of)
            .chain(exited)
            .min_by_key(rank)
    }

    /// Whether the end of this container ends the task; all are, as far as is known of an operator's own definition.
    fn is_essential(&self, container: &Container) -> bool {
        self.build.is_none()
            || [COORDINATOR_CONTAINER, HELPER_CONTAINER].contains(&container.name.as_str())
    }
}
