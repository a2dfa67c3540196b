//! What waiting tasks brought and cost since midnight (UTC): of the ledger, of jobs that run, and of tasks that wait.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::operate::cost::{Prices, Usage};
use crate::operate::warm::unreadable;
use crate::state::ledger::{self, Entry, Kind, Month, StoppedTask, read_month};
use crate::state::record::Warm;
use crate::state::records::Records;
use crate::state::waiting::Waiting;

/// Milliseconds of a day. Unix time has no leap seconds, so each begins at a multiple.
const DAY: u64 = 24 * 3600 * 1000;

/// What waiting tasks brought and cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Count {
    /// Jobs that claimed one.
    pub(super) claimed: u64,
    /// Jobs that claimed none, by the reason.
    pub(super) missed: BTreeMap<String, u64>,
    /// Tasks that ended without a job, by the reason.
    pub(super) unclaimed: BTreeMap<String, u64>,
    /// The time for which tasks waited.
    pub(super) cost: Usage,
}

/// The counts of a day, by the hash of starts.
pub(super) struct Today<'a> {
    prices: &'a Prices,
    now: u64,
    /// When it began, in milliseconds since 1970.
    pub(super) since: u64,
    counts: BTreeMap<String, Count>,
    /// The pool of each hash.
    pools: BTreeMap<String, String>,
}

impl<'a> Today<'a> {
    /// The day of this time, in milliseconds since 1970, of which nothing is known yet.
    pub(super) fn new(prices: &'a Prices, now: u64) -> Self {
        Self {
            prices,
            now,
            since: now - now % DAY,
            counts: BTreeMap::new(),
            pools: BTreeMap::new(),
        }
    }

    /// Takes note of the pool that starts with this hash belong to.
    pub(super) fn knows(&mut self, hash: &str, pool: &str) {
        self.pools.insert(hash.to_owned(), pool.to_owned());
    }

    /// Adds the ledger of the day, and the jobs that run.
    ///
    /// # Errors
    ///
    /// When the ledger or the records cannot be read.
    pub(super) fn read(&mut self, records: &Records) -> Result<()> {
        // A job that ends meanwhile is in both then, and never in neither.
        let records_now = records.all()?.into_iter();
        let recorded = records_now.filter_map(|entry| entry.record.ok());
        let mut live: BTreeMap<String, Entry> = recorded
            .filter(|record| !record.is_entered)
            .flat_map(|record| Entry::at_end(&record, &[], &[]))
            .map(|entry| (entry.attempt.clone(), entry))
            .collect();
        // A line is written after all that it tells of, so those of a day are in its month or later.
        let month = Month::of(self.now, &ledger::folder(records.directory()));
        let since = self.since;
        let each = |entry: Entry| {
            if entry.at >= since {
                live.remove(&entry.attempt);
                self.add(&entry);
            }
        };
        read_month(&month, each).map_err(|error| unreadable(&month, &error))?;
        live.values().for_each(|entry| self.add(entry));
        Ok(())
    }

    /// Adds a task that waits still.
    pub(super) fn waits(&mut self, task: &Waiting) {
        self.knows(&task.hash, &task.pool);
        let unended = StoppedTask {
            arn: task.task.clone().unwrap_or_default(),
            accepted: None,
            facts: None,
        };
        let mut entry = Entry::waiting(task, &unended, "");
        for one in &mut entry.tasks {
            // One that is ready was pulled, though nobody may have looked since.
            let times = &mut one.facts.times;
            times.pull_started = times.pull_started.or(times.started).or(task.ready_at);
        }
        let (prices, now) = (self.prices, self.now);
        let count = self.count(&entry);
        for one in &entry.tasks {
            if let Some(usage) = Usage::so_far(&entry, one, prices, now) {
                count.cost.add(&usage);
            }
        }
    }

    /// The counts of each pool, and what belongs to none that is known.
    pub(super) fn by_pool(self) -> (BTreeMap<String, Count>, Count) {
        let (mut pools, mut others) = (BTreeMap::new(), Count::default());
        for (hash, count) in self.counts {
            match self.pools.get(&hash) {
                Some(pool) => pools
                    .entry(pool.clone())
                    .or_insert_with(Count::default)
                    .add(count),
                None => others.add(count),
            }
        }
        (pools, others)
    }

    fn add(&mut self, entry: &Entry) {
        let hash = entry.start_hash.as_deref().unwrap_or_default();
        for task in &entry.tasks {
            if let Some(pool) = task.pool.as_deref().filter(|_| !hash.is_empty()) {
                self.knows(hash, pool);
            }
        }
        match (entry.kind, &entry.warm) {
            (Kind::Job, Some(warm)) if entry.times.asked.unwrap_or(entry.at) >= self.since => {
                let count = self.count(entry);
                match warm {
                    Warm::Claimed => count.claimed += 1,
                    Warm::Missed(why) => *count.missed.entry(why.clone()).or_default() += 1,
                }
            }
            (Kind::Waiting, _) => self.add_wait(entry),
            _ => {}
        }
    }

    /// Adds tasks that have waited: until a job claimed them, or until they ended.
    fn add_wait(&mut self, entry: &Entry) {
        let (prices, since) = (self.prices, self.since);
        let count = self.count(entry);
        for task in &entry.tasks {
            if task.claimed_at.unwrap_or(entry.at) < since {
                continue;
            }
            if let Some(usage) = Usage::of(entry, task, prices) {
                count.cost.add(&usage);
            }
            if task.claimed_at.is_none() {
                let why = entry.outcome.cause.clone().unwrap_or_default();
                *count.unclaimed.entry(why).or_default() += 1;
            }
        }
    }

    fn count(&mut self, entry: &Entry) -> &mut Count {
        let hash = entry.start_hash.clone().unwrap_or_default();
        self.counts.entry(hash).or_default()
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.claimed += other.claimed;
        for (own, others) in [
            (&mut self.missed, other.missed),
            (&mut self.unclaimed, other.unclaimed),
        ] {
            for (why, number) in others {
                *own.entry(why).or_default() += number;
            }
        }
        self.cost.add(&other.cost);
    }
}
