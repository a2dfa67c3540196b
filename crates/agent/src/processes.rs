//! The processes that the agent starts, and the orphans that it inherits.
//!
//! The agent is often the first process of its container, and so inherits every orphan in it; a zombie that nobody
//! collects keeps its slot in the process table. One loop therefore collects all children, whoever started them, and
//! passes on their exit statuses. Where the agent is not the first process it asks the kernel for its descendants'
//! orphans. It therefore notices when a process group has lost its last member. As long as the group has one, the
//! kernel does not reuse its number, and a signal to the group cannot reach another process.

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

/// How long to wait for processes to disappear after SIGKILL.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// A process group that the agent started, named by the id of its first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ProcessGroup(Pid);

/// All process groups of the agent. A process can have only one of these: it collects every child's exit status.
pub(crate) struct Processes {
    running: Mutex<Running>,
    /// Changes after children have been collected.
    collected: watch::Sender<()>,
}

#[derive(Default)]
struct Running {
    exits: HashMap<Pid, oneshot::Sender<ExitStatus>>,
    /// Groups with at least one process left, perhaps not the first one.
    groups: HashSet<ProcessGroup>,
}

impl Processes {
    /// Makes this process inherit the orphans of its descendants.
    pub(crate) fn new() -> Result<Self> {
        set_child_subreaper(Some(getpid()))
            .context("cannot become the process that inherits orphans")?;
        Ok(Self {
            running: Mutex::default(),
            collected: watch::Sender::new(()),
        })
    }

    /// Collects children that have ended, for ever. Poll it before the first child starts.
    pub(crate) async fn collect(&self) -> Result<()> {
        let mut children =
            unix::signal(SignalKind::child()).context("cannot listen for SIGCHLD")?;
        while children.recv().await.is_some() {
            self.collect_ended();
            self.collected.send_replace(());
        }
        Ok(())
    }

    /// Starts `command`, which must lead its own process group. The receiver gets its exit status.
    pub(crate) fn start(
        &self,
        command: &mut Command,
    ) -> io::Result<(Child, ProcessGroup, oneshot::Receiver<ExitStatus>)> {
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let group = ProcessGroup(pid);
        let (exited, exit) = oneshot::channel();
        let mut running = self.running();
        running.exits.insert(pid, exited);
        running.groups.insert(group);
        Ok((child, group, exit))
    }

    /// Sends `signal` to all processes left in `group`, if there are any.
    pub(crate) fn signal(&self, group: ProcessGroup, signal: Signal) {
        if self.running().groups.contains(&group) {
            // This fails only if the last process has just ended, or if its user is out of our reach.
            kill_process_group(group.0, signal).ok();
        }
    }

    /// Waits until `group` has no processes.
    pub(crate) async fn gone(&self, group: ProcessGroup) {
        self.until(|running| !running.groups.contains(&group)).await;
    }

    /// Ends `group`: SIGTERM, and SIGKILL to the processes left after `grace`.
    pub(crate) async fn end(&self, group: ProcessGroup, grace: Duration) {
        self.signal(group, Signal::TERM);
        if timeout(grace, self.gone(group)).await.is_err() {
            self.signal(group, Signal::KILL);
        }
    }

    /// Ends all groups at once and waits until they are gone, at most for `grace` and a moment after SIGKILL.
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

    /// Waits until `condition` holds, and checks it each time that children were collected.
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
                        // The receiver is gone when the command's client is.
                        exited.send(ExitStatus::from_raw(status.as_raw())).ok();
                    }
                }
                Err(Errno::INTR) => (),
                // No child has ended, or none exists.
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
