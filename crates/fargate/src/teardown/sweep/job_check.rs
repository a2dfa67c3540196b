//! What a sweep makes of the jobs of records. Looks, and changes nothing.

use std::collections::BTreeSet;

use crate::state::clock::now;
use crate::state::job_folder::{JobFolder, Presence};
use crate::state::liveness::{Liveness, RunnerProcess};
use crate::state::record::Record;
use crate::state::records::Records;
use crate::teardown::kept;
use crate::teardown::orphan::{self, Absence, Verdict};

/// A check of the jobs of this manager.
#[derive(Debug)]
pub(crate) struct JobCheck<'a> {
    records: &'a Records,
    /// The records of kept tasks that are too many, by name.
    surplus: BTreeSet<String>,
    most_kept: usize,
}

impl<'a> JobCheck<'a> {
    /// A check of the jobs of these records, of which so many failed ones may keep their tasks.
    pub(crate) fn new<'r>(
        records: &'a Records,
        known: impl IntoIterator<Item = &'r Record>,
        most_kept: usize,
    ) -> Self {
        let surplus = kept::surplus(known, most_kept, now().as_secs()).into_iter();
        Self {
            records,
            surplus: surplus.map(|record| record.job.record_name()).collect(),
            most_kept,
        }
    }

    /// What becomes of the job of a record, and the look at its folder where that counts.
    pub(crate) fn verdict(&self, record: &Record) -> (Verdict, Option<Absence>) {
        let now = now().as_secs();
        let liveness = record
            .runner
            .as_ref()
            .map_or(Liveness::Unknown, RunnerProcess::liveness);
        let look = || {
            let folder = record.job_folder.as_ref();
            let seen = folder.map_or(Presence::Unknown, JobFolder::presence);
            let may_run = self.records.may_run(&record.job);
            orphan::absence(record.missing_since, seen, may_run, now)
        };
        let absence = (liveness == Liveness::Lives).then(look);
        let verdict = match self.surplus.contains(&record.job.record_name()) {
            true => Verdict::End(kept::too_many(self.most_kept)),
            false => orphan::of_job(record, liveness, absence.unwrap_or_default(), now),
        };
        (verdict, absence)
    }
}
