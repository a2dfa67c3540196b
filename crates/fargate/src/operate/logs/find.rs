//! Looks for a job or a task among the records, and then in the ledger.

use crate::cli::Subject;
use crate::error::{Blame, Error, Result};
use crate::state::ledger::{self, Reader};
use crate::state::records::Records;
use crate::text::plain;

use super::attempt::Attempt;

/// Most jobs that are named where one has to be chosen.
const CHOICE: usize = 10;

/// The attempts of the job or task, the last one last; without a name those of the only job that has a record.
///
/// # Errors
///
/// When it is not known, several jobs run and none is named, or records or the ledger cannot be read.
pub(super) fn find(records: &Records, subject: Option<&Subject>) -> Result<Vec<Attempt>> {
    let recorded = recorded(records)?;
    let subject = match subject {
        Some(subject) => subject.clone(),
        None => only(&recorded)?,
    };
    let (mut running, _): (Vec<_>, Vec<_>) = recorded
        .into_iter()
        .partition(|attempt| attempt.is(&subject));
    let mut attempts = entered(records, &subject, !running.is_empty())?;
    // The line of one that has a record, too, knows nothing more.
    attempts.retain(|old| {
        let mut running = running.iter();
        !running.any(|attempt| attempt.entry.attempt == old.entry.attempt)
    });
    attempts.append(&mut running);
    if attempts.is_empty() {
        let folder = records.directory().display();
        let message = format!(
            "{subject} is not known: no record and no line of the ledger in {folder} names it"
        );
        return Err(Error::new(Blame::Usage, message)
            .advise("fargate ps lists the jobs that run. The ledger forgets jobs after [TaskMetadata] LedgerMonths."));
    }
    attempts.sort_by_key(|attempt| (attempt.is_recorded, attempt.entry.at));
    Ok(attempts)
}

/// The same attempt as it is now, from its record, or else from the ledger.
///
/// # Errors
///
/// When the records or the ledger cannot be read.
pub(super) fn again(records: &Records, attempt: &Attempt) -> Result<Option<Attempt>> {
    let is_it = |other: &Attempt| other.entry.attempt == attempt.entry.attempt;
    if let Some(now) = recorded(records)?.into_iter().find(is_it) {
        return Ok(Some(now));
    }
    let subject = Subject {
        job: Some(attempt.entry.job_id),
        task: None,
    };
    Ok(entered(records, &subject, true)?.into_iter().find(is_it))
}

/// The attempts that have a record.
fn recorded(records: &Records) -> Result<Vec<Attempt>> {
    let entries = records.all()?.into_iter();
    let whole = entries.filter_map(|entry| entry.record.ok());
    let attempt = |record: Box<_>| Attempt::of_record(&record, &records.notes(&record));
    let mut attempts: Vec<_> = whole.map(attempt).collect();
    attempts.sort_by_key(|attempt| attempt.entry.job_id);
    Ok(attempts)
}

/// The only job that has a record.
fn only(recorded: &[Attempt]) -> Result<Subject> {
    let choice = |text: String| Error::new(Blame::Usage, text);
    match recorded {
        [only] => Ok(Subject {
            job: Some(only.entry.job_id),
            task: None,
        }),
        [] => Err(choice("no job of this manager waits or runs".to_owned())
            .advise("Name a job that is over by its id: fargate logs JOB.")),
        several => {
            let titles = several
                .iter()
                .take(CHOICE)
                .map(|attempt| plain(&attempt.title()));
            let titles: Vec<_> = titles.collect();
            let message = format!("{} jobs wait or run: name one by its id", several.len());
            Err(choice(message).advise(format!("They are {}.", titles.join("; "))))
        }
    }
}

/// The attempts in the ledger, which is read from its end until it names the subject, and has the attempt of each line
/// about a part of one. Of a job that runs, earlier attempts are of the same month.
fn entered(records: &Records, subject: &Subject, runs: bool) -> Result<Vec<Attempt>> {
    let folder = ledger::folder(records.directory());
    let words = [
        subject.job.map(|job| format!("\"job_id\":{job},")),
        subject.task.clone(),
    ];
    let mut months = ledger::months(&folder);
    months.reverse();
    months.truncate(if runs { 1 } else { usize::MAX });
    for word in words.iter().flatten() {
        let (mut found, mut parts) = (Vec::new(), Vec::new());
        for month in &months {
            let (mut attempts, mut older) = (Vec::new(), Vec::new());
            let each = |entry| older.extend(Attempt::enter(&mut attempts, entry));
            Reader::default().find(month, word, each).map_err(|error| {
                Error::system(format!(
                    "could not read the ledger {}: {error}",
                    month.file.display()
                ))
                .advise("Run this as the user that GitLab Runner runs as.")
            })?;
            let enter = |part| Attempt::enter(&mut attempts, part);
            parts = parts.into_iter().filter_map(enter).chain(older).collect();
            attempts.retain(|attempt| attempt.is(subject));
            found.extend(attempts);
            if !found.is_empty() && parts.is_empty() {
                break;
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
