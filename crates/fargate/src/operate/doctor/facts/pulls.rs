//! How long starts and the pulls of their images took, as the ledger remembers them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::state::clock::now_millis;
use crate::state::ledger::{self, Entry, Month, read_month};

/// The largest file that is read: doctor has five seconds for all.
const LARGEST: u64 = 64 << 20;

/// The part of the starts, in percent, that a start timeout must cover: one of so many may be slow by chance.
const MOST: usize = 95;

/// The starts with one image in this month.
#[derive(Debug, Clone)]
pub(in super::super) struct Pulls {
    pub(in super::super) image: String,
    pub(in super::super) starts: usize,
    /// The median of the pulls, in milliseconds, and that of whole starts.
    pub(in super::super) pull: u64,
    pub(in super::super) start: u64,
    /// How long all but the slowest 5 % of their tasks took to take scripts, in milliseconds.
    pub(in super::super) most: u64,
}

/// A start.
struct Start {
    image: String,
    pull: u64,
    /// From the first call of RunTask on.
    whole: u64,
    /// From the creation of its task on.
    of_task: u64,
}

impl Pulls {
    /// Those of this month, by image. None where there is no ledger, or it is large.
    pub(super) fn look(directory: &Path) -> Vec<Self> {
        let month = Month::of(now_millis(), &ledger::folder(directory));
        let length = std::fs::metadata(&month.file).map(|found| found.len());
        if length.is_ok_and(|length| length > LARGEST) {
            return Vec::new();
        }
        let mut images: BTreeMap<String, Vec<Start>> = BTreeMap::new();
        let each = |entry: Entry| {
            if let Some(start) = start(entry) {
                images.entry(start.image.clone()).or_default().push(start);
            }
        };
        if let Err(error) = read_month(&month, each) {
            tracing::debug!("could not read {}: {error}", month.file.display());
        }
        let pulls = images.into_iter().filter_map(|(image, starts)| {
            let times = |of: fn(&Start) -> u64| starts.iter().map(of).collect();
            Some(Self {
                image,
                starts: starts.len(),
                pull: quantile(times(|start| start.pull), 50)?,
                start: quantile(times(|start| start.whole), 50)?,
                most: quantile(times(|start| start.of_task), MOST)?,
            })
        });
        pulls.collect()
    }
}

/// The start of an attempt, as far as it is known.
fn start(entry: Entry) -> Option<Start> {
    let won = entry.tasks.iter().find(|task| task.won)?;
    let times = &won.facts.times;
    let (asked, ready) = entry.times.asked.zip(entry.times.ready)?;
    let start = Start {
        pull: times.pull_stopped?.checked_sub(times.pull_started?)?,
        whole: ready.checked_sub(asked)?,
        of_task: ready.saturating_sub(times.created.unwrap_or(asked)),
        image: entry.image.clone()?,
    };
    // A task that had waited had pulled before, and its job did not wait for it.
    let is_cold = entry.is_attempt() && !entry.has_claimed();
    (is_cold && start.pull <= start.whole).then_some(start)
}

/// The value that so many percent of them do not exceed.
fn quantile(mut values: Vec<u64>, percent: usize) -> Option<u64> {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied()
}
