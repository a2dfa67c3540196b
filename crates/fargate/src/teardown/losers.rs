//! Stops tasks that a job does without while it goes on: those that were behind the one that takes its scripts.

use super::{Teardown, UNKNOWN, reason};
use crate::aws::AwsError;
use crate::state::ledger::StoppedTask;
use crate::state::record::Record;
use crate::state::records::Found;

/// Why they end, for AWS.
const WHY: &str = "another task takes the job's scripts";

impl Teardown<'_> {
    /// Stops the tasks of this record's starts that have lost, and returns those whose stop AWS accepted. The others
    /// stay as they are for the next sweep, or for the job's cleanup.
    pub(crate) async fn stop_lost(&self, record: &Record) -> Vec<StoppedTask> {
        let aws = self.aws.in_region(&record.region);
        let reason = reason(&record.job, WHY);
        let mut stopped = Vec::new();
        for start in record.lost() {
            let Some(task) = &start.task else { continue };
            let place = (record.cluster.as_str(), task.as_str());
            match self.stop(&aws, place, start.left(UNKNOWN), &reason).await {
                Ok(task) => stopped.push(task),
                Err(refusal) => tracing::debug!("task {task} is not stopped yet: {refusal}"),
            }
        }
        stopped
    }

    /// Stops what a job whose task takes scripts has left behind: the tasks of starts that have lost, and those that a
    /// call without an answer has brought. Its prepare was killed before it could, or had no time for it.
    ///
    /// # Errors
    ///
    /// When AWS does not list the job's tasks.
    pub(crate) async fn settle(&self, record: &Record) -> Result<(), AwsError> {
        if !record.has_winner() {
            return Ok(());
        }
        let mut record = record.clone();
        if record.starts().iter().any(|start| start.is_open()) {
            self.find_late(&mut record).await?;
        }
        let stopped = self.stop_lost(&record).await;
        self.records.note_stopped(&record, &stopped);
        Ok(())
    }

    /// Finds the tasks that calls without an answer have brought, and notes them.
    async fn find_late(&self, record: &mut Record) -> Result<(), AwsError> {
        let aws = self.aws.in_region(&record.region);
        let (group, found) = (record.group(), Found::Record(Box::new(record.clone())));
        let is_named = |record: &Record, arn: &str| {
            let mut starts = record.starts().iter();
            starts.any(|start| start.task.as_deref() == Some(arn))
        };
        let started_by = record.started_by().unwrap_or_default().to_owned();
        let tasks = aws.tasks_of(&record.cluster, &started_by).await?;
        for task in tasks {
            let is_jobs = task.group.as_deref() == Some(group.as_str());
            if is_jobs && !task.is_ending() && !is_named(record, &task.arn) {
                self.records.note_found(&record.job, &found, &task.arn);
                record.found(&task.arn);
            }
        }
        Ok(())
    }
}
