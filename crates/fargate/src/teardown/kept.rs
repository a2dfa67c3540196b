//! Kept tasks: those of failed jobs that stay for a while after their cleanup.

use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::Teardown;
use crate::error::Result;
use crate::state::clock::now;
use crate::state::ending::Ending;
use crate::state::record::Record;
use crate::state::records::Found;

/// How many are ended at once, and for how long at most: a job's cleanup waits for it.
const AT_ONCE: usize = 8;
const BOUND: Duration = Duration::from_secs(2 * 60);

/// Why the oldest ones beyond the `most` end before their time.
pub(crate) fn too_many(most: usize) -> String {
    match most {
        0 => "no tasks are kept any more".to_owned(),
        _ => format!("newer tasks are kept in its place (KeepFailedTasks = {most})"),
    }
}

/// The records beyond the `most` whose tasks were kept last: the oldest first. A task whose time is over, and one whose
/// agents have not agreed yet, take no other's place.
pub(crate) fn surplus<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    most: usize,
    now: u64,
) -> Vec<&'a Record> {
    let stays = |record: &Record, until| record.is_entered && until > now;
    let is_kept = |record: &&Record| {
        let until = record.kept_until;
        until.is_some_and(|until| most == 0 || stays(record, until))
    };
    let mut kept: Vec<_> = records.into_iter().filter(is_kept).collect();
    kept.sort_by_key(|record| (record.times.ended, record.job.id));
    let surplus = kept.len().saturating_sub(most);
    kept.truncate(surplus);
    kept
}

impl Teardown<'_> {
    /// Ends the oldest kept tasks beyond the `most`; returns the tasks that it stopped, each with its job's id. One
    /// that cannot be stopped within a time is left to sweeps.
    ///
    /// # Errors
    ///
    /// When the records cannot be read.
    pub(crate) async fn end_surplus(&self, most: usize) -> Result<Vec<(u64, String)>> {
        let entries = self.records.all()?;
        let why = too_many(most);
        let whole = entries
            .iter()
            .filter_map(|entry| entry.record.as_deref().ok());
        let surplus = surplus(whole, most, now().as_secs());
        let endings = stream::iter(surplus).map(async |record| {
            let found = Found::Record(Box::new(record.clone()));
            let ending = Ending::Abandoned(&why);
            match self.end(&record.job, found, &ending).await {
                Ok(tasks) => tasks,
                Err(error) => {
                    tracing::warn!("{}: {error}", record.job.title());
                    Vec::new()
                }
            }
            .into_iter()
            .map(|task| (record.job.id, task))
            .collect::<Vec<_>>()
        });
        let mut endings = pin!(endings.buffer_unordered(AT_ONCE));
        let (mut ended, over) = (Vec::new(), Instant::now() + BOUND);
        while let Ok(Some(tasks)) = timeout_at(over, endings.next()).await {
            ended.extend(tasks);
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::record::tests::record;

    #[test]
    fn those_that_were_kept_first_are_too_many() {
        let kept = |id, ended| {
            let mut record = record(id);
            record.times.ended = Some(ended);
            record.kept_until = Some(5000);
            record.is_entered = true;
            record
        };
        let mut over = kept(5, 0);
        over.kept_until = None;
        let mut expired = kept(6, 10);
        expired.kept_until = Some(4000);
        let mut asked = kept(7, 20);
        asked.is_entered = false;
        let kept = [1, 2, 3, 4].map(|id| kept(id, [300, 100, 200, 100][id as usize - 1]));
        let records = kept.into_iter().chain([over, expired, asked]);
        let records: Vec<_> = records.collect();
        let surplus = |most| {
            let surplus = surplus(&records, most, 4500).into_iter();
            surplus.map(|record| record.job.id).collect::<Vec<_>>()
        };
        assert_eq!(surplus(0), [6, 7, 2, 4, 3, 1]);
        assert_eq!(surplus(2), [2, 4]);
        assert_eq!(surplus(4), [0; 0]);
    }
}
