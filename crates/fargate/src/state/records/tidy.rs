//! Removing files that killed processes left in the metadata folder, by their exact shapes.

use std::fs::File;
use std::time::Duration;

use super::Records;
use crate::error::Result;
use crate::state::files::discard;
use crate::state::shapes;

/// How long a lock of jobs is kept that nobody writes to.
const LOCK_AGE: Duration = Duration::from_secs(24 * 3600);

/// The age of a draft that nobody completes any more: writing one takes milliseconds.
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
            if shapes::is_draft(name) && age > DRAFT_AGE {
                discard(&file);
            }
            let is_left = shapes::staged_job(name).is_some_and(|job| {
                !self
                    .directory
                    .join(format!("{job}{}", shapes::RECORD))
                    .exists()
            });
            if (shapes::is_lock(name) || is_left) && age > LOCK_AGE {
                // One that somebody holds is in use. A process that waits for it sees that it lost its name.
                if let Ok(lock) = File::open(&file)
                    && lock.try_lock().is_ok()
                {
                    discard(&file);
                }
            }
        }
        Ok(())
    }
}
