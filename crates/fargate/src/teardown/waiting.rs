//! Waiting tasks: which of them a sweep ends, and how one ends.

#[cfg(test)]
mod model;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::orphan::Verdict;
use super::{Teardown, UNKNOWN, UNSETTLED, cut};
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Result};
use crate::state::ledger::Entry;
use crate::state::record::Record;
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, Keeper, WarmFile, WarmTasks};
use crate::task::Task;

/// How far ahead a time is at least that was written before the clock was set back.
const CLOCK_SET_BACK: u64 = 60;

/// Pause between looks for the task of a call without an answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Decides what a sweep does with a waiting task. `attempts` are those that have a record, and `keeper` is the task's;
/// `patience` is how long a keeper may be gone, and `now` in seconds since 1970.
pub(super) fn verdict(
    file: &WarmFile,
    attempts: &BTreeSet<&str>,
    keeper: Keeper,
    patience: Duration,
    now: u64,
) -> Verdict {
    let Waiting { over_at, born, .. } = file.task;
    let span = |seconds| humantime::format_duration(Duration::from_secs(seconds));
    match &file.holder {
        Holder::Attempt(attempt) if attempts.contains(attempt.as_str()) => {
            return Verdict::Keep("the job that claimed it has a record".to_owned());
        }
        Holder::Attempt(_) => {
            return Verdict::End("whoever took it is gone".to_owned());
        }
        Holder::Nobody => {}
    }
    // Beyond corrections of a clock: it was written before that was set back.
    if born > now.saturating_add(CLOCK_SET_BACK) {
        return Verdict::End("its age is unknown: the clock was set back".to_owned());
    }
    if now > over_at {
        return Verdict::End(format!("its time was over {} ago", span(now - over_at)));
    }
    let age = Duration::from_secs(now.saturating_sub(born));
    let gone_for = match keeper {
        Keeper::Lives => return Verdict::Keep("it waits for a job".to_owned()),
        Keeper::GoneFor(time) => time.min(age),
        Keeper::Unknown => age,
    };
    let gone = span(gone_for.as_secs());
    match gone_for >= patience {
        true => Verdict::End(format!("`fargate warm keep` has been gone for {gone}")),
        false => Verdict::Keep(format!(
            "it waits for a job, though `fargate warm keep` has been gone for {gone}"
        )),
    }
}

impl Teardown<'_> {
    /// Ends a task that waits; returns its ARN where it had one. A task that somebody else has taken is left alone.
    ///
    /// # Errors
    ///
    /// With AWS's refusal. Its file stays then, and the next sweep goes on.
    pub(crate) async fn end_waiting(&self, id: &str, why: &str) -> Result<Option<String>> {
        match WarmTasks::of(self.records).take(id)? {
            Some((task, holder)) => self.end_taken(&task, &holder, why).await,
            None => Ok(None),
        }
    }

    /// Ends a task that this holder has taken, enters it in the ledger and removes its file.
    ///
    /// # Errors
    ///
    /// As [`end_waiting`](Self::end_waiting).
    pub(crate) async fn end_taken(
        &self,
        task: &Waiting,
        holder: &str,
        why: &str,
    ) -> Result<Option<String>> {
        let refused = |refusal| {
            Error::from(refusal).context(format!("could not stop waiting task {}", task.id))
        };
        let aws = self.aws.in_region(&task.region);
        let reason = cut(format!("fargate: {why}"));
        let grace = task.left_of_call(UNKNOWN);
        let mut ended = None;
        for arn in self.arns(&aws, task).await.map_err(refused)? {
            if task.task.is_none() {
                // AWS lists no task that is stopping: whoever goes on must know it.
                WarmTasks::of(self.records).note_found(&task.id, holder, &arn);
            }
            let place = (task.cluster.as_str(), arn.as_str());
            let stopped = self.stop(&aws, place, grace, &reason).await;
            let stopped = stopped.map_err(refused)?;
            self.records.enter(&Entry::waiting(task, &stopped, why));
            ended = Some(stopped.arn);
        }
        WarmTasks::of(self.records).forget(&task.id, holder);
        Ok(ended)
    }

    /// Notes in the record the tasks that its attempt has taken, for a claim that was cut short: whoever goes on should
    /// this be cut short, too, finds the record without their files.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(super) fn adopt(&self, record: &mut Record) -> Result<()> {
        let mut taken = WarmTasks::of(self.records).taken_by(record.attempt())?;
        taken.retain(|task| record.task() != task.task.as_deref());
        for task in &taken {
            record.missed(task);
        }
        self.records.note_missed(record, &taken);
        Ok(())
    }

    /// Forgets the tasks that the attempt has taken, once those were stopped that its record names. Another one it may
    /// have taken since, where the disk did not take its end; a sweep finds that file.
    pub(super) fn forget_taken(&self, record: &Record) {
        let warm = WarmTasks::of(self.records);
        let is_named = |task: &Waiting| {
            let mut starts = record.starts().iter();
            task.task.is_none() || starts.any(|start| start.task == task.task)
        };
        let taken = warm.taken_by(record.attempt()).unwrap_or_default();
        for task in taken.iter().filter(|task| is_named(task)) {
            warm.forget(&task.id, record.attempt());
        }
    }

    /// The ARNs of a task's file. A call that had no answer is looked for until it has settled; it may have brought
    /// none.
    async fn arns(&self, aws: &Aws, task: &Waiting) -> Result<Vec<String>, AwsError> {
        if let Some(arn) = &task.task {
            return Ok(vec![arn.clone()]);
        }
        let settled_at = Instant::now() + task.left_of_call(UNSETTLED);
        loop {
            let listing = async || aws.tasks_of(&task.cluster, &task.started_by).await;
            let listed = match self.persist(listing).await {
                Err(refusal) if refusal.knows_no_cluster() => return Ok(Vec::new()),
                listed => listed?,
            };
            let is_its = |listed: &Task| {
                listed.group.as_deref() == Some(task.group.as_str()) && !listed.is_ending()
            };
            let found = listed.into_iter().filter(is_its).map(|found| found.arn);
            let found: Vec<_> = found.collect();
            if !found.is_empty() || Instant::now() >= settled_at {
                return Ok(found);
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::warm::tests::waiting;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_task_is_left_to_its_keeper_and_to_its_job() {
        let ends = |holder: Holder, keeper, age: i64, over_at| {
            let mut task = waiting("0123456789abcdef");
            (task.born, task.over_at) = (NOW.saturating_add_signed(-age), over_at);
            let file = WarmFile { holder, task };
            let attempts = BTreeSet::from(["attempt"]);
            let patience = Duration::from_secs(600);
            matches!(
                verdict(&file, &attempts, keeper, patience, NOW),
                Verdict::End(_)
            )
        };
        let by = |attempt: &str| Holder::Attempt(attempt.to_owned());
        let gone = |seconds| Keeper::GoneFor(Duration::from_secs(seconds));
        let later = NOW + 1;
        assert!(!ends(Holder::Nobody, Keeper::Lives, 9000, later));
        assert!(ends(Holder::Nobody, Keeper::Lives, 9000, NOW - 1));
        assert!(!ends(Holder::Nobody, gone(599), 9000, later));
        assert!(ends(Holder::Nobody, gone(600), 9000, later));
        // It was started a moment ago.
        assert!(!ends(Holder::Nobody, gone(600), 10, later));
        assert!(!ends(Holder::Nobody, Keeper::Unknown, 10, later));
        assert!(ends(Holder::Nobody, Keeper::Unknown, 600, later));
        // Written by a clock that was set back since.
        assert!(ends(Holder::Nobody, Keeper::Lives, -3600, later));
        // Whatever its own time: the job's counts.
        assert!(!ends(by("attempt"), gone(600), 9000, NOW - 1));
        assert!(ends(by("other"), Keeper::Lives, 0, later));
    }
}
