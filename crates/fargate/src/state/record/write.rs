//! How records change.
//!
//! Several processes may be about one job: a prepare that its runner gave up on, the next attempt, a cleanup, the sweep
//! of another job. So each looks at what is there before it changes it, and the folder is locked meanwhile.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DRAFT, Found, LOCK, Record, Records};
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::state::files;

/// How long a lock of jobs is kept that nobody writes to.
const LOCK_AGE: Duration = Duration::from_secs(24 * 3600);

/// How old a draft is that nobody completes any more: writing one takes milliseconds.
const DRAFT_AGE: Duration = Duration::from_secs(60);

impl Records {
    /// Writes the first `record` of an attempt, durably: when this returns, a crash of the machine leaves it there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let draft = self.draft(record)?;
        let _lock = self.lock()?;
        self.put(&draft, record)
    }

    /// Writes `record` in place of an earlier one of its attempt.
    ///
    /// # Errors
    ///
    /// When the job's cleanup has come meanwhile. It is written all the same, so that what it names is found and stopped.
    /// When another attempt of the job has begun, whose record stays. As [`save`](Self::save) otherwise.
    pub(crate) fn update(&self, record: &Record) -> Result<()> {
        let draft = self.draft(record)?;
        let _lock = self.lock()?;
        let is_over = match self.find(&record.job)? {
            Found::Record(earlier) if earlier.attempt != record.attempt => {
                discard(&draft);
                return Err(Error::system(
                    "another attempt of the job has begun meanwhile",
                ));
            }
            Found::Record(earlier) => earlier.ends,
            Found::Nothing => true,
            Found::Damaged(_) => false,
        };
        if !is_over {
            return self.put(&draft, record);
        }
        let mut ending = record.clone();
        ending.ends = true;
        // Once more: the cleanup may have removed the draft.
        self.put(&self.draft(&ending)?, &ending)?;
        Err(Error::system("the job was cleaned up meanwhile"))
    }

    /// Notes that the end of the attempt has begun that was `found`, so that a sweep goes on with it should this be cut
    /// short: its GitLab Runner may live long after. Returns what there is of that attempt now; nothing when it is over, and
    /// maybe another one has begun.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub(crate) fn end(&self, job: &Job, found: &Found) -> Result<Found> {
        let _lock = self.lock()?;
        let mut now = self.find(job)?;
        if !now.is_same_attempt(found) {
            return Ok(Found::Nothing);
        }
        if let Found::Record(record) = &mut now
            && !record.ends
        {
            record.ends = true;
            self.put(&self.draft(record)?, record)?;
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

    /// Forgets the attempt at `job` that was `found`. Another one stays, and nothing to forget is fine.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read or removed.
    pub(crate) fn remove(&self, job: &Job, found: &Found) -> Result<()> {
        let _lock = self.lock()?;
        if !self.find(job)?.is_same_attempt(found) {
            return Ok(());
        }
        // Drafts hold the job's key, too. They go first: after the record the next attempt may write its own.
        for (file, _) in self.files()? {
            let name = file.file_name().and_then(|name| name.to_str());
            let rest = name.and_then(|name| name.strip_prefix(&job.record_name()));
            if rest.is_some_and(|rest| rest.starts_with(&format!(".{DRAFT}"))) {
                discard(&file);
            }
        }
        remove(&self.file(job))
    }

    /// Removes a file among the records, unless somebody has written it within this time.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be removed.
    pub(crate) fn remove_older(&self, file: &Path, age: Duration) -> Result<()> {
        let _lock = self.lock()?;
        let written = file.metadata().and_then(|file| file.modified()).ok();
        let now = written.and_then(|written| written.elapsed().ok());
        match now {
            Some(now) if now >= age => remove(file),
            _ => Ok(()),
        }
    }

    /// Removes what processes were about to write when they were killed, and locks that have long been of no use.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(crate) fn tidy(&self) -> Result<()> {
        for (file, age) in self.files()? {
            let ending = file.extension().and_then(|ending| ending.to_str());
            let is_over = match ending {
                // One that somebody holds is of use. Who waits for it sees that it lost its name.
                Some(LOCK) if age > LOCK_AGE => {
                    let lock = File::open(&file)
                        .ok()
                        .filter(|lock| lock.try_lock().is_ok());
                    if lock.is_some() {
                        discard(&file);
                    }
                    false
                }
                Some(ending) => ending.starts_with(DRAFT) && age > DRAFT_AGE,
                None => false,
            };
            if is_over {
                discard(&file);
            }
        }
        Ok(())
    }

    /// Keeps all others from changing records until it is dropped. A process that dies lets go of it.
    fn lock(&self) -> Result<File> {
        files::lock_folder(&self.directory).map_err(|error| {
            let advice = if error.kind() == ErrorKind::TimedOut {
                "Is a process of the driver stopped, or the disk? Run the job again."
            } else {
                "The user that GitLab Runner runs as must be able to read it ([TaskMetadata] Directory)."
            };
            Error::system(format!("could not lock {}: {error}", self.directory.display()))
                .advise(advice)
        })
    }

    /// Writes `record` beside the one that it is to replace: under the lock there is no time for that.
    fn draft(&self, record: &Record) -> Result<PathBuf> {
        // Each process changes records one after the other.
        let file = self.file(&record.job);
        let draft = file.with_extension(format!("{DRAFT}{}", std::process::id()));
        let write = || {
            files::make_folder(&self.directory)?;
            let mut opened = files::create(&draft)?;
            serde_json::to_writer(&mut opened, record)?;
            opened.flush()?;
            opened.sync_all()
        };
        write().map_err(|error| self.unwritten(record, &draft, &error))?;
        Ok(draft)
    }

    fn put(&self, draft: &Path, record: &Record) -> Result<()> {
        std::fs::rename(draft, self.file(&record.job))
            .and_then(|()| File::open(&self.directory)?.sync_all())
            .map_err(|error| self.unwritten(record, draft, &error))
    }

    fn unwritten(&self, record: &Record, draft: &Path, error: &std::io::Error) -> Error {
        discard(draft);
        let (file, folder) = (self.file(&record.job), self.directory.display());
        Error::system(format!("could not write the job's record {}: {error}", file.display())).advise(format!(
            "The user that GitLab Runner runs as must be able to make and write {folder} ([TaskMetadata] Directory)."
        ))
    }
}

/// Removes a file. Nothing to remove is fine.
fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::system(format!(
            "could not remove the job's record {}: {error}",
            file.display()
        ))),
        _ => Ok(()),
    }
}

/// Removes a draft; whoever writes it sees that it is gone.
fn discard(draft: &Path) {
    if let Err(error) = std::fs::remove_file(draft) {
        tracing::debug!("could not remove {}: {error}", draft.display());
    }
}
