//! How long starts take without tasks that wait, where the ledger has jobs that claimed one. Decisions only.

use std::collections::BTreeMap;

use super::attempt::{Attempt, Task};
use crate::operate::warm::start_times::task_times;
use crate::state::start_time::StartTime;

/// The cold starts of each family of task definitions.
pub(super) struct ByFamily(BTreeMap<Option<String>, Vec<StartTime>>);

impl ByFamily {
    pub(super) fn of(attempts: &BTreeMap<Task, Vec<Attempt>>) -> Self {
        let mut families: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (task, attempts) in attempts {
            let family = families.entry(task.family.clone()).or_default();
            family.extend(cold(attempts));
        }
        Self(families)
    }

    /// The cold starts of this kind; those of its family where there are none.
    pub(super) fn of_kind(&self, task: &Task, attempts: &[Attempt]) -> Vec<StartTime> {
        let own: Vec<_> = cold(attempts).collect();
        match own.is_empty() {
            true => self.0.get(&task.family).cloned().unwrap_or_default(),
            false => own,
        }
    }
}

/// How long each start took, or would have taken, in milliseconds. Those of jobs that claimed a task are the cold ones
/// in turn, so that slow ones are as frequent.
pub(super) fn starts(attempts: &[Attempt], cold: &[StartTime]) -> Vec<u64> {
    let usual = task_times(cold).start;
    let mut others = cold.iter().map(|start| start.whole).cycle();
    let start = |attempt: &Attempt| match attempt.cold {
        Some(start) => start.whole,
        None => others.next().unwrap_or(usual),
    };
    attempts.iter().map(start).collect()
}

fn cold(attempts: &[Attempt]) -> impl Iterator<Item = StartTime> {
    attempts.iter().filter_map(|attempt| attempt.cold)
}
