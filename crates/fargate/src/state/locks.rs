//! Locks between the processes of a manager: files in the metadata folder, in which a holder leaves word for the next.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};
use crate::output::say;
use crate::state::file_names;
use crate::state::files;

/// How often a lock is tried.
const PAUSE: Duration = Duration::from_millis(50);

/// How long the job log is silent about a wait.
const SILENCE: Duration = Duration::from_secs(2);

/// A lock, held until it is dropped. It goes with its process.
#[derive(Debug)]
pub(crate) struct Lock(File);

/// Where the lock of this name is, in the folder of the records.
pub(crate) fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{}", file_names::LOCK))
}

impl Lock {
    /// Waits for the lock of this name, and says so when that takes long; `what_for` is what its holder does.
    ///
    /// # Errors
    ///
    /// When it cannot be had by `deadline`, or its file cannot be made.
    pub(crate) async fn take(
        directory: &Path,
        name: &str,
        what_for: &str,
        deadline: Instant,
    ) -> Result<Self> {
        let begun = Instant::now();
        let mut announced = false;
        let path = path(directory, name);
        let refused = |error: std::io::Error| {
            Error::system(format!("could not lock {}: {error}", path.display())).advise(format!(
                "The user that GitLab Runner runs as must be able to make and write {} ([TaskMetadata] Directory).",
                directory.display()
            ))
        };
        files::make_folder(directory).map_err(refused)?;
        let mut file = files::open(&path).map_err(refused)?;
        loop {
            match file.try_lock() {
                // A sweep removes locks that nobody has used for long; this one may have gone while we waited for it.
                Ok(()) if file.metadata().map_err(refused)?.nlink() == 0 => {
                    file = files::open(&path).map_err(refused)?;
                }
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(refused(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(Error::system(format!(
                        "another job of this manager, which {what_for}, has held {} for {} s",
                        path.display(),
                        begun.elapsed().as_secs()
                    ))
                    .advise("See what that job waits for. Run the job again."));
                }
                Err(TryLockError::WouldBlock) => {
                    if !announced && begun.elapsed() > SILENCE {
                        announced = true;
                        say(&format!(
                            "Waiting for another job of this manager, which {what_for}"
                        ));
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// The last holder's note, if it was no longer ago than `age`.
    pub(crate) fn read(&mut self, age: Duration) -> Option<String> {
        let written = self.0.metadata().ok()?.modified().ok()?;
        if written.elapsed().ok()? > age {
            return None;
        }
        let mut word = String::new();
        self.0.rewind().ok()?;
        self.0.read_to_string(&mut word).ok()?;
        Some(word)
    }

    /// Leaves a note for the next holder, which copes without it. A note of the same length as the last one is written
    /// at once.
    pub(crate) fn write(&mut self, word: &str) {
        let written = (|| {
            if usize::try_from(self.0.metadata()?.len()) != Ok(word.len()) {
                self.0.set_len(0)?;
            }
            self.0.rewind()?;
            self.0.write_all(word.as_bytes())
        })();
        if let Err(error) = written {
            tracing::debug!("could not leave word for the next job: {error}");
        }
    }
}
