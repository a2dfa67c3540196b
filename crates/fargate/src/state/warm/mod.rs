//! Waiting tasks: a file each in the folder `warm` beside the records, `ID.json`.
//!
//! Whoever takes a task, for a job or to end it, renames its file to `ID.claimed-ATTEMPT` under the folder's lock.
//! There is one file, so one process gets it; all others find none, and take the next. A process that is killed leaves
//! a file that says whose the task is: the attempt's own cleanup ends it, or a sweep where no record has that attempt.

mod keeper;
mod marks;
mod names;
#[cfg(test)]
pub(crate) mod tests;
mod wants;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use self::keeper::{Keeper, KeeperLock, keeper_of};
pub(crate) use self::marks::Rest;
pub(crate) use self::names::Holder;
pub(crate) use self::wants::Want;
use super::files::{self, Draft, discard};
use super::record::Record;
use super::records::{Entry, Found, Records};
use super::waiting::Waiting;
use crate::error::{Error, Result, json_fault};
use crate::ssh::random_hex;

/// Its folder in the folder of the records.
const FOLDER: &str = "warm";

/// The age of a draft that nobody completes any more: writing one takes milliseconds.
const DRAFT_AGE: Duration = Duration::from_secs(60);

/// The waiting tasks of one metadata folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WarmTasks<'a> {
    records: &'a Records,
}

/// A file of a waiting task that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WarmFile {
    pub(crate) holder: Holder,
    pub(crate) task: Waiting,
}

/// Records and waiting tasks at one instant.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) records: Vec<Entry>,
    pub(crate) tasks: Vec<WarmFile>,
}

impl<'a> WarmTasks<'a> {
    /// Those beside these records.
    pub(crate) fn of(records: &'a Records) -> Self {
        Self { records }
    }

    /// Their folder, which need not exist.
    pub(crate) fn folder(&self) -> PathBuf {
        self.records.directory().join(FOLDER)
    }

    /// All of them. A file that is renamed meanwhile may be missing: decisions take a [snapshot](Self::snapshot).
    ///
    /// # Errors
    ///
    /// When the folder cannot be read; one that does not exist has none.
    pub(crate) fn all(&self) -> Result<Vec<WarmFile>> {
        let mut all = Vec::new();
        for file in self.paths()? {
            let Some((id, holder)) = name(&file).and_then(names::parse) else {
                continue;
            };
            match read(&file, id) {
                Ok(Some(task)) => all.push(WarmFile { holder, task }),
                Ok(None) => {}
                Err(damage) => tracing::warn!("{} is damaged: {damage}", file.display()),
            }
        }
        Ok(all)
    }

    /// The ids of those that wait for a job, or start.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read; one that does not exist has none.
    pub(crate) fn waiting_ids(&self) -> Result<Vec<String>> {
        let paths = self.paths()?;
        let parsed = paths
            .iter()
            .filter_map(|file| name(file).and_then(names::parse));
        let waiting = parsed.filter(|(_, holder)| *holder == Holder::Nobody);
        Ok(waiting.map(|(id, _)| id.to_owned()).collect())
    }

    /// Records and waiting tasks, with no change in between.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the folder cannot be locked.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        // Without waiting tasks there is nothing that moves between the two.
        let _lock = match self.folder().exists() {
            true => Some(self.records.lock()?),
            false => None,
        };
        Ok(Snapshot {
            records: self.records.all()?,
            tasks: self.all()?,
        })
    }

    /// Writes the file of a task that is about to be asked for, durably.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written.
    pub(crate) fn save(&self, task: &Waiting) -> Result<()> {
        let draft = self.draft(task)?;
        let _lock = self.records.lock_for_warm()?;
        self.put(draft, task)
    }

    /// Changes the file of a task that still waits; returns it, or nothing where somebody has taken it.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(crate) fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Waiting),
    ) -> Result<Option<Waiting>> {
        let _lock = self.records.lock_for_warm()?;
        let Some(mut task) = self.find(id)? else {
            return Ok(None);
        };
        change(&mut task);
        self.put(self.draft(&task)?, &task)?;
        Ok(Some(task))
    }

    /// Takes a task for the attempt with this record, which says so already. Nothing where somebody else was faster.
    ///
    /// # Errors
    ///
    /// When the attempt's end has begun: nobody would stop the task. When the file cannot be renamed.
    pub(crate) fn claim(&self, id: &str, record: &Record) -> Result<Option<Waiting>> {
        let _lock = self.records.lock_for_warm()?;
        self.goes_on(record)?;
        self.rename(id, record.attempt())
    }

    /// Takes a task in order to end it; returns it, and who has it now. Nothing where somebody else was faster. The
    /// holder is no attempt's, so that any sweep goes on should this be cut short.
    ///
    /// # Errors
    ///
    /// When the file cannot be renamed.
    pub(crate) fn take(&self, id: &str) -> Result<Option<(Waiting, String)>> {
        let _lock = self.records.lock_for_warm()?;
        let holder = random_hex::<8>();
        Ok(self.rename(id, &holder)?.map(|task| (task, holder)))
    }

    /// Notes the task that a call without an answer has brought, in the file that this holder has, before it is
    /// stopped. A disk that takes no note keeps nothing running.
    pub(crate) fn note_found(&self, id: &str, holder: &str, arn: &str) {
        let file = self.file(id, &Holder::Attempt(holder.to_owned()));
        let noted = self.records.lock_for_warm().and_then(|_lock| {
            let read = read(&file, id)
                .map_err(|damage| unwritten(&file, &std::io::Error::other(damage)))?;
            let Some(mut task) = read else { return Ok(()) };
            task.task = Some(arn.to_owned());
            let content = serde_json::to_vec(&task).map_err(std::io::Error::from);
            let written =
                content.and_then(|content| Draft::new(&file, &content)?.sync()?.persist());
            written.map_err(|error| unwritten(&file, &error))
        });
        if let Err(error) = noted {
            tracing::debug!("{error}");
        }
    }

    /// Has somebody else than the attempt with this record hold a task that it has claimed, so that any sweep may end
    /// it; returns who.
    ///
    /// # Errors
    ///
    /// When the attempt's end has begun, which stops the task. When the file cannot be renamed.
    pub(crate) fn give_away(&self, id: &str, record: &Record) -> Result<String> {
        let _lock = self.records.lock_for_warm()?;
        self.goes_on(record)?;
        let holder = random_hex::<8>();
        let file = |holder: &str| self.file(id, &Holder::Attempt(holder.to_owned()));
        let claimed = file(record.attempt());
        std::fs::rename(&claimed, file(&holder)).map_err(|error| unwritten(&claimed, &error))?;
        Ok(holder)
    }

    /// Refuses where the end of the attempt with this record has begun. The caller holds the folder's lock.
    fn goes_on(&self, record: &Record) -> Result<()> {
        match self.records.find(&record.job)? {
            Found::Record(now) if now.is_same_attempt(record) && !now.ends => Ok(()),
            _ => Err(Error::system("cleanup ended the job during this stage")),
        }
    }

    /// The tasks that an attempt has taken, and whose files are still there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(crate) fn taken_by(&self, attempt: &str) -> Result<Vec<Waiting>> {
        let is_its = |file: &WarmFile| matches!(&file.holder, Holder::Attempt(it) if it == attempt);
        let mut all = self.all()?;
        all.retain(is_its);
        Ok(all.into_iter().map(|file| file.task).collect())
    }

    /// Forgets a task that the attempt has taken: its record names it now, or it was stopped.
    pub(crate) fn forget(&self, id: &str, attempt: &str) {
        discard(&self.file(id, &Holder::Attempt(attempt.to_owned())));
    }

    /// Whether the keeper with this id lives.
    pub(crate) fn keeper(&self, keeper: &str) -> Keeper {
        Keeper::look(&self.folder(), keeper)
    }

    /// Takes the right to keep the tasks of this keeper; nothing where another process has it.
    ///
    /// # Errors
    ///
    /// When its file cannot be made or locked.
    pub(crate) fn keep(&self, keeper: &str) -> Result<Option<KeeperLock>> {
        KeeperLock::take(&self.folder(), keeper).map_err(|error| unwritten(&self.folder(), &error))
    }

    /// Removes the drafts of killed processes: they hold keys.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(crate) fn tidy(&self) -> Result<()> {
        for (file, age) in self.records.files_in(&self.folder())? {
            if age > DRAFT_AGE && name(&file).is_some_and(names::is_draft) {
                discard(&file);
            }
        }
        Ok(())
    }

    /// What this keeper wanted when it last looked.
    pub(crate) fn wants(&self, keeper: &str) -> Vec<Want> {
        wants::read(&self.folder(), keeper)
    }

    /// Leaves word of what this keeper wants.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub(crate) fn want(&self, keeper: &str, wants: &[Want]) -> Result<()> {
        wants::write(&self.folder(), keeper, wants)
            .map_err(|error| unwritten(&self.folder(), &error))
    }

    /// Why no waiting task is started now, if none is.
    pub(crate) fn rest(&self) -> Option<Rest> {
        Rest::look(&self.folder())
    }

    /// Has nobody start waiting tasks from now on.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written.
    pub(crate) fn begin_rest(&self, rest: Rest) -> Result<()> {
        rest.begin(&self.folder())
            .map_err(|error| unwritten(&self.folder(), &error))
    }

    /// Takes that back.
    pub(crate) fn end_rest(&self, rest: Rest) {
        rest.end(&self.folder());
    }

    /// The task with this id, if it still waits.
    ///
    /// # Errors
    ///
    /// When its file cannot be read.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Waiting>> {
        let file = self.file(id, &Holder::Nobody);
        read(&file, id)
            .map_err(|damage| Error::system(format!("{} is damaged: {damage}", file.display())))
    }

    /// Renames the file of a task that waits. The caller holds the folder's lock.
    fn rename(&self, id: &str, attempt: &str) -> Result<Option<Waiting>> {
        if !names::is_id(id) || !names::is_id(attempt) {
            return Ok(None);
        }
        let Some(task) = self.find(id)? else {
            return Ok(None);
        };
        let taken = self.file(id, &Holder::Attempt(attempt.to_owned()));
        let waiting = self.file(id, &Holder::Nobody);
        match std::fs::rename(&waiting, &taken) {
            Ok(()) => Ok(Some(task)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unwritten(&waiting, &error)),
        }
    }

    fn paths(&self) -> Result<Vec<PathBuf>> {
        self.records.paths_in(&self.folder())
    }

    fn file(&self, id: &str, holder: &Holder) -> PathBuf {
        self.folder().join(names::file(id, holder))
    }

    fn draft(&self, task: &Waiting) -> Result<Draft> {
        let file = self.file(&task.id, &Holder::Nobody);
        let write = || {
            files::make_folder(&self.folder())?;
            Draft::new(&file, &serde_json::to_vec(task)?)?.sync()
        };
        files::again(write).map_err(|error| unwritten(&file, &error))
    }

    fn put(&self, draft: Draft, task: &Waiting) -> Result<()> {
        draft
            .persist()
            .map_err(|error| unwritten(&self.file(&task.id, &Holder::Nobody), &error))
    }
}

/// The task in a file; nothing where it is gone.
fn read(file: &Path, id: &str) -> Result<Option<Waiting>, String> {
    let content = match files::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        content => content.map_err(|error| error.to_string())?,
    };
    let task: Waiting = serde_json::from_slice(&content).map_err(|error| json_fault(&error))?;
    match task.id == id {
        true => Ok(Some(task)),
        false => Err(format!("it belongs to {:?}", task.id)),
    }
}

fn name(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()
}

fn unwritten(file: &Path, error: &std::io::Error) -> Error {
    Error::system(format!("could not write the waiting task {}: {error}", file.display())).advise(
        "The user that GitLab Runner runs as must be able to make and write it ([TaskMetadata] Directory).",
    )
}
