//! The jobs of the ledger, by the kind of their tasks.

use std::collections::BTreeMap;
use std::path::Path;

use warm_policy::{Job, TaskTimes};

use crate::error::Result;
use crate::operate::cost::{Prices, Usage};
use crate::operate::warm::start_times::task_times;
use crate::operate::warm::unreadable;
use crate::state::ledger::{self, Entry, Month, Reader};
use crate::state::start_time::StartTime;

/// The jobs of a stretch of time, from the first one on, in milliseconds since 1970.
pub(super) struct History {
    pub(super) since: u64,
    pub(super) until: u64,
    /// In the order of their requests, each with the number of its kind.
    pub(super) jobs: Vec<Job>,
    /// How long each start took, in milliseconds.
    pub(super) starts: Vec<u64>,
    /// Those of the most jobs first.
    pub(super) kinds: Vec<Kind>,
}

/// Jobs whose tasks are alike, so that a task may wait for any of them.
pub(super) struct Kind {
    pub(super) task: Task,
    pub(super) jobs: u64,
    pub(super) times: TaskTimes,
    /// What AWS billed for their tasks: hours, and about how many USD.
    pub(super) hours: f64,
    pub(super) usd: f64,
}

/// What tells a kind from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Task {
    /// The hash of its start. Lines of older drivers have none.
    pub(super) start_hash: Option<String>,
    pub(super) image: Option<String>,
    pub(super) family: Option<String>,
    /// CPU units and MiB.
    pub(super) cpu: Option<u32>,
    pub(super) memory: Option<u32>,
    pub(super) storage: Option<u32>,
    pub(super) architecture: Option<String>,
    pub(super) provider: Option<String>,
}

/// A job, as its entry tells.
struct Attempt {
    at: u64,
    start: StartTime,
    length: u64,
    hours: f64,
    usd: f64,
}

impl History {
    /// Reads the ledger.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(super) fn read(folder: &Path, since: u64, until: u64, prices: &Prices) -> Result<Self> {
        let mut attempts: BTreeMap<Task, Vec<Attempt>> = BTreeMap::new();
        let mut reader = Reader::default();
        let first = Month::of(since, folder);
        for month in ledger::months(folder) {
            if month.name < first.name {
                continue;
            }
            let each = |entry: Entry| {
                if let Some((task, attempt)) = attempt(&entry, prices)
                    && (since..=until).contains(&attempt.at)
                {
                    attempts.entry(task).or_default().push(attempt);
                }
            };
            reader
                .read(&month, each)
                .map_err(|error| unreadable(&month, &error))?;
        }
        Ok(Self::of(attempts, since, until))
    }

    fn of(attempts: BTreeMap<Task, Vec<Attempt>>, since: u64, until: u64) -> Self {
        let mut kinds: Vec<_> = attempts.into_iter().collect();
        kinds.sort_by_key(|(_, attempts)| std::cmp::Reverse(attempts.len()));
        let job = |kind: usize, attempt: &Attempt| {
            let job = Job {
                at: attempt.at,
                kind,
                length: attempt.length,
            };
            (job, attempt.start.whole)
        };
        let mut jobs: Vec<_> = kinds
            .iter()
            .enumerate()
            .flat_map(|(kind, (_, attempts))| attempts.iter().map(move |one| job(kind, one)))
            .collect();
        jobs.sort_by_key(|(job, _)| job.at);
        let (jobs, starts): (Vec<Job>, _) = jobs.into_iter().unzip();
        Self {
            // Tasks that wait before anybody uses the manager prove nothing.
            since: jobs.first().map_or(since, |job| job.at),
            until,
            jobs,
            starts,
            kinds: kinds.into_iter().map(Kind::of).collect(),
        }
    }

    /// What AWS billed for all jobs, in USD, and in hours.
    pub(super) fn own(&self) -> (f64, f64) {
        let kinds = self.kinds.iter();
        kinds.fold((0.0, 0.0), |(usd, hours), kind| {
            (usd + kind.usd, hours + kind.hours)
        })
    }
}

impl Kind {
    /// A kind of which no job came, whose tasks cost so many USD an hour.
    pub(super) fn unasked(task: Task, hourly: f64) -> Self {
        Self {
            task,
            jobs: 0,
            times: task_times(&[]),
            hours: 1.0,
            usd: hourly,
        }
    }

    fn of((task, attempts): (Task, Vec<Attempt>)) -> Self {
        let starts = attempts.iter().map(|attempt| attempt.start);
        let cold: Vec<_> = starts.filter(|start| start.is_cold()).collect();
        Self {
            task,
            jobs: attempts.len() as u64,
            times: task_times(&cold),
            hours: attempts.iter().map(|attempt| attempt.hours).sum(),
            usd: attempts.iter().map(|attempt| attempt.usd).sum(),
        }
    }

    /// What so many hours of one of its tasks cost, in USD.
    pub(super) fn price(&self, hours: f64) -> f64 {
        match self.hours > 0.0 {
            true => hours * self.usd / self.hours,
            false => 0.0,
        }
    }
}

/// The job of an entry, if a task took its scripts.
fn attempt(entry: &Entry, prices: &Prices) -> Option<(Task, Attempt)> {
    let won = entry.tasks.iter().find(|task| task.won)?;
    let (asked, ready) = entry.times.asked.zip(entry.times.ready)?;
    let start = entry.start_time()?;
    let facts = &won.facts;
    let usage = Usage::of(entry, won, prices)?;
    let vcpu = f64::from(facts.cpu?) / 1024.0;
    let attempt = Attempt {
        at: asked,
        start,
        length: entry.times.ended.unwrap_or(ready).saturating_sub(ready),
        hours: usage.vcpu_hours / vcpu,
        usd: usage.usd + usage.spot_usd,
    };
    let task = Task {
        start_hash: entry.start_hash.clone(),
        image: entry.image.clone(),
        family: facts.family.clone(),
        cpu: facts.cpu,
        memory: facts.memory,
        storage: facts.storage,
        architecture: facts.architecture.clone(),
        provider: facts.provider.clone(),
    };
    (vcpu > 0.0).then_some((task, attempt))
}
