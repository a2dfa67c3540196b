//! Tasks that no record names: each is noted before it is stopped, and entered in the ledger after.

use std::time::Duration;

use super::{Search, Teardown, cut, grace};
use crate::error::Result;
use crate::state::ledger::{Entry, StoppedTask};
use crate::state::records::Found;
use crate::state::records::stops::NotedStop;
use crate::task::Task;
use crate::task::ownership::Mark;

impl Teardown<'_> {
    /// Notes a task that was found, before it is stopped: in the job's record, or beside a damaged one.
    pub(super) fn note_found(&self, search: &Search<'_>, task: &Task) {
        match search.found {
            Found::Damaged(_) => self.records.note_stop(&NotedStop {
                task: task.arn.clone(),
                entry: Entry::damaged(search.job, self.place(), &[seen(task)]),
            }),
            found => self.records.note_found(search.job, found, &task.arn),
        }
    }

    /// Where tasks are started now.
    pub(super) fn place(&self) -> (&str, &str) {
        (self.aws.region(), self.cluster)
    }

    /// Stops a task that no record names, and enters it in the ledger: AWS bills it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn stop_unrecorded(&self, task: &Task, why: &str) -> Result<()> {
        let Some(mark) = task.group.as_deref().and_then(Mark::parse) else {
            let reason = cut(format!("fargate: {why}"));
            let place = (self.cluster, task.arn.as_str());
            self.stop(self.aws, place, grace(task), &reason).await?;
            return Ok(());
        };
        let stop = NotedStop {
            task: task.arn.clone(),
            entry: Entry::orphan(&mark, self.place(), &seen(task), why),
        };
        self.records.note_stop(&stop);
        self.finish_stop(&stop, grace(task)).await
    }

    /// Stops a task whose stop was noted, enters it in the ledger, and removes the note.
    ///
    /// # Errors
    ///
    /// With AWS's refusal. The note stays then, and the next sweep goes on.
    pub(crate) async fn finish_stop(&self, stop: &NotedStop, grace: Duration) -> Result<()> {
        let Entry {
            region,
            cluster,
            outcome,
            ..
        } = &stop.entry;
        let aws = self.aws.in_region(region);
        let why = outcome.cause.as_deref().unwrap_or_default();
        let reason = cut(format!("fargate: {why}"));
        let stopped = match self.stop(&aws, (cluster, &stop.task), grace, &reason).await {
            // The task is gone with its cluster.
            Err(refusal) if refusal.knows_no_cluster() => StoppedTask {
                arn: stop.task.clone(),
                accepted: None,
                facts: None,
            },
            stopped => stopped?,
        };
        self.records.enter(&stop.entry(&stopped));
        self.records.forget_stop(&stop.task);
        Ok(())
    }
}

/// A task as it was seen before its stop.
fn seen(task: &Task) -> StoppedTask {
    StoppedTask {
        arn: task.arn.clone(),
        accepted: None,
        facts: Some(task.facts()),
    }
}
