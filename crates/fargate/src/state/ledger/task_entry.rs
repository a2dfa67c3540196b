//! The tasks of an entry, and which of them belongs to which line of an attempt.

use serde::{Deserialize, Serialize};

use crate::state::record::Record;
use crate::state::start::{Standing, Start};
use crate::task::{self, TaskFacts};

/// A task of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskEntry {
    /// Its id, the last part of its ARN.
    pub(crate) task: String,
    /// Whether it is the one that took scripts.
    #[serde(default)]
    pub(crate) won: bool,
    /// Whether it was a second one, started because another lagged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) hedge: bool,
    /// When AWS accepted our stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_accepted: Option<u64>,
    /// When its job claimed it, for which it had waited. A line of kind `waiting` has the time until then, and the
    /// attempt's the time from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claimed_at: Option<u64>,
    /// The pool it waited for, as people know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    /// Since when it was kept after its job. A line of kind `kept` has the time from then on, and the attempt's the
    /// time until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept_from: Option<u64>,
    /// Until when it was to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept_until: Option<u64>,
    /// What AWS has shown of it.
    #[serde(default)]
    pub(crate) facts: TaskFacts,
}

/// A task that was stopped a moment ago, as AWS's answer shows it.
#[derive(Debug, Clone)]
pub(crate) struct StoppedTask {
    pub(crate) arn: String,
    /// When AWS accepted the stop, in milliseconds since 1970. Nothing where AWS does not know the task: it may have
    /// ended long before.
    pub(crate) accepted: Option<u64>,
    /// Nothing where AWS does not know the task any more.
    pub(crate) facts: Option<TaskFacts>,
}

/// Whether a start has a task that the job would have done without, had there been no second one: the one of both that
/// was not ready first.
pub(super) fn is_hedged(start: &Start) -> bool {
    start.beaten || (start.hedges && start.standing != Standing::Won)
}

/// The record with the tasks that were found beside those that it names, as it is noted on disk, too. A teardown that
/// is done again makes the same lines of it.
pub(super) fn with_found(record: &Record, stopped: &[StoppedTask]) -> Record {
    let mut with = record.clone();
    for found in found(record, stopped) {
        with.found(&found.arn);
    }
    with
}

/// The tasks of the starts of one kind.
pub(super) fn tasks(
    record: &Record,
    stopped: &[StoppedTask],
    is_wanted: impl Fn(&Start) -> bool,
) -> Vec<TaskEntry> {
    let of_start = |start: &Start| {
        let arn = start.task.as_deref()?;
        let earlier = start.facts.as_deref().cloned().unwrap_or_default();
        let now = stopped.iter().find(|stopped| stopped.arn == arn);
        let is_won = |_: &u64| start.standing == Standing::Won;
        Some(TaskEntry {
            task: task::id(arn).to_owned(),
            won: start.standing == Standing::Won,
            hedge: start.hedges,
            stop_accepted: now.and_then(|now| now.accepted).or(start.stop_accepted),
            claimed_at: start
                .claim
                .as_ref()
                .map(|_| start.intended_at.saturating_mul(1000)),
            pool: start.pool.clone(),
            kept_from: record.kept_from().filter(is_won),
            kept_until: record
                .kept_until
                .filter(is_won)
                .map(|until| until.saturating_mul(1000)),
            facts: match now.and_then(|now| now.facts.clone()) {
                Some(facts) => facts.or(earlier),
                None => earlier,
            },
        })
    };
    let starts = record.starts().iter();
    starts
        .filter(|start| is_wanted(start))
        .filter_map(of_start)
        .collect()
}

/// The stopped tasks that no start names.
pub(super) fn found<'a>(
    record: &'a Record,
    stopped: &'a [StoppedTask],
) -> impl Iterator<Item = &'a StoppedTask> {
    let is_named = |stopped: &StoppedTask| {
        let mut starts = record.starts().iter();
        starts.any(|start| start.task.as_ref() == Some(&stopped.arn))
    };
    stopped.iter().filter(move |stopped| !is_named(stopped))
}

/// Most tasks are the only one of their job.
fn is_false(flag: &bool) -> bool {
    !flag
}

impl TaskEntry {
    pub(super) fn of(stopped: &StoppedTask, won: bool) -> Self {
        Self {
            task: task::id(&stopped.arn).to_owned(),
            won,
            hedge: false,
            stop_accepted: stopped.accepted,
            claimed_at: None,
            pool: None,
            kept_from: None,
            kept_until: None,
            facts: stopped.facts.clone().unwrap_or_default(),
        }
    }
}
