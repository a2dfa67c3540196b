//! The process of GitLab Runner, and those that it leaves to the container's first process.

use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{WaitOptions, waitpid};
use tokio::process::{Child, Command};

use super::files::{CONFIG_TOML, FARGATE_TOML};
use crate::error::{Error, Result};

/// GitLab Runner.
pub(super) struct Runner {
    child: Child,
    id: i32,
}

impl Runner {
    /// Starts it. What it prints goes where our own lines go.
    ///
    /// # Errors
    ///
    /// When there is no such program.
    pub(super) fn start() -> Result<Self> {
        let failed = |reason: String| {
            Error::system(format!("could not start gitlab-runner: {reason}")).advise(
                "The manager's image stands on one of GitLab Runner, which has the program.",
            )
        };
        let child = Command::new("gitlab-runner")
            .args(["run", "--config", CONFIG_TOML])
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let id = id.ok_or_else(|| failed("it has no process".to_owned()))?;
        Ok(Self { child, id })
    }

    pub(super) fn id(&self) -> i32 {
        self.id
    }

    /// Its exit status, once it has ended.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = self.child.wait().await;
        ended.map_err(|error| Error::system(format!("could not wait for gitlab-runner: {error}")))
    }

    /// Lets it take no more jobs, and end after the last one.
    pub(super) fn quit(&self) {
        self.send(Signal::SIGQUIT);
    }

    /// Ends a runner that stays without jobs.
    pub(super) fn kill(&self) {
        tracing::warn!("gitlab-runner has no jobs and does not end, so it is killed");
        self.send(Signal::SIGKILL);
    }

    fn send(&self, signal: Signal) {
        if let Err(error) = kill(Pid::from_raw(self.id), signal) {
            tracing::debug!("gitlab-runner got no {signal}: {error}");
        }
    }

    /// Takes the exit status of other children. The first process of a container inherits those of others.
    pub(super) fn bury_orphans(&self) {
        for id in children().into_iter().filter(|id| *id != self.id) {
            let ended =
                rustix::process::Pid::from_raw(id).map(|id| waitpid(Some(id), WaitOptions::NOHANG));
            tracing::debug!("child {id}: {ended:?}");
        }
    }
}

/// The ids of this process's children (Linux: proc_pid_task, `children`).
fn children() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let lists = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let ids: Vec<_> = lists
        .flat_map(|list| {
            let ids: Vec<i32> = list.split_whitespace().flat_map(str::parse).collect();
            ids
        })
        .collect();
    ids
}

/// Starts what `fargate reap` does, as a process of its own. It is buried as an orphan.
pub(super) fn reap_leftovers() {
    let started = std::env::current_exe().and_then(|program| {
        std::process::Command::new(program)
            .args(["--config", FARGATE_TOML, "reap"])
            .stdin(Stdio::null())
            .spawn()
    });
    if let Err(error) = started {
        tracing::warn!("could not start fargate reap: {error}");
    }
}
