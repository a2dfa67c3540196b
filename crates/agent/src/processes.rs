//! The processes that the agent starts, and the orphans that it inherits.
//!
//! The agent is often the first process of its container, and so inherits every orphan in it; a zombie that nobody
//! collects keeps its slot in the process table. One loop therefore collects all children, whoever started them, and
//! passes on their exit statuses. Where the agent is not the first process it asks the kernel for its descendants'
//! orphans. It therefore notices when a process group has lost its last member. As long as the group has one, the
//! kernel does not reuse its number, and a signal to the group cannot reach another process.
//!
//! A process may leave its group (`setsid`). It still descends from its shell; and once its parent has ended, from the
//! agent, which tells it from the orphans of earlier shells by its start, and by that of its group and session: a
//! daemon of an earlier script may fork at any time.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper,
    test_kill_process_group, wait,
};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::process_table::{ProcessEntry, ProcessTable};

/// How long to wait for processes to disappear after SIGKILL.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// SIGKILLs within that time: a process that is killed may just have started another one.
const KILLS: u32 = 10;

/// A process group that the agent started, named by its first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ProcessGroup {
    leader: Pid,
    /// When the leader started.
    started: u64,
}

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
        let (group, exit) = self.adopt(Pid::from_child(&child));
        Ok((child, group, exit))
    }

    /// Takes over a child that has just started and leads its own process group. The receiver gets its exit status.
    pub(crate) fn adopt(&self, pid: Pid) -> (ProcessGroup, oneshot::Receiver<ExitStatus>) {
        let entry = ProcessEntry::read(pid);
        let group = ProcessGroup {
            leader: pid,
            // Without `/proc` no orphan is taken for its descendant.
            started: entry.map_or(u64::MAX, |entry| entry.started),
        };
        let (exited, exit) = oneshot::channel();
        let mut running = self.running();
        running.exits.insert(pid, exited);
        running.groups.insert(group);
        (group, exit)
    }

    /// Sends `signal` to all processes left in `group`, if there are any.
    pub(crate) fn signal(&self, group: ProcessGroup, signal: Signal) {
        if self.running().groups.contains(&group) {
            // This fails only if the last process has just ended, or if its user is out of our reach.
            kill_process_group(group.leader, signal).ok();
        }
    }

    /// Ends `group` and all that descends from it: SIGTERM, and SIGKILL to the processes left after `grace`.
    ///
    /// It returns when they are gone, or soon after SIGKILL.
    pub(crate) async fn end(&self, group: ProcessGroup, grace: Duration) {
        self.end_those(grace, |running| running.left_of(group))
            .await;
    }

    /// Ends the session that `group` leads, as [`end`](Self::end) does. Orphans that have left it live on.
    pub(crate) async fn end_session(&self, group: ProcessGroup, grace: Duration) {
        self.end_those(grace, |running| running.left_of_session(group))
            .await;
    }

    /// Ends all processes at once and waits until they are gone, at most for `grace` and a moment after SIGKILL.
    pub(crate) async fn end_all(&self, grace: Duration) {
        self.end_those(grace, Running::left_of_all).await;
    }

    async fn end_those(&self, grace: Duration, left: impl Fn(&Running) -> Left) {
        left(&self.running()).signal(Signal::TERM);
        let gone = self.until(|running| left(running).is_empty());
        if timeout(grace, gone).await.is_ok() {
            return;
        }
        for _ in 0..KILLS {
            left(&self.running()).signal(Signal::KILL);
            let gone = self.until(|running| left(running).is_empty());
            if timeout(AFTER_KILL / KILLS, gone).await.is_ok() {
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
            .retain(|group| test_kill_process_group(group.leader) != Err(Errno::SRCH));
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Processes that are to end: whole groups, and others one by one.
struct Left {
    groups: HashSet<Pid>,
    others: HashSet<Pid>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.others.is_empty()
    }

    /// Sends them a signal. This fails only for a process that has just ended, or whose user is out of our reach.
    fn signal(&self, signal: Signal) {
        for group in &self.groups {
            kill_process_group(*group, signal).ok();
        }
        for process in &self.others {
            kill_process(*process, signal).ok();
        }
    }
}

impl Running {
    /// What is left of a group and of all that descends from it.
    fn left_of(&self, group: ProcessGroup) -> Left {
        let table = ProcessTable::read();
        let agent = getpid();
        let mut others: HashSet<_> = self.groups.iter().map(|known| known.leader).collect();
        others.remove(&group.leader);
        let mut earlier = table.older_than(group.started);
        // Scripts share the agent's session.
        for id in table
            .get(agent)
            .into_iter()
            .flat_map(ProcessEntry::memberships)
        {
            earlier.remove(&id);
        }
        let is_anothers = |process: &ProcessEntry| {
            let mut memberships = process.memberships();
            memberships.any(|id| others.contains(&id) || earlier.contains(&id))
        };
        let groups = self.groups.iter().filter(|known| **known == group);
        let left = table.with_descendants(|pid, process| {
            let is_orphan = process.parent == Some(agent)
                && process.started >= group.started
                && !is_anothers(process);
            // The number of a leader that has ended may belong to another process by now.
            (pid == group.leader && process.started == group.started) || is_orphan
        });
        Self::left(&table, groups, left)
    }

    /// What is left of the session that a group leads. Processes that have left it go on.
    fn left_of_session(&self, group: ProcessGroup) -> Left {
        let table = ProcessTable::read();
        let groups = self.groups.iter().filter(|known| **known == group);
        let left = table.matching(|process| {
            // As long as the session has a process, no other one gets its number.
            process.session == Some(group.leader) && process.started >= group.started
        });
        Self::left(&table, groups, left)
    }

    /// What is left of everything that the agent started or inherited.
    fn left_of_all(&self) -> Left {
        let agent = Some(getpid());
        let table = ProcessTable::read();
        let left = table.with_descendants(|_, process| process.parent == agent);
        Self::left(&table, self.groups.iter(), left)
    }

    fn left<'a>(
        table: &ProcessTable,
        groups: impl Iterator<Item = &'a ProcessGroup>,
        mut others: HashSet<Pid>,
    ) -> Left {
        let groups: HashSet<_> = groups.map(|group| group.leader).collect();
        others.retain(|pid| {
            let group = table.get(*pid).and_then(|process| process.group);
            !group.is_some_and(|group| groups.contains(&group))
        });
        Left { groups, others }
    }
}
