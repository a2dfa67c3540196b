//! Removing files that killed processes left in the metadata folder, by their exact shapes.

use std::fs::File;
use std::time::Duration;

use super::Records;
use crate::error::Result;
use crate::state::file_names;
use crate::state::files::discard;

/// How long a lock of jobs is kept that nobody writes to.
const LOCK_AGE: Duration = Duration::from_secs(24 * 3600);

/// The age of a draft that nobody completes any more, and of a lock without its record: both take milliseconds.
const DRAFT_AGE: Duration = Duration::from_secs(60);

impl Records {
    /// Removes the drafts of killed processes, and locks that have long been of no use.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(crate) fn tidy(&self) -> Result<()> {
        for (file, age) in self.files()? {
            let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if file_names::is_draft(name) && age > DRAFT_AGE {
                discard(&file);
            }
            if self.is_unused_lock(name, age)
                // One that somebody holds is in use. A process that waits for it sees that it lost its name.
                && let Ok(lock) = File::open(&file)
                && lock.try_lock().is_ok()
            {
                discard(&file);
            }
        }
        self.ledger.tidy();
        Ok(())
    }

    /// Whether it is a lock that jobs have not used for long, or one of the stages of a job without a record, which
    /// prepare writes first.
    fn is_unused_lock(&self, name: &str, age: Duration) -> bool {
        match file_names::staged_job(name) {
            Some(job) => {
                let record = self.directory.join(format!("{job}{}", file_names::RECORD));
                age > DRAFT_AGE && !record.exists()
            }
            None => file_names::is_lock(name) && age > LOCK_AGE,
        }
    }
}
