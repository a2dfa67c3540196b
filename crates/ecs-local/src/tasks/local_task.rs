//! A task of the account: its description, its history, and the signals that stop it or its containers.

use std::time::Instant;

use tokio::sync::watch;

use super::description::{TaskDescription, TaskStatus};
use super::history::HistoryEntry;
use super::shown_task::ShownTask;
use crate::container_output::ContainerOutput;
use crate::faults::{InjectedExit, LateFault, TaskFaults};
use crate::tags::Tag;
use crate::timestamp::Timestamp;

/// A task of the account.
#[derive(Debug)]
pub(crate) struct LocalTask {
    pub(crate) description: TaskDescription,
    pub(crate) tags: Vec<Tag>,
    pub(crate) faults: TaskFaults,
    /// Every visible change.
    pub(crate) history: Vec<HistoryEntry>,
    /// Becomes true when `desiredStatus` becomes `STOPPED`.
    stopping: watch::Sender<bool>,
    /// The time at which it reached `STOPPED`.
    pub(crate) stopped: Option<Instant>,
    /// The output of each container, by its position.
    pub(crate) outputs: Vec<ContainerOutput>,
    /// The end that a late fault causes of each container, by its position.
    injected_exits: Vec<watch::Sender<Option<InjectedExit>>>,
    /// The number of `DescribeTasks` calls that named it.
    reads: u32,
    /// The description that a stale read shows. It is kept only if there are stale reads.
    previous: Option<Box<TaskDescription>>,
}

/// The result of a read of a task.
pub(crate) enum TaskRead {
    Found(ShownTask),
    /// Not visible, or not yet.
    Missing,
}

impl LocalTask {
    pub(crate) fn new(description: TaskDescription, tags: Vec<Tag>, faults: TaskFaults) -> Self {
        let containers = || description.containers.iter();
        let mut task = Self {
            injected_exits: containers().map(|_| watch::Sender::new(None)).collect(),
            outputs: containers().map(|_| ContainerOutput::default()).collect(),
            description,
            tags,
            faults,
            history: Vec::new(),
            stopping: watch::Sender::new(false),
            stopped: None,
            reads: 0,
            previous: None,
        };
        task.record();
        task
    }

    /// Changes the description. Nothing else does, because every visible change has a version.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut TaskDescription, Timestamp)) {
        if self.faults.stale_every.is_some() {
            self.previous = Some(Box::new(self.description.clone()));
        }
        // Clocks can be set back, but the times of a task never go back.
        let last = self.history.last().map(|entry| entry.at);
        let now = Timestamp::now().max(last.unwrap_or_default());
        change(&mut self.description, now);
        self.description.version += 1;
        self.record();
        if self.description.last_status == TaskStatus::Stopped {
            self.stopped.get_or_insert_with(Instant::now);
            self.tags.clear();
        }
    }

    /// Adds the present state to the history.
    fn record(&mut self) {
        let last = self.history.last().map(|entry| entry.at);
        let at = last
            .unwrap_or(self.description.created_at)
            .max(Timestamp::now());
        let entry = HistoryEntry::new(&self.description, at);
        self.history.push(entry);
    }

    /// Sets `desiredStatus` to `STOPPED`, once: the first code and reason stay.
    pub(crate) fn begin_stop(&mut self, code: &str, reason: &str) {
        if self.description.desired_status == TaskStatus::Stopped {
            return;
        }
        self.change(|description, now| {
            description.desired_status = TaskStatus::Stopped;
            description.stop_code = Some(code.to_owned());
            description.stopped_reason = Some(reason.to_owned());
            description.stopping_at = Some(now);
        });
        self.stopping.send_replace(true);
    }

    /// Applies a late fault. False if the task has no such container.
    pub(crate) fn inject(&mut self, fault: LateFault) -> bool {
        match fault {
            LateFault::Stop(stop) => {
                self.begin_stop(&stop.code, &stop.reason);
                true
            }
            LateFault::Exit(name, exit) => {
                let containers = self.description.containers.iter();
                let mut containers = containers.zip(&self.injected_exits);
                let Some((_, sender)) = containers.find(|(container, _)| container.name == name)
                else {
                    return false;
                };
                sender.send_replace(Some(exit));
                true
            }
        }
    }

    /// Receives the end that a late fault causes of each container, by its position.
    pub(super) fn injected_exits(&self) -> Vec<watch::Receiver<Option<InjectedExit>>> {
        let senders = self.injected_exits.iter();
        senders.map(watch::Sender::subscribe).collect()
    }

    /// Becomes true when the task is to stop.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Whether callers do not find it yet. If so, the call counts as a read.
    pub(crate) fn is_missing(&mut self) -> bool {
        let missing = self.reads < self.faults.missing_reads;
        if missing {
            self.reads += 1;
        }
        missing
    }

    /// Counts a read, and returns what it finds.
    pub(crate) fn read(&mut self, tags: bool) -> TaskRead {
        if self.is_missing() {
            return TaskRead::Missing;
        }
        self.reads = self.reads.saturating_add(1);
        if self.faults.missing_read == Some(self.reads) {
            return TaskRead::Missing;
        }
        let stale = self
            .faults
            .stale_every
            .is_some_and(|every| self.reads.is_multiple_of(every));
        let description = if stale {
            self.previous.as_deref().unwrap_or(&self.description)
        } else {
            &self.description
        };
        let tags: &[Tag] = if tags { &self.tags } else { &[] };
        TaskRead::Found(ShownTask::new(description, tags, &self.faults))
    }

    /// The task as RunTask and StopTask show it.
    pub(crate) fn show(&self, tags: bool) -> ShownTask {
        let tags: &[Tag] = if tags { &self.tags } else { &[] };
        ShownTask::new(&self.description, tags, &self.faults)
    }
}
