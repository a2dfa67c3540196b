//! How many tasks wait for jobs, and what that brings and costs.
//!
//! Decisions without I/O, clock or dependencies. Jobs are of kinds: a task that waits for one kind takes no other. All
//! times are milliseconds; moments count from any fixed one, such as 1970.

mod best;
mod moves;
mod simulation;
mod stock;
#[cfg(test)]
mod tests;
mod wanted;

pub use self::best::best_stocks;
pub use self::moves::{Bounds, End, Kept, Moves, moves};
pub use self::simulation::{Course, Job, Rules, simulate};
pub use self::stock::{Outcome, Span, replay};
pub use self::wanted::{Demand, HIT_PERCENT, Limits, WINDOW, shares, wanted};

/// AWS bills at least so many milliseconds of a task (AWS: Fargate pricing, Linux).
pub const LEAST_BILLED: u64 = 60_000;

/// The times of a task, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskTimes {
    /// From the wish for it until it takes jobs.
    pub start: u64,
    /// The part of that which AWS bills: from the pull on.
    pub billed_start: u64,
    /// How long AWS bills it after it was stopped.
    pub wind_down: u64,
}

impl TaskTimes {
    /// What AWS bills for a task that took jobs or waited for them for so long.
    #[must_use]
    pub fn billed(&self, ready: u64) -> u64 {
        let time = self.billed_start.saturating_add(ready);
        time.saturating_add(self.wind_down).max(LEAST_BILLED)
    }
}
