//! Who keeps tasks waiting: one process for each configuration, which shows that it lives by a lock.
//!
//! The kernel takes the lock from a process that dies. The time of the file is the keeper's last sign of life: tasks
//! outlive a keeper that is started again, and not one that is gone for long.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest, Sha256};

use crate::state::files;

/// How long the lock is tried: a look of another process holds it for an instant.
const LOOKS: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// Digits of a keeper's id.
const DIGITS: usize = 16;

/// The id of the keeper for this file of configuration.
pub(crate) fn keeper_of(config: &Path) -> String {
    let digest = Sha256::digest(config.as_os_str().as_encoded_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.get(..DIGITS).unwrap_or(&digits).to_owned()
}

/// The right to keep tasks waiting, until it is dropped.
#[derive(Debug)]
pub(crate) struct KeeperLock(File);

impl KeeperLock {
    /// Takes the right; nothing where another process has it.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or locked.
    pub(super) fn take(folder: &Path, keeper: &str) -> std::io::Result<Option<Self>> {
        files::make_folder(folder)?;
        let file = files::open(&path(folder, keeper))?;
        let give_up_at = Instant::now() + LOOKS;
        let mut locked = file.try_lock();
        while matches!(locked, Err(TryLockError::WouldBlock)) && Instant::now() < give_up_at {
            std::thread::sleep(PAUSE);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {
                let lock = Self(file);
                lock.show();
                Ok(Some(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Leaves a sign of life. Without one, on a full disk say, sweeps still see the lock.
    pub(crate) fn show(&self) {
        if let Err(error) = self.0.set_modified(SystemTime::now()) {
            tracing::debug!("could not leave a sign of life: {error}");
        }
    }
}

/// Whether a keeper lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// A process keeps its tasks.
    Lives,
    /// None has for this long.
    GoneFor(Duration),
    /// There is no sign of one.
    Unknown,
}

impl Keeper {
    /// Looks for the keeper with this id.
    pub(super) fn look(folder: &Path, keeper: &str) -> Self {
        let Ok(file) = File::open(path(folder, keeper)) else {
            return Self::Unknown;
        };
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Self::Lives;
        }
        let seen = file.metadata().and_then(|file| file.modified());
        seen.map_or(Self::Unknown, |seen| {
            // A time in the future is that of a clock that was set back.
            Self::GoneFor(seen.elapsed().unwrap_or_default())
        })
    }
}

fn path(folder: &Path, keeper: &str) -> PathBuf {
    folder.join(format!("keep-{keeper}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_keeps_the_tasks_of_a_configuration_and_others_see_it() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["/etc/a.toml", "/etc/b.toml"].map(|file| keeper_of(Path::new(file)));
        assert_ne!(one, other);
        let look = || Keeper::look(folder.path(), &one);
        assert_eq!(look(), Keeper::Unknown);
        let lock = KeeperLock::take(folder.path(), &one).unwrap().unwrap();
        assert!(KeeperLock::take(folder.path(), &one).unwrap().is_none());
        let beside = KeeperLock::take(folder.path(), &other).unwrap();
        assert!(beside.is_some());
        assert_eq!(look(), Keeper::Lives);
        drop(lock);
        assert!(matches!(look(), Keeper::GoneFor(time) if time < Duration::from_secs(60)));
        assert!(KeeperLock::take(folder.path(), &one).unwrap().is_some());
    }
}
