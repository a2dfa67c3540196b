//! A stock of tasks for jobs of one kind, replayed over jobs that are known.
//!
//! A base-stock policy: as soon as a job claims a task, the next one is started. A job that finds none ready starts
//! without the stock.

use std::collections::VecDeque;

use crate::{LEAST_BILLED, TaskTimes};

/// What a stock brought and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many jobs found a task ready.
    pub hits: u64,
    /// Milliseconds that AWS bills and that no job used.
    pub idle: u64,
}

/// The time of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the stock's first tasks are started.
    pub from: u64,
    /// When it ends.
    pub until: u64,
    /// How long after a job the stock is given up; the next job renews it.
    pub max_idle: u64,
    /// Whether the tasks that are left at the end are stopped then, which costs more than their waiting.
    pub is_over: bool,
}

/// Replays `arrivals`, which are in order and within the span, over this stock.
#[must_use]
pub fn replay(
    arrivals: impl IntoIterator<Item = u64>,
    stock: usize,
    task: &TaskTimes,
    span: &Span,
) -> Outcome {
    let mut outcome = Outcome::default();
    // When each task is ready, in order, as all take the same time to start.
    let mut ready = VecDeque::from(vec![span.from.saturating_add(task.start); stock]);
    let mut last = span.from;
    for at in arrivals {
        let given_up = last.saturating_add(span.max_idle);
        last = at;
        if at > given_up {
            outcome.stop(&mut ready, given_up, task);
            ready.extend(std::iter::repeat_n(at.saturating_add(task.start), stock));
            continue;
        }
        if let Some(since) = ready.pop_front_if(|since| *since <= at) {
            outcome.hits += 1;
            outcome.idle = outcome.idle.saturating_add(at - since);
            ready.push_back(at.saturating_add(task.start));
        }
    }
    let given_up = last.saturating_add(span.max_idle);
    if span.is_over || span.until > given_up {
        outcome.stop(&mut ready, span.until.min(given_up), task);
    }
    let waits = ready.iter().map(|since| span.until.saturating_sub(*since));
    outcome.idle = waits.fold(outcome.idle, u64::saturating_add);
    outcome
}

impl Outcome {
    /// Stops all tasks.
    fn stop(&mut self, ready: &mut VecDeque<u64>, at: u64, task: &TaskTimes) {
        for since in ready.drain(..) {
            self.idle = self.idle.saturating_add(stopped(since, at, task));
        }
    }
}

/// What a task costs that is stopped before a job claims it, where it was ready or is to be at `since`.
pub(crate) fn stopped(since: u64, at: u64, task: &TaskTimes) -> u64 {
    match at.checked_sub(since) {
        Some(waited) => task.billed(waited),
        // AWS bills from the pull on, which is the last part of the start.
        None => match task.billed_start.checked_sub(since - at) {
            Some(billed) => billed.saturating_add(task.wind_down).max(LEAST_BILLED),
            None => 0,
        },
    }
}
