//! Room for a job's task: waiting tasks, and then kept ones, yield to it.

use super::{Teardown, kept};
use crate::error::Result;
use crate::state::clock::now;
use crate::state::ending::Ending;
use crate::state::record::Record;
use crate::state::records::Found;
use crate::state::warm::{Holder, Rest, WarmTasks};
use crate::task;

/// Why they end.
const WHY: &str = "a job found no room for its own task";

impl Teardown<'_> {
    /// Ends the oldest waiting task, or the oldest kept one where none waits; says which. No waiting task is started
    /// for a while.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or AWS does not stop the task.
    pub(crate) async fn make_room(&self) -> Result<Option<String>> {
        match self.yield_waiting().await? {
            Some(yielded) => Ok(Some(yielded)),
            None => self.yield_kept().await,
        }
    }

    async fn yield_waiting(&self) -> Result<Option<String>> {
        let warm = WarmTasks::of(self.records);
        if !warm.folder().exists() {
            return Ok(None);
        }
        warm.begin_rest(Rest::Yielded)?;
        let mut waiting = warm.all()?;
        waiting.retain(|file| file.holder == Holder::Nobody);
        waiting.sort_by_key(|file| file.task.born);
        for file in waiting {
            // Another job may be faster at it.
            if let Some(arn) = self.end_waiting(&file.task.id, WHY).await? {
                return Ok(Some(format!("waiting task {}", task::id(&arn))));
            }
        }
        Ok(None)
    }

    async fn yield_kept(&self) -> Result<Option<String>> {
        let entries = self.records.all()?;
        let whole: Vec<&Record> = entries
            .iter()
            .filter_map(|entry| entry.record.as_deref().ok())
            .collect();
        let kept = kept::surplus(whole, 0, now().as_secs());
        let Some(oldest) = kept.first() else {
            return Ok(None);
        };
        let found = Found::Record(Box::new((*oldest).clone()));
        let ending = Ending::Abandoned(WHY);
        let stopped = self.end(&oldest.job, found, &ending).await?;
        let title = oldest.job.title();
        Ok(stopped
            .first()
            .map(|arn| format!("task {} of failed {title}", task::id(arn))))
    }
}
