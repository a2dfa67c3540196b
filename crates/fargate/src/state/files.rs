//! Files and folders for their owner alone, and the lock of a folder.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bound of the wait for a folder's lock, which is held while a file is renamed.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Makes a folder and those above it, where they are not there.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// An empty file, in place of one that is there.
pub(crate) fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.mode(0o600).open(path)
}

/// A file to be read and written, with what is in it.
pub(crate) fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

/// Locks a folder until what is returned is dropped. A process that dies lets go of it.
///
/// # Errors
///
/// When it cannot be opened, or another process that lives, stopped perhaps, holds the lock for half a minute.
pub(crate) fn lock_folder(path: &Path) -> Result<File> {
    lock_within(path, LOCK_TIMEOUT)
}

fn lock_within(path: &Path, bound: Duration) -> Result<File> {
    let folder = File::open(path)?;
    let give_up_at = Instant::now() + bound;
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= give_up_at => {
                let held = format!(
                    "another process of this manager has held it for {} s",
                    bound.as_secs()
                );
                return Err(Error::new(ErrorKind::TimedOut, held));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_a_folder_is_one_processs_and_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let bound = Duration::from_millis(50);
        let held = lock_within(folder.path(), bound).unwrap();
        let refused = lock_within(folder.path(), bound).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        drop(held);
        lock_within(folder.path(), bound).unwrap();
    }
}
