//! Waiting tasks: which of them a sweep ends, and how one ends.

#[cfg(test)]
mod model;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::orphan::Verdict;
use super::{Teardown, UNSETTLED, cut};
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Result};
use crate::state::clock::now;
use crate::state::ledger::Entry;
use crate::state::record::{Record, this_attempt};
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, Keeper, WarmFile, WarmTasks};

/// Pause between looks for the task of a call without an answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a sweep makes of a waiting task. `attempts` are those that have a record, and `keeper` is the task's;
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
            Some(task) => self.end_taken(&task, this_attempt(), why).await,
            None => Ok(None),
        }
    }

    /// Ends a task that this attempt has taken, enters it in the ledger and removes its file.
    ///
    /// # Errors
    ///
    /// As [`end_waiting`](Self::end_waiting).
    pub(crate) async fn end_taken(
        &self,
        task: &Waiting,
        attempt: &str,
        why: &str,
    ) -> Result<Option<String>> {
        let refused = |refusal| {
            Error::from(refusal).context(format!("could not stop waiting task {}", task.id))
        };
        let warm = WarmTasks::of(self.records);
        let aws = self.aws.in_region(&task.region);
        let Some(arn) = self.arn(&aws, task).await.map_err(refused)? else {
            warm.forget(&task.id, attempt);
            return Ok(None);
        };
        let reason = cut(format!("fargate: {why}"));
        let place = (task.cluster.as_str(), arn.as_str());
        let grace = super::UNKNOWN.saturating_sub(task.age());
        let stopped = self
            .stop(&aws, place, grace, &reason)
            .await
            .map_err(refused)?;
        self.records.enter(&Entry::waiting(task, &stopped, why));
        warm.forget(&task.id, attempt);
        Ok(Some(stopped.arn))
    }

    /// Notes in the record the tasks that its attempt has taken, for a claim that was cut short; ends those that it
    /// took for another reason.
    pub(super) async fn adopt(&self, record: &mut Record, why: &str) -> Result<()> {
        if record.attempt().is_empty() {
            return Ok(());
        }
        for task in WarmTasks::of(self.records).taken_by(record.attempt())? {
            match record.claims(&task.id) {
                true if record.task() == task.task.as_deref() => {}
                true => record.missed(&task),
                false => drop(self.end_taken(&task, record.attempt(), why).await?),
            }
        }
        Ok(())
    }

    /// Forgets the tasks that the attempt has taken, once they were stopped.
    pub(super) fn forget_taken(&self, record: &Record) {
        let warm = WarmTasks::of(self.records);
        for task in warm.taken_by(record.attempt()).unwrap_or_default() {
            warm.forget(&task.id, record.attempt());
        }
    }

    /// The ARN of a task. One whose call had no answer is looked for until that has settled; nothing where it brought
    /// none.
    async fn arn(&self, aws: &Aws, task: &Waiting) -> Result<Option<String>, AwsError> {
        if let Some(arn) = &task.task {
            return Ok(Some(arn.clone()));
        }
        let settled_at = Instant::now()
            + UNSETTLED.saturating_sub(now().saturating_sub(Duration::from_secs(task.born)));
        loop {
            let listing = async || aws.tasks_of(&task.cluster, &task.started_by).await;
            let listed = match self.persist(listing).await {
                Err(refusal) if refusal.knows_no_cluster() => return Ok(None),
                listed => listed?,
            };
            let mut listed = listed.into_iter();
            let found = listed.find(|listed| listed.group.as_deref() == Some(task.group.as_str()));
            if found.is_some() || Instant::now() >= settled_at {
                return Ok(found.map(|found| found.arn));
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
        let ends = |holder: Holder, keeper, age, over_at| {
            let mut task = waiting("0123456789abcdef");
            (task.born, task.over_at) = (NOW - age, over_at);
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
        // Whatever its own time: the job's counts.
        assert!(!ends(by("attempt"), gone(600), 9000, NOW - 1));
        assert!(ends(by("other"), Keeper::Lives, 0, later));
    }
}
