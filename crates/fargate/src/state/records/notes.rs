//! Notes that the stages of a job leave about its scripts: lines in the file that they lock.
//!
//! run appends a line when a script begins and another when it ends: one small write each, without the folder's lock
//! and without fsync. A crash of the machine may lose them, and so the outcome of a job that it ended anyway; the
//! record itself, by which tasks are found, is never touched for it. A process that is killed loses nothing that it
//! has written. Drivers that do not know the lines only lock the file.

use std::fs::File;
use std::io::Write;

use super::Records;
use super::stages::StageLock;
use crate::gitlab::Job;
use crate::state::clock::now_millis;
use crate::state::files;
use crate::state::note::{Event, Note};
use crate::state::record::Record;

impl StageLock {
    /// Leaves a note about the script of this stage. Without it the ledger knows less, and the job loses nothing.
    pub(crate) fn note(&self, record: &Record, stage: &str, event: Event) {
        let Some(file) = self.file() else { return };
        let note = Note {
            attempt: record.attempt().to_owned(),
            at: now_millis(),
            stage: stage.to_owned(),
            event,
        };
        if let Err(error) = append(file, &note) {
            tracing::debug!("could not note what became of {stage}: {error}");
        }
    }
}

/// Appends a line in one write, so that stages at the same time do not mix theirs.
fn append(mut file: &File, note: &Note) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(note)?;
    line.push(b'\n');
    file.write_all(&line)
}

impl Records {
    /// The notes on the scripts of the attempt that `record` is of, in their order. Lines that were cut short are left
    /// out.
    pub(crate) fn notes(&self, record: &Record) -> Vec<Note> {
        self.notes_of(&record.job, record.attempt())
    }

    fn notes_of(&self, job: &Job, attempt: &str) -> Vec<Note> {
        let content = files::read(&self.stages_file(job)).unwrap_or_default();
        let lines = content.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| serde_json::from_slice::<Note>(line).ok())
            .filter(|note| note.attempt == attempt)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::record::tests::record;

    #[test]
    fn notes_are_those_of_an_attempt_whatever_else_the_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path(), 13).unwrap();
        let (first, second) = (record(7), record(7).of_attempt("b"));
        records.save(&second).unwrap();
        let preparing = records.prepares(&second.job);
        preparing.note(&first, "build_script", Event::Ended(1));
        let running = records.runs(&second.job);
        running.note(&second, "get_sources", Event::Began);
        append(running.file().unwrap(), &records.notes(&second)[0]).unwrap();
        running
            .file()
            .unwrap()
            .write_all(b"{\"attempt\":\"b\",\"at\"\n")
            .unwrap();
        running.note(&second, "get_sources", Event::Ended(0));
        let events: Vec<_> = records
            .notes(&second)
            .into_iter()
            .map(|note| note.event)
            .collect();
        assert_eq!(events, [Event::Began, Event::Began, Event::Ended(0)]);
        assert_eq!(records.notes(&first).len(), 1);
    }
}
