//! The processes of the container: what the agent starts, and what is left to it.
//!
//! The agent is often the first process of its container, and so inherits every orphan in it; a zombie that
//! nobody collects keeps its slot in the process table. One loop therefore collects all children, whoever
//! started them, and tells those who wait how theirs ended. It asks to inherit its descendants' orphans also
//! where it is not the first process. That makes known when a process group has lost its last member: as long
//! as it has one the kernel gives its number to nobody else, and it can be signalled without fear of hitting a
//! stranger.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, set_child_subreaper,
    test_kill_process_group, wait,
};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// A process group that was started here, by the id of its first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Group(Pid);

/// All that runs. There can be one in a process only: it takes every child's exit status.
pub(crate) struct Processes {
    running: Mutex<Running>,
    /// Changes after children have been collected.
    collected: watch::Sender<()>,
}

#[derive(Default)]
struct Running {
    exits: HashMap<Pid, oneshot::Sender<ExitStatus>>,
    /// Groups with at least one process left, perhaps not the first one.
    groups: HashSet<Group>,
}

impl Processes {
    /// Makes this process the one that orphans are left to.
    pub(crate) fn new() -> Result<Self> {
        set_child_subreaper(Some(getpid()))
            .context("cannot become the process that orphans are left to")?;
        Ok(Self {
            running: Mutex::default(),
            collected: watch::Sender::new(()),
        })
    }

    /// Collects children that have ended, for ever. To be polled before the first one is started.
    pub(crate) async fn collect(&self) -> Result<()> {
        let mut children =
            unix::signal(SignalKind::child()).context("cannot listen for SIGCHLD")?;
        while children.recv().await.is_some() {
            self.collect_ended();
            self.collected.send_replace(());
        }
        Ok(())
    }

    /// Starts `command`, which must begin a process group of its own. The receiver gets its exit status.
    pub(crate) fn start(
        &self,
        command: &mut Command,
    ) -> io::Result<(Child, Group, oneshot::Receiver<ExitStatus>)> {
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let group = Group(pid);
        let (exited, exit) = oneshot::channel();
        let mut running = self.running();
        running.exits.insert(pid, exited);
        running.groups.insert(group);
        Ok((child, group, exit))
    }

    /// Sends `signal` to all processes left in `group`, if there are any.
    pub(crate) fn signal(&self, group: Group, signal: Signal) {
        if self.running().groups.contains(&group) {
            // It can only fail where the last one has just ended, or runs as somebody we may not signal.
            kill_process_group(group.0, signal).ok();
        }
    }

    /// Waits until nothing is left of `group`.
    pub(crate) async fn gone(&self, group: Group) {
        self.until(|running| !running.groups.contains(&group)).await;
    }

    /// Ends `group`: SIGTERM, and SIGKILL to what is left of it after `grace`.
    pub(crate) async fn end(&self, group: Group, grace: Duration) {
        self.signal(group, Signal::TERM);
        if timeout(grace, self.gone(group)).await.is_err() {
            self.signal(group, Signal::KILL);
        }
    }

    /// Ends all groups at once, and waits until they are gone, for `grace` and a moment after SIGKILL at most.
    pub(crate) async fn end_all(&self, grace: Duration) {
        for (signal, wait) in [(Signal::TERM, grace), (Signal::KILL, AFTER_KILL)] {
            let groups = self.running().groups.clone();
            for group in groups {
                self.signal(group, signal);
            }
            let gone = self.until(|running| running.groups.is_empty());
            if timeout(wait, gone).await.is_ok() {
                return;
            }
        }
    }

    /// Waits until `condition` holds, looking each time children were collected.
    async fn until(&self, condition: impl Fn(&Running) -> bool) {
        let mut collected = self.collected.subscribe();
        while !condition(&self.running()) {
            if collected.changed().await.is_err() {
                return;
            }
        }
    }

    fn collect_ended(&self) {
        let mut running = self.running();
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Some(exited) = running.exits.remove(&pid) {
                        // Nobody waits any more for a command whose client is gone.
                        exited.send(ExitStatus::from_raw(status.as_raw())).ok();
                    }
                }
                Err(Errno::INTR) => (),
                // None has ended, or there is none.
                Ok(None) | Err(_) => break,
            }
        }
        running
            .groups
            .retain(|group| test_kill_process_group(group.0) != Err(Errno::SRCH));
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait for processes to disappear after SIGKILL.
const AFTER_KILL: Duration = Duration::from_secs(1);
