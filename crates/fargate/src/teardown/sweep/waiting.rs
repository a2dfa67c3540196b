//! A sweep over waiting tasks: those that nobody keeps, and claims that were cut short.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{AT_ONCE, Finding, Sweep, whole};
use crate::error::Result;
use crate::state::clock::now;
use crate::state::records::Records;
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, WarmFile, WarmTasks};
use crate::task::Task;
use crate::teardown::orphan::Verdict;
use crate::teardown::waiting::verdict;

/// The waiting tasks of these records, and what becomes of each. `patience` is how long a keeper may be gone. Changes
/// nothing.
///
/// # Errors
///
/// When the folder cannot be read or locked.
pub(crate) fn waiting_tasks(
    records: &Records,
    patience: Duration,
) -> Result<Vec<(WarmFile, Verdict)>> {
    let warm = WarmTasks::of(records);
    let snapshot = warm.snapshot()?;
    let attempts: BTreeSet<_> = whole(&snapshot.records)
        .map(|record| record.attempt())
        .collect();
    let judged = snapshot.tasks.into_iter().map(|file| {
        let keeper = warm.keeper(&file.task.keeper);
        let verdict = verdict(&file, &attempts, keeper, patience, now().as_secs());
        (file, verdict)
    });
    Ok(judged.collect())
}

/// A waiting task in words.
pub(crate) fn what(task: &Waiting) -> String {
    format!("waiting task {} ({})", task.id, task.pool)
}

impl Sweep<'_> {
    /// Ends waiting tasks that nobody keeps, and those that an attempt without a record has taken.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(crate) async fn waiting(&self) -> Result<Vec<Finding>> {
        let findings = stream::iter(waiting_tasks(self.records, self.patience)?)
            .map(|(file, verdict)| self.waiting_task(file, verdict))
            .buffer_unordered(AT_ONCE);
        let findings = findings.collect().await;
        if !self.dry_run {
            WarmTasks::of(self.records).tidy()?;
        }
        Ok(findings)
    }

    async fn waiting_task(&self, file: WarmFile, verdict: Verdict) -> Finding {
        let WarmFile { holder, task } = file;
        let what = what(&task);
        let finding = self.carry_out(what, verdict, async |why| {
            let teardown = self.teardown();
            let ended = match &holder {
                Holder::Nobody => teardown.end_waiting(&task.id, why).await,
                Holder::Attempt(attempt) => teardown.end_taken(&task, attempt, why).await,
            };
            Ok(ended?.into_iter().collect())
        });
        finding.await
    }

    /// Whether a record or a waiting task's file names the task by now: it may have been claimed since it was judged.
    pub(super) fn is_named_by_now(&self, task: &Task) -> Result<bool> {
        let snapshot = WarmTasks::of(self.records).snapshot()?;
        let arn = Some(task.arn.as_str());
        let mut starts = whole(&snapshot.records).flat_map(|record| record.starts());
        let mut waiting = snapshot.tasks.iter();
        Ok(starts.any(|start| start.task.as_deref() == arn)
            || waiting.any(|file| file.task.task.as_deref() == arn))
    }
}
