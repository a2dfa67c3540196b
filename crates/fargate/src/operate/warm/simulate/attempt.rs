//! A job of the ledger, and the kind of its task.

use warm_policy::{LEAST_BILLED, TaskTimes};

use crate::operate::cost::{Prices, Usage};
use crate::start::request::{COLD_BY_PULL_POLICY, COLD_BY_VARIABLE};
use crate::state::ledger::Entry;
use crate::state::record::Warm;
use crate::state::start_time::StartTime;

/// In milliseconds.
const HOUR: f64 = 3_600_000.0;

/// The features that tell a kind from others.
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
pub(super) struct Attempt {
    pub(super) at: u64,
    /// Nothing where its task had waited.
    pub(super) cold: Option<StartTime>,
    pub(super) length: u64,
    pub(super) is_willing: bool,
    hours: f64,
    usd: f64,
}

impl Attempt {
    /// The hours that AWS bills for its task, and about how many USD: with the start of one that had waited, of which
    /// its ledger line has the time from the claim on.
    pub(super) fn cold_cost(&self, times: &TaskTimes) -> (f64, f64) {
        if self.cold.is_some() || self.hours <= 0.0 {
            return (self.hours, self.usd);
        }
        let hours = self.hours + times.billed_start as f64 / HOUR;
        let hours = hours.max(LEAST_BILLED as f64 / HOUR);
        (hours, self.usd * hours / self.hours)
    }
}

/// The job of an entry, if a task took its scripts.
pub(super) fn attempt(entry: &Entry, prices: &Prices) -> Option<(Task, Attempt)> {
    let won = entry.tasks.iter().find(|task| task.won)?;
    let (asked, ready) = entry.times.asked.zip(entry.times.ready)?;
    let cold = entry.cold_start();
    if !entry.is_attempt() || (cold.is_none() && !entry.has_claimed()) {
        return None;
    }
    let facts = &won.facts;
    let usage = Usage::of(entry, won, prices)?;
    let vcpu = f64::from(facts.cpu?) / 1024.0;
    let attempt = Attempt {
        at: asked,
        cold,
        length: entry.times.ended.unwrap_or(ready).saturating_sub(ready),
        is_willing: !is_unwilling(entry),
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

/// Whether the job was to start cold by its own wish. The ledger tells it where tasks waited, or were meant to.
fn is_unwilling(entry: &Entry) -> bool {
    let Some(Warm::Missed(why)) = &entry.warm else {
        return false;
    };
    [COLD_BY_VARIABLE, COLD_BY_PULL_POLICY].contains(&why.as_str())
}
