//! How long the pulls of images took, as the ledger remembers them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::state::clock::now_millis;
use crate::state::ledger::{self, Entry, Month, Reader};

/// The largest file that is read: doctor has five seconds for all.
const LARGEST: u64 = 64 << 20;

/// The starts with one image in this month.
#[derive(Debug, Clone)]
pub(in super::super) struct Pulls {
    pub(in super::super) image: String,
    pub(in super::super) starts: usize,
    /// The median of the pulls, in milliseconds, and that of whole starts.
    pub(in super::super) pull: u64,
    pub(in super::super) start: u64,
}

impl Pulls {
    /// Those of this month, by image. None where there is no ledger, or it is large.
    pub(super) fn look(directory: &Path) -> Vec<Self> {
        let month = Month::of(now_millis(), &ledger::folder(directory));
        let length = std::fs::metadata(&month.file).map(|found| found.len());
        if length.is_ok_and(|length| length > LARGEST) {
            return Vec::new();
        }
        let mut images: BTreeMap<String, (Vec<u64>, Vec<u64>)> = BTreeMap::new();
        let each = |entry: Entry| {
            if let Some((image, pull, start)) = start(entry) {
                let times = images.entry(image).or_default();
                times.0.push(pull);
                times.1.push(start);
            }
        };
        if let Err(error) = Reader::default().read(&month, each) {
            tracing::debug!("could not read {}: {error}", month.file.display());
        }
        let pulls = images.into_iter().filter_map(|(image, (pulls, starts))| {
            Some(Self {
                image,
                starts: starts.len(),
                pull: median(pulls)?,
                start: median(starts)?,
            })
        });
        pulls.collect()
    }
}

/// Image, pull and whole start of an attempt, as far as they are known.
fn start(entry: Entry) -> Option<(String, u64, u64)> {
    let won = entry.tasks.iter().find(|task| task.won)?;
    let times = &won.facts.times;
    let pull = times.pull_stopped?.checked_sub(times.pull_started?)?;
    let start = entry.times.ready?.checked_sub(entry.times.asked?)?;
    // A task that had waited had pulled before.
    (entry.is_attempt() && pull <= start).then_some((entry.image?, pull, start))
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
