//! Stops tasks that a job does without while it goes on: those that were behind the one that takes its scripts.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Teardown, UNKNOWN, reason};
use crate::aws::AwsError;
use crate::state::ledger::StoppedTask;
use crate::state::record::Record;
use crate::state::records::Found;

/// Why they end, for AWS.
const WHY: &str = "another task takes the job's scripts";

/// How long a sweep waits for AWS to accept the stop of one.
const BOUND: Duration = Duration::from_secs(90);

impl Teardown<'_> {
    /// Stops the tasks of this record's starts that have lost, and returns those whose stop AWS accepted within
    /// `bound`. The others stay as they are for the next sweep, or for the job's cleanup.
    pub(crate) async fn stop_lost(&self, record: &Record, bound: Duration) -> Vec<StoppedTask> {
        let aws = self.aws.in_region(&record.region);
        let reason = reason(&record.job, WHY);
        let stops = record.lost().filter_map(|start| {
            let task = start.task.as_deref()?;
            let place = (record.cluster.as_str(), task);
            let stopping = self.stop(&aws, place, start.left(UNKNOWN), &reason);
            Some(async move {
                match timeout(bound, stopping).await {
                    Ok(Ok(stopped)) => return Some(stopped),
                    Ok(Err(refusal)) => {
                        tracing::debug!("task {task} is not stopped yet: {refusal}")
                    }
                    Err(_) => tracing::debug!("AWS has not said that task {task} is stopped"),
                }
                None
            })
        });
        join_all(stops).await.into_iter().flatten().collect()
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
        let stopped = self.stop_lost(&record, BOUND).await;
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
