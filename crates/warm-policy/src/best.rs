//! The best fixed stocks, found by somebody who knows all jobs beforehand: a measure for what decides without that.

use crate::{Job, Outcome, Span, TaskTimes, replay};

/// Fixed stocks of all kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stocks {
    /// How many tasks of each kind wait at all times of its span.
    pub tasks: Vec<usize>,
    /// What they bring together.
    pub outcome: Outcome,
}

/// All stocks that no other stocks beat, by their hits: whoever wants that many pays at least that much. Each kind has
/// up to `most` tasks, for its span.
#[must_use]
pub fn best_stocks(jobs: &[Job], kinds: &[(TaskTimes, Span)], most: usize) -> Vec<Stocks> {
    let mut best = vec![Stocks::default()];
    for (kind, (task, span)) in kinds.iter().enumerate() {
        let arrivals = || jobs.iter().filter(|job| job.kind == kind).map(|job| job.at);
        let outcomes: Vec<_> = (0..=most)
            .map(|stock| (stock, replay(arrivals(), stock, task, span)))
            .collect();
        let with_kind = best.iter().flat_map(|stocks| {
            outcomes.iter().map(|(stock, outcome)| Candidate {
                stocks,
                stock: *stock,
                outcome: Outcome {
                    hits: stocks.outcome.hits + outcome.hits,
                    idle: stocks.outcome.idle.saturating_add(outcome.idle),
                },
            })
        });
        best = unbeaten(with_kind.collect());
    }
    best
}

/// Stocks of some kinds, and one of a further kind.
struct Candidate<'a> {
    stocks: &'a Stocks,
    stock: usize,
    outcome: Outcome,
}

/// Those that no other beats: with more hits for the same idle time, or the same for less.
fn unbeaten(mut candidates: Vec<Candidate<'_>>) -> Vec<Stocks> {
    candidates.sort_by_key(|candidate| (candidate.outcome.idle, u64::MAX - candidate.outcome.hits));
    let mut best: Vec<Stocks> = Vec::new();
    for candidate in candidates {
        let is_beaten = best
            .last()
            .is_some_and(|last| last.outcome.hits >= candidate.outcome.hits);
        if !is_beaten {
            let tasks = candidate.stocks.tasks.iter().copied();
            best.push(Stocks {
                tasks: tasks.chain([candidate.stock]).collect(),
                outcome: candidate.outcome,
            });
        }
    }
    best
}
