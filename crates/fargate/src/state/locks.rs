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

/// A lock, held until it is dropped. It goes with its process. Where its file cannot be made, on a full disk say, there
/// is none: a lock spares AWS calls, and jobs do without.
#[derive(Debug)]
pub(crate) struct Lock(Option<File>);

/// Where the lock of this name is, in the folder of the records.
pub(crate) fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{}", file_names::LOCK))
}

impl Lock {
    /// Waits for the lock of this name, and says so when that takes long; `what_for` is what its holder does.
    ///
    /// # Errors
    ///
    /// When it cannot be had by `deadline`.
    pub(crate) async fn take(
        directory: &Path,
        name: &str,
        what_for: &str,
        deadline: Instant,
    ) -> Result<Self> {
        let begun = Instant::now();
        let mut announced = false;
        let path = path(directory, name);
        let unlocked = |error: std::io::Error| {
            tracing::debug!("{} is no lock: {error}", path.display());
            Ok(Self(None))
        };
        let open = || files::make_folder(directory).and_then(|()| files::open(&path));
        let mut file = match open() {
            Ok(file) => file,
            Err(error) => return unlocked(error),
        };
        loop {
            let is_removed = || file.metadata().is_ok_and(|file| file.nlink() == 0);
            match file.try_lock() {
                // A sweep removes locks that nobody has used for long; this one may have gone while we waited for it.
                Ok(()) if is_removed() => match open() {
                    Ok(again) => file = again,
                    Err(error) => return unlocked(error),
                },
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::Error(error)) => return unlocked(error),
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

    /// Whether there is a file, which keeps a note.
    pub(crate) fn keeps_notes(&self) -> bool {
        self.0.is_some()
    }

    /// The last holder's note, if it was no longer ago than `age`.
    pub(crate) fn read(&mut self, age: Duration) -> Option<String> {
        let written = self.0.as_ref()?.metadata().ok()?.modified().ok()?;
        let is_fresh = written.elapsed().ok()? <= age;
        is_fresh.then(|| self.read_any()).flatten()
    }

    /// The last holder's note, however old it is.
    pub(crate) fn read_any(&mut self) -> Option<String> {
        let file = self.0.as_mut()?;
        let mut word = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut word).ok()?;
        Some(word)
    }

    /// Leaves a note for the next holder, which copes without it. A note of the same length as the last one is written
    /// at once.
    pub(crate) fn write(&mut self, word: &str) {
        let Some(file) = &mut self.0 else { return };
        let written = (|| {
            if usize::try_from(file.metadata()?.len()) != Ok(word.len()) {
                file.set_len(0)?;
            }
            file.rewind()?;
            file.write_all(word.as_bytes())
        })();
        if let Err(error) = written {
            tracing::debug!("could not leave word for the next job: {error}");
        }
    }
}
