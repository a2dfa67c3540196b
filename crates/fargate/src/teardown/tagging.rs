//! The tags of a job on the waiting task that it has claimed.
//!
//! RunTask gave the task those of its pool. No stage of a job waits for the others: keepers and sweeps send them while
//! the job runs, and teardown what is missing then, before StopTask, which deletes tags (AWS: StopTask).

use std::time::Duration;

use tokio::time::timeout;

use super::Teardown;
use crate::state::record::Record;

/// How long a task's end waits for its tags at most. A second is some ten calls.
const BOUND: Duration = Duration::from_secs(1);

impl Teardown<'_> {
    /// Gives a claimed task the tags that it lacks, and notes that it has them. Tags are for people and bills, so a
    /// refusal is nobody's error, and one for good is the end of it.
    pub(crate) async fn add_missing_tags(&self, record: &Record) {
        if self.send_missing_tags(record).await {
            self.records.note_tagged(record);
        }
    }

    /// Gives a claimed task the tags that it lacks. Returns whether there is a final answer to note.
    pub(super) async fn send_missing_tags(&self, record: &Record) -> bool {
        let Some(task) = record.task().filter(|_| !record.missing_tags.is_empty()) else {
            return false;
        };
        let aws = self.aws.in_region(&record.region);
        match timeout(BOUND, aws.tag_task(task, &record.missing_tags)).await {
            Ok(Ok(())) => true,
            Ok(Err(refusal)) => {
                tracing::debug!("task {task} lacks the tags of its job: {refusal}");
                !refusal.may_pass()
            }
            Err(_) => {
                tracing::debug!("task {task} lacks the tags of its job: AWS gives no answer");
                false
            }
        }
    }
}
