//! Which jobs have a stage that runs.
//!
//! Each stage's process holds a shared lock on a file beside the job's record. A sweep that gets the exclusive lock
//! knows that no stage runs. The kernel takes a lock from a process that dies. The lines of the file are
//! [notes](super::notes) on the job's scripts.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use super::Records;
use crate::gitlab::Job;
use crate::state::file_names;
use crate::state::files;

/// Bound of the wait for the lock, which a sweep holds for an instant. A stage goes on without it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a look of another process lasts, nearly always.
const LOOK: Duration = Duration::from_millis(1);

/// Pause between attempts to lock.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Shows sweeps that a stage of a job runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct StageLock {
    file: Option<File>,
}

impl Records {
    /// Shows sweeps that this process is the prepare of `job`, whose record was saved. Without the lock a sweep sees
    /// nothing, and waits until the job's time is over.
    pub(crate) fn prepares(&self, job: &Job) -> StageLock {
        let mut options = File::options();
        options.append(true).create(true).mode(0o600);
        let file = self.stages_file(job);
        StageLock::take(files::again(|| options.open(&file)))
    }

    /// Shows sweeps that this process is another stage of `job`.
    pub(crate) fn runs(&self, job: &Job) -> StageLock {
        let mut options = File::options();
        let file = self.stages_file(job);
        StageLock::take(files::again(|| options.append(true).open(&file)))
    }

    /// Whether a stage of `job` may be running.
    pub(crate) fn may_run(&self, job: &Job) -> bool {
        match File::open(self.stages_file(job)) {
            // Another process that looks holds the lock for an instant.
            Ok(file) => {
                file.try_lock().is_err() && {
                    std::thread::sleep(LOOK);
                    file.try_lock().is_err()
                }
            }
            // Its prepare could not show itself, or was killed before it did.
            Err(_) => true,
        }
    }

    pub(super) fn stages_file(&self, job: &Job) -> std::path::PathBuf {
        self.directory
            .join(format!("{}{}", job.record_name(), file_names::STAGES))
    }
}

impl StageLock {
    /// The locked file, opened for appending.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    fn take(file: std::io::Result<File>) -> Self {
        let give_up_at = Instant::now() + LOCK_TIMEOUT;
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!("sweeps do not see this stage: {error}");
                return Self { file: None };
            }
        };
        while file.try_lock_shared().is_err() {
            if Instant::now() >= give_up_at {
                return Self { file: None };
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Self { file: Some(file) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ledger::Entry;
    use crate::state::record::tests::{job, record};

    #[test]
    fn a_sweep_sees_whether_a_stage_runs() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path(), 13).unwrap();
        let job = job(7);
        assert!(records.may_run(&job), "nothing is known of it");
        records.save(&record(7)).unwrap();
        let preparing = records.prepares(&job);
        assert!(records.may_run(&job));
        drop(preparing);
        assert!(!records.may_run(&job));
        let (one, other) = (records.runs(&job), records.runs(&job));
        assert!(records.may_run(&job));
        drop(one);
        assert!(records.may_run(&job));
        drop(other);
        assert!(!records.may_run(&job));
        let found = records.find(&job).unwrap();
        records
            .remove(&job, &found, &[Entry::of(&record(7), &[])])
            .unwrap();
        assert!(!records.stages_file(&job).exists());
    }
}
