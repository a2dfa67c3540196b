//! Which process sweeps, and when.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::state::liveness::RunnerProcess;

/// How often the jobs of a manager do it at most.
const INTERVAL: Duration = Duration::from_secs(3 * 60);

/// The right to sweep, until it is dropped.
pub(super) struct SweepLock(File);

impl SweepLock {
    /// A GitLab Runner that was started after the last sweep has it at once: it may have been started because the one
    /// before was killed, with all its jobs.
    pub(super) fn take(directory: &Path, runner: Option<&RunnerProcess>) -> Option<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(directory.join("sweep"))
            .ok()?;
        file.try_lock().ok()?;
        let swept = file.metadata().ok().filter(|file| file.len() > 0);
        let age = swept.and_then(|file| file.modified().ok()?.elapsed().ok());
        let runner_age = runner.and_then(RunnerProcess::age);
        let is_due = |age: Duration| age >= INTERVAL || runner_age.is_some_and(|its| its < age);
        age.is_none_or(is_due).then_some(Self(file))
    }

    /// Leaves word that it was done. A sweep that was cut short leaves none.
    pub(super) fn note(&self) {
        let noted = self
            .0
            .set_len(1)
            .and_then(|()| self.0.set_modified(SystemTime::now()));
        if let Err(error) = noted {
            tracing::debug!("could not note the sweep: {error}");
        }
    }
}
