//! How records change.
//!
//! Several processes may be about one job: a prepare that its runner gave up on, the next attempt, a cleanup, the sweep
//! of another job. So each looks at the present record before it changes it, and holds the folder's lock meanwhile.

use std::io::ErrorKind;
use std::path::Path;

use super::{Found, Records};
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::state::clock::{now, now_millis};
use crate::state::ending::{self, Ending};
use crate::state::file_names;
use crate::state::files::{self, Draft, FolderLock, Renamed, discard};
use crate::state::format;
use crate::state::ledger::{Entry, StoppedTask};
use crate::state::note::Event;
use crate::state::record::Record;
use crate::state::waiting::Waiting;

impl Records {
    /// Writes the first `record` of an attempt, durably: when this returns, a crash of the machine leaves it there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let draft = self.draft(record)?;
        let lock = self.lock()?;
        let renamed = self.put(draft, record)?;
        drop(lock);
        self.settle(renamed, record)
    }

    /// Writes `record` in place of an earlier one of its attempt.
    ///
    /// # Errors
    ///
    /// When the job's cleanup has come meanwhile. It is written all the same, so that its tasks are found and stopped.
    /// When another attempt of the job has begun, whose record stays. As [`save`](Self::save) otherwise.
    pub(crate) fn update(&self, record: &Record) -> Result<()> {
        let draft = self.draft(record)?;
        let lock = self.lock()?;
        let mut merged = record.clone();
        let (is_over, ended) = match self.find(&record.job)? {
            Found::Record(earlier) if !earlier.is_same_attempt(record) => {
                return Err(Error::system(
                    "another attempt of the job has begun meanwhile",
                ));
            }
            Found::Record(earlier) => {
                // A sweep stops what it has found, and AWS does not list it again.
                merged.take_found(&earlier);
                (earlier.ends, (earlier.outcome, earlier.times.ended))
            }
            Found::Nothing => (true, (None, None)),
            Found::Damaged(_) => (false, (None, None)),
        };
        if !is_over {
            let draft = match merged == *record {
                true => draft,
                false => self.draft(&merged)?,
            };
            let renamed = self.put(draft, record)?;
            drop(lock);
            return self.settle(renamed, record);
        }
        let mut ending = merged;
        ending.ends = true;
        (ending.outcome, ending.times.ended) = ended;
        // A task that takes scripts only now serves nobody.
        let is_late = |ready: &u64| ending.times.ended.is_some_and(|ended| *ready > ended);
        ending.times.ready = ending.times.ready.filter(|ready| !is_late(ready));
        let renamed = self.put(self.draft(&ending)?, &ending)?;
        drop(lock);
        self.settle(renamed, record)?;
        Err(Error::system("cleanup ended the job during this stage"))
    }

    /// Marks the attempt that was `found` as ending, so that a sweep goes on with it should this be cut short: its
    /// GitLab Runner may live long after. Notes the outcome, too. Returns the present record of that attempt; nothing
    /// when it is over, and maybe another one has begun.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(crate) fn end(&self, job: &Job, found: &Found, ending: &Ending<'_>) -> Result<Found> {
        self.change(job, found, |record| self.conclude(record, ending))
    }

    /// Marks a record as ending, with its outcome, and writes nothing. Returns whether that changes it.
    pub(crate) fn conclude(&self, record: &mut Record, ending: &Ending<'_>) -> bool {
        let begins = !record.ends || record.outcome.is_none();
        record.ends = true;
        if begins {
            let notes = self.notes(record);
            let mut began = notes.iter().filter(|note| note.event == Event::Began);
            let first = began.next().map(|note| note.at);
            record.times.first_script = record.times.first_script.or(first);
            record.times.ended.get_or_insert_with(now_millis);
            let outcome = || ending.outcome(record, &notes);
            record.outcome = Some(record.outcome.clone().unwrap_or_else(outcome));
            let is_kept = ending::is_kept(ending, record, &notes);
            record.kept_until = is_kept.then(|| now().as_secs() + record.keep_for);
        }
        begins
    }

    /// Notes since when the job's folder is missing, of the attempt that `record` is of.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(crate) fn note_missing(&self, record: &Record, since: Option<u64>) -> Result<()> {
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            record.missing_since = since;
            true
        });
        changed.map(drop)
    }

    /// Notes that a script of the job has reached its container, of the attempt that `record` is of. A disk that takes
    /// no note does not fail the job, which only loses a hint for the explanation of a failure.
    ///
    /// # Errors
    ///
    /// When the attempt is over, or its end has begun.
    pub(crate) fn note_began(&self, record: &Record) -> Result<()> {
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            record.began = true;
            !record.ends
        });
        match changed {
            Ok(Found::Record(now)) if !now.ends => Ok(()),
            Ok(_) => Err(Error::system("cleanup ended the job during this stage")),
            Err(error) => {
                tracing::debug!("{error}");
                Ok(())
            }
        }
    }

    /// Notes a task of the attempt that was `found`, which no start names, before it is stopped: whoever goes on should
    /// this be cut short must know it, as AWS lists no task by its mark that is stopping. A disk that takes no note
    /// keeps nothing running.
    pub(crate) fn note_found(&self, job: &Job, found: &Found, arn: &str) {
        if let Err(error) = self.change(job, found, |record| record.found(arn)) {
            tracing::debug!("{error}");
        }
    }

    /// Notes that tasks were stopped which this attempt does without. A disk that takes no note costs another call.
    pub(crate) fn note_stopped(&self, record: &Record, stopped: &[StoppedTask]) {
        if stopped.is_empty() {
            return;
        }
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            for task in stopped {
                record.stopped(&task.arn, task.accepted, task.facts.clone());
            }
            true
        });
        if let Err(error) = changed {
            tracing::debug!("{error}");
        }
    }

    /// Notes that the claimed task of this attempt lacks no tags any more, or cannot get them. A disk that takes no
    /// note costs another call.
    pub(crate) fn note_tagged(&self, record: &Record) {
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            !std::mem::take(&mut record.missing_tags).is_empty()
        });
        if let Err(error) = changed {
            tracing::debug!("{error}");
        }
    }

    /// Notes waiting tasks that this attempt has taken and does without: their files go before its record does. A disk
    /// that takes no note keeps nothing running.
    pub(crate) fn note_missed(&self, record: &Record, taken: &[Waiting]) {
        if taken.is_empty() {
            return;
        }
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            for task in taken {
                record.missed(task);
            }
            true
        });
        if let Err(error) = changed {
            tracing::debug!("{error}");
        }
    }

    /// Notes that the job log has told why the task of this attempt ended.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(crate) fn note_end_told(&self, record: &Record) -> Result<()> {
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            record.end_told = true;
            true
        });
        changed.map(drop)
    }

    /// Enters an attempt in the ledger whose task stays, and notes that it is there.
    ///
    /// # Errors
    ///
    /// When the record cannot be read or written.
    pub(crate) fn enter_kept(&self, record: &Record) -> Result<()> {
        let found = Found::Record(Box::new(record.clone()));
        let changed = self.change(&record.job, &found, |record| {
            if !record.is_entered {
                let entry = Entry::of(record, &[]).with_scripts(&self.notes(record));
                self.ledger.append(&entry);
            }
            !std::mem::replace(&mut record.is_entered, true)
        });
        changed.map(drop)
    }

    /// Notes that the task of this attempt does not stay, or no longer; returns the present record.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(crate) fn release(&self, record: &Record) -> Result<Found> {
        let found = Found::Record(Box::new(record.clone()));
        self.change(&record.job, &found, |record| {
            let was_kept = record.kept_until.is_some();
            // The time for which it stayed is billed, and the ledger has yet to hear of it.
            let until = record.kept_until.filter(|_| record.is_entered);
            record.kept_until = until.map(|until| until.min(now().as_secs()));
            was_kept
        })
    }

    /// Changes the present record of the attempt that was `found`, unless `change` says that it stays as it is; returns
    /// it, or nothing when the attempt is over.
    fn change(
        &self,
        job: &Job,
        found: &Found,
        change: impl FnOnce(&mut Record) -> bool,
    ) -> Result<Found> {
        let lock = self.lock()?;
        let mut now = self.find(job)?;
        if !now.is_same_attempt(found) {
            return Ok(Found::Nothing);
        }
        if let Found::Record(record) = &mut now
            && change(record)
        {
            let renamed = self.put(self.draft(record)?, record)?;
            drop(lock);
            self.settle(renamed, record)?;
        }
        Ok(now)
    }

    /// Whether the attempt that was `found` is still the one that is recorded. Where that cannot be read, it is not.
    pub(crate) fn is_still(&self, job: &Job, found: &Found) -> bool {
        match self.find(job) {
            Ok(now) => now.is_same_attempt(found),
            Err(error) => {
                tracing::debug!("{error}");
                false
            }
        }
    }

    /// Forgets the attempt at `job` that was `found`, once its `entries` are in the ledger. Another attempt stays, and
    /// nothing to forget is fine: who removed the record has written entries, which may lack tasks that were stopped
    /// here. A damaged record may be the file of somebody else: it is set aside, not removed.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read or removed.
    pub(crate) fn remove(&self, job: &Job, found: &Found, entries: &[Entry]) -> Result<()> {
        let _lock = self.lock()?;
        let now = self.find(job)?;
        let is_new = |entry: &&Entry| !matches!(now, Found::Nothing) || !entry.tasks.is_empty();
        for entry in entries.iter().filter(is_new) {
            self.ledger.append(entry);
        }
        if !now.is_same_attempt(found) {
            return Ok(());
        }
        // Drafts hold the job's key, too. They go first: after the record the next attempt may write its own.
        let record_name = job.record_name();
        for file in self.paths_in(&self.directory)? {
            let drafted = super::name(&file).and_then(file_names::drafted_job);
            if drafted == Some(record_name.as_str()) {
                discard(&file);
            }
        }
        discard(&self.stages_file(job));
        let file = self.file(job);
        let gone = if let Found::Damaged(_) = now {
            let aside = self
                .directory
                .join(format!("{record_name}{}", file_names::DAMAGED));
            std::fs::rename(&file, aside)
        } else {
            std::fs::remove_file(&file)
        };
        match gone {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::system(format!(
                "could not remove the job's record {}: {error}",
                file.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Writes the entry of an attempt without a record, or of a task without an attempt. The ledger is no reason to
    /// fail.
    pub(crate) fn enter(&self, entry: &Entry) {
        let made = files::make_folder(&self.directory)
            .map_err(|error| self.unwritten(&self.directory, &error));
        match made.and_then(|()| self.lock()) {
            Ok(_lock) => self.ledger.append(entry),
            Err(error) => tracing::debug!("no entry in the ledger: {error}"),
        }
    }

    /// Keeps all others from changing records until it is dropped, in a folder that this driver may use.
    pub(in crate::state) fn lock(&self) -> Result<FolderLock> {
        let lock = files::lock_folder(&self.directory).map_err(|error| {
            let advice = if error.kind() == ErrorKind::TimedOut {
                "Is a process of the driver stopped, or the disk? Run the job again."
            } else {
                "The user that GitLab Runner runs as must be able to write it ([TaskMetadata] Directory)."
            };
            Error::system(format!("could not lock {}: {error}", self.directory.display()))
                .advise(advice)
        })?;
        format::take_over(&self.directory)?;
        Ok(lock)
    }

    /// The same before waiting tasks are changed, which older drivers know nothing of.
    pub(in crate::state) fn lock_for_warm(&self) -> Result<FolderLock> {
        files::make_folder(&self.directory)
            .map_err(|error| self.unwritten(&self.directory, &error))?;
        let lock = self.lock()?;
        format::take_over_for_warm(&self.directory)?;
        Ok(lock)
    }

    /// Writes `record` beside the one that it is to replace: under the lock there is no time for that.
    fn draft(&self, record: &Record) -> Result<Draft> {
        let file = self.file(&record.job);
        let write = || {
            files::make_folder(&self.directory)?;
            let content = serde_json::to_vec(record)?;
            Draft::new(&file, &content)?.sync()
        };
        files::again(write).map_err(|error| self.unwritten(&file, &error))
    }

    /// Puts a draft in the place of its record. The caller holds the folder's lock.
    fn put(&self, draft: Draft, record: &Record) -> Result<Renamed> {
        let renamed = draft.rename();
        renamed.map_err(|error| self.unwritten(&self.file(&record.job), &error))
    }

    /// Waits for the disk, without the lock: hundreds of jobs may begin together. Others may act on a record before; a
    /// crash of the machine that loses it ends them, too.
    fn settle(&self, renamed: Renamed, record: &Record) -> Result<()> {
        let synced = renamed.sync();
        synced.map_err(|error| self.unwritten(&self.file(&record.job), &error))
    }

    fn unwritten(&self, file: &Path, error: &std::io::Error) -> Error {
        let folder = self.directory.display();
        Error::system(format!("could not write the job's record {}: {error}", file.display())).advise(format!(
            "The user that GitLab Runner runs as must be able to make and write {folder} ([TaskMetadata] Directory)."
        ))
    }
}
