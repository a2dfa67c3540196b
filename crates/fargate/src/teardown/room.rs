//! Room for a job's task: waiting tasks, and then kept ones, yield to it.

use super::{Teardown, kept};
use crate::error::Result;
use crate::state::clock::now;
use crate::state::ending::Ending;
use crate::state::record::Record;
use crate::state::records::Found;
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, Rest, WarmTasks};
use crate::task;

/// Why they end.
const WHY: &str = "a job found no room for its own task";

impl Teardown<'_> {
    /// Ends the oldest waiting tasks of this place until they leave room for a task with so many CPU units, or the
    /// oldest kept one where none waits; says which. One waiting task makes room where its size or that of the job's
    /// is not known. Tasks take a while to end, and the caller waits for that before it asks again.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or AWS does not stop the first of them.
    pub(crate) async fn make_room(&self, needed: Option<u32>) -> Result<Option<String>> {
        let warm = WarmTasks::of(self.records);
        let (waiting, kept) = (self.waiting_here()?, self.kept_here()?);
        if warm.folder().exists() {
            warm.begin_rest(Rest::Yielded)?;
        }
        let (mut ended, mut room) = (Vec::new(), 0);
        for task in &waiting {
            match self.end_waiting(&task.id, WHY).await {
                Ok(Some(arn)) => ended.push(task::id(&arn).to_owned()),
                // Another process was faster at it.
                Ok(None) => continue,
                // It counts what it has.
                Err(error) if !ended.is_empty() => {
                    tracing::debug!("{error}");
                    break;
                }
                Err(error) => return Err(error),
            }
            let size = task.facts.as_ref().and_then(|facts| facts.cpu);
            room += size.or(needed).unwrap_or_default();
            if room >= needed.unwrap_or_default() {
                break;
            }
        }
        match ended.as_slice() {
            [] => {}
            [id] => return Ok(Some(format!("waiting task {id}"))),
            several => return Ok(Some(format!("waiting tasks {}", several.join(", ")))),
        }
        let Some(oldest) = kept.into_iter().next() else {
            return Ok(None);
        };
        let (job, title) = (oldest.job.clone(), oldest.job.title());
        let found = Found::Record(Box::new(oldest));
        let stopped = self.end(&job, found, &Ending::Abandoned(WHY)).await?;
        let arn = stopped.first().map(|arn| task::id(arn));
        Ok(arn.map(|id| format!("task {id} of failed {title}")))
    }

    /// The waiting tasks in this cluster, the oldest first. One that has not started takes no room.
    fn waiting_here(&self) -> Result<Vec<Waiting>> {
        let mut waiting = WarmTasks::of(self.records).all()?;
        waiting.retain(|file| {
            let task = &file.task;
            let is_here = self.is_here(&task.region, &task.cluster);
            file.holder == Holder::Nobody && is_here && task.task.is_some()
        });
        waiting.sort_by_key(|file| file.task.born);
        Ok(waiting.into_iter().map(|file| file.task).collect())
    }

    /// The records of kept tasks in this cluster, the oldest first.
    fn kept_here(&self) -> Result<Vec<Record>> {
        let entries = self.records.all()?;
        let whole = entries
            .iter()
            .filter_map(|entry| entry.record.as_deref().ok());
        let kept = kept::surplus(whole, 0, now().as_secs()).into_iter();
        let here = kept
            .filter(|record| record.is_entered && self.is_here(&record.region, &record.cluster));
        Ok(here.cloned().collect())
    }

    fn is_here(&self, region: &str, cluster: &str) -> bool {
        region == self.aws.region() && cluster == self.cluster
    }
}
