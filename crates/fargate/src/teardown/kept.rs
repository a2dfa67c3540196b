//! Kept tasks: those of failed jobs that stay for a while after their cleanup.

use super::Teardown;
use crate::error::Result;
use crate::state::ending::Ending;
use crate::state::record::Record;
use crate::state::records::Found;

/// Why the oldest ones beyond the `most` end before their time.
pub(crate) fn too_many(most: usize) -> String {
    match most {
        0 => "no tasks are kept any more".to_owned(),
        _ => format!("newer tasks are kept in its place (KeepFailedTasks = {most})"),
    }
}

/// The records beyond the `most` whose tasks were kept last: the oldest first.
pub(crate) fn surplus<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    most: usize,
) -> Vec<&'a Record> {
    let is_kept = |record: &&Record| record.kept_until.is_some();
    let mut kept: Vec<_> = records.into_iter().filter(is_kept).collect();
    kept.sort_by_key(|record| (record.times.ended, record.job.id));
    let surplus = kept.len().saturating_sub(most);
    kept.truncate(surplus);
    kept
}

impl Teardown<'_> {
    /// Ends the oldest kept tasks beyond the `most`; returns the tasks that it stopped, each with its job's id. One
    /// that cannot be stopped is left to sweeps.
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
        let mut ended = Vec::new();
        for record in surplus(whole, most) {
            let found = Found::Record(Box::new(record.clone()));
            let ending = Ending::Abandoned(&why);
            match self.end(&record.job, found, &ending).await {
                Ok(tasks) => ended.extend(tasks.into_iter().map(|task| (record.job.id, task))),
                Err(error) => tracing::warn!("{}: {error}", record.job.title()),
            }
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
            record
        };
        let mut over = kept(5, 0);
        over.kept_until = None;
        let records = [kept(1, 300), kept(2, 100), over, kept(3, 200), kept(4, 100)];
        let surplus = |most| {
            let surplus = surplus(&records, most).into_iter();
            surplus.map(|record| record.job.id).collect::<Vec<_>>()
        };
        assert_eq!(surplus(0), [2, 4, 3, 1]);
        assert_eq!(surplus(2), [2, 4]);
        assert_eq!(surplus(4), [0; 0]);
    }
}
