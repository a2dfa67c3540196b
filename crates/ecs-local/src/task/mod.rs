//! A task: what AWS shows of it, and what drives it.

mod changes;
mod containers;
mod descendants;
mod ground;
mod health;
mod lifecycle;
mod logging;
mod output;
pub(crate) mod plan;
mod port;
mod process;
mod record;

use std::time::Instant;

use serde::Serialize;
use tokio::sync::watch;

use crate::faults::{Exit, Strike, TaskFaults};
use crate::tags::Tag;

pub(crate) use changes::pending_agent;
pub(crate) use descendants::start_time;
pub(crate) use lifecycle::drive;
pub(crate) use output::Output;
pub(crate) use record::{
    Attachment, AttachmentStatus, Container, ContainerStatus, Record, Shown, StorageSize,
    TaskStatus, Timestamp,
};

/// A task of the account.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) record: Record,
    pub(crate) tags: Vec<Tag>,
    pub(crate) faults: TaskFaults,
    /// Every change anyone could have seen.
    pub(crate) history: Vec<Change>,
    /// Told when `desiredStatus` becomes `STOPPED`.
    stopping: watch::Sender<bool>,
    /// When it reached `STOPPED`.
    pub(crate) stopped: Option<Instant>,
    /// Of each container, by its position.
    pub(crate) outputs: Vec<Output>,
    /// What makes a container end from outside, by its position.
    strikes: Vec<watch::Sender<Option<Exit>>>,
    /// `DescribeTasks` calls that asked for it.
    reads: u32,
    /// What a stale read shows; kept only when there are stale reads.
    previous: Option<Box<Record>>,
}

/// A visible change, for tests and people.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    version: u64,
    at: Timestamp,
    last_status: TaskStatus,
    desired_status: TaskStatus,
    attachment_status: Option<AttachmentStatus>,
    containers: Vec<ContainerStatus>,
}

/// What a read of a task finds.
pub(crate) enum Read<'a> {
    Found(Shown<'a>),
    /// Not visible (yet).
    Missing,
}

impl Task {
    pub(crate) fn new(record: Record, tags: Vec<Tag>, faults: TaskFaults) -> Self {
        let mut task = Self {
            strikes: record
                .containers
                .iter()
                .map(|_| watch::Sender::new(None))
                .collect(),
            outputs: record
                .containers
                .iter()
                .map(|_| Output::default())
                .collect(),
            record,
            tags,
            faults,
            history: Vec::new(),
            stopping: watch::Sender::new(false),
            stopped: None,
            reads: 0,
            previous: None,
        };
        task.note();
        task
    }

    /// Changes what is shown: the one way to do it, since every visible change has a version.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Record, Timestamp)) {
        if self.faults.stale_every.is_some() {
            self.previous = Some(Box::new(self.record.clone()));
        }
        // Clocks can be set back, a task's times never run back.
        let last = self
            .history
            .last()
            .map_or(Timestamp::default(), |change| change.at);
        let now = Timestamp::now().max(last);
        change(&mut self.record, now);
        self.record.version += 1;
        self.note();
        if self.record.last_status == TaskStatus::Stopped {
            self.stopped.get_or_insert_with(Instant::now);
            self.tags.clear();
        }
    }

    fn note(&mut self) {
        let record = &self.record;
        self.history.push(Change {
            version: record.version,
            at: self
                .history
                .last()
                .map_or(record.created_at, |last| last.at)
                .max(Timestamp::now()),
            last_status: record.last_status,
            desired_status: record.desired_status,
            attachment_status: record
                .attachments
                .first()
                .map(|attachment| attachment.status),
            containers: record
                .containers
                .iter()
                .map(|container| container.last_status)
                .collect(),
        });
    }

    /// Makes the task want to stop, once; the first cause stays.
    pub(crate) fn begin_stop(&mut self, code: &str, reason: &str) {
        if self.record.desired_status == TaskStatus::Stopped {
            return;
        }
        self.change(|record, now| {
            record.desired_status = TaskStatus::Stopped;
            record.stop_code = Some(code.to_owned());
            record.stopped_reason = Some(reason.to_owned());
            record.stopping_at = Some(now);
        });
        self.stopping.send_replace(true);
    }

    /// Lets something happen to it; false when it has no such container.
    pub(crate) fn strike(&mut self, strike: Strike) -> bool {
        match strike {
            Strike::Stop(_, code, reason) => {
                self.begin_stop(&code, &reason);
                true
            }
            Strike::Exit(name, exit) => {
                let mut containers = self.record.containers.iter().zip(&self.strikes);
                let Some((_, struck)) = containers.find(|(container, _)| container.name == name)
                else {
                    return false;
                };
                struck.send_replace(Some(exit));
                true
            }
        }
    }

    /// To be told when something makes a container end, by its position.
    fn struck(&self) -> Vec<watch::Receiver<Option<Exit>>> {
        self.strikes.iter().map(watch::Sender::subscribe).collect()
    }

    /// To be told when the task is to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Whether it is not there yet for whoever names it, which counts as a read.
    pub(crate) fn is_missing(&mut self) -> bool {
        let missing = self.reads < self.faults.missing_reads;
        if missing {
            self.reads += 1;
        }
        missing
    }

    /// Counts a read and finds what it shows.
    pub(crate) fn read(&mut self, tags: bool) -> Read<'_> {
        if self.is_missing() {
            return Read::Missing;
        }
        self.reads = self.reads.saturating_add(1);
        if self.faults.missing_read == Some(self.reads) {
            return Read::Missing;
        }
        let stale = self
            .faults
            .stale_every
            .is_some_and(|every| self.reads.is_multiple_of(every));
        let record = if stale {
            self.previous.as_deref().unwrap_or(&self.record)
        } else {
            &self.record
        };
        let tags: &[Tag] = if tags { &self.tags } else { &[] };
        Read::Found(Shown::new(record, tags, &self.faults))
    }

    /// What RunTask and StopTask show.
    pub(crate) fn show(&self, tags: bool) -> Shown<'_> {
        let tags: &[Tag] = if tags { &self.tags } else { &[] };
        Shown::new(&self.record, tags, &self.faults)
    }
}
