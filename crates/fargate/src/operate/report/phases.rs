//! The phases of a start, from an entry of the ledger. Decisions only.

use crate::state::ledger::Entry;

/// A phase of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// From the first RunTask to the one that brought the task: places without room, tasks that were lost.
    Placement,
    /// Until the agent on its machine reports to ECS.
    Machine,
    /// Until the pull begins.
    Network,
    /// Until the pull ends.
    Pull,
    /// Until the task takes scripts.
    Start,
    /// Until the first script begins.
    FirstScript,
    /// From the first RunTask until it takes scripts.
    Whole,
}

impl Phase {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 7] = [
        Self::Placement,
        Self::Machine,
        Self::Network,
        Self::Pull,
        Self::Start,
        Self::FirstScript,
        Self::Whole,
    ];

    /// Its name in tables, JSON and metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Placement => "placement",
            Self::Machine => "machine",
            Self::Network => "network",
            Self::Pull => "pull",
            Self::Start => "start",
            Self::FirstScript => "first_script",
            Self::Whole => "whole",
        }
    }
}

/// The phases of an attempt's start that are known, in milliseconds. There is none without a task that took scripts.
pub(super) fn phases(entry: &Entry) -> Vec<(Phase, u64)> {
    let Some(task) = entry.tasks.iter().find(|task| task.won) else {
        return Vec::new();
    };
    let (times, attempt) = (&task.facts.times, &entry.times);
    let ends = [
        (Phase::Placement, attempt.asked, times.created),
        (Phase::Machine, times.created, times.connected),
        (Phase::Network, times.connected, times.pull_started),
        (Phase::Pull, times.pull_started, times.pull_stopped),
        (Phase::Start, times.pull_stopped, attempt.ready),
        (Phase::FirstScript, attempt.ready, attempt.first_script),
        (Phase::Whole, attempt.asked, attempt.ready),
    ];
    // A task that waited had its start behind it.
    let is_jobs = |phase| match task.claimed_at {
        Some(_) => matches!(phase, Phase::FirstScript | Phase::Whole),
        None => true,
    };
    let known = ends.into_iter().filter(|(phase, ..)| is_jobs(*phase));
    // The clocks of AWS and of the manager may differ a little.
    known
        .filter_map(|(phase, begun, ended)| Some((phase, ended?.saturating_sub(begun?))))
        .collect()
}
