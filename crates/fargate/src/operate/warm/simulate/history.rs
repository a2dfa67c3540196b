//! The jobs of the ledger, by the kind of their tasks.

use std::collections::BTreeMap;
use std::path::Path;

use warm_policy::{Job, TaskTimes};

use super::attempt::{Attempt, Task, attempt};
use super::cold_starts::{ByFamily, starts};
use crate::error::Result;
use crate::operate::cost::Prices;
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
        let families = ByFamily::of(&attempts);
        let mut attempts: Vec<_> = attempts.into_iter().collect();
        attempts.sort_by_key(|(_, attempts)| std::cmp::Reverse(attempts.len()));
        let (mut jobs, mut kinds) = (Vec::new(), Vec::new());
        for (number, (task, attempts)) in attempts.into_iter().enumerate() {
            let cold = families.of_kind(&task, &attempts);
            let job = |attempt: &Attempt| Job {
                at: attempt.at,
                kind: number,
                length: attempt.length,
                is_willing: attempt.is_willing,
            };
            jobs.extend(attempts.iter().map(job).zip(starts(&attempts, &cold)));
            kinds.push(Kind::of(task, &attempts, &cold));
        }
        jobs.sort_by_key(|(job, _)| job.at);
        let (jobs, starts): (Vec<Job>, _) = jobs.into_iter().unzip();
        Self {
            // Tasks that wait before anybody uses the manager prove nothing.
            since: jobs.first().map_or(since, |job| job.at),
            until,
            jobs,
            starts,
            kinds,
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

    fn of(task: Task, attempts: &[Attempt], cold: &[StartTime]) -> Self {
        let times = task_times(cold);
        let costs = attempts.iter().map(|attempt| attempt.cold_cost(&times));
        let (hours, usd) = costs.fold((0.0, 0.0), |sum, (hours, usd)| (sum.0 + hours, sum.1 + usd));
        Self {
            task,
            jobs: attempts.len() as u64,
            times,
            hours,
            usd,
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
