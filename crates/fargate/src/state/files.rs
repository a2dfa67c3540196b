//! Files and folders for their owner alone: the lock of a folder, and replacing a file at once.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::file_names;
use crate::backoff::Backoff;

/// Bound of the wait for a folder's lock, which is held while a file is renamed.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Bound of the wait for the lock on the folder itself. Drivers of format 1 hold it for the time of a rename; a
/// local reader may hold it for ever, and must not lock the driver out.
const OLD_LOCK_TIMEOUT: Duration = Duration::from_millis(250);

/// Pauses between attempts to lock. They grow: a lock is free again within milliseconds, unless hundreds of processes
/// want it at once, and then their attempts would take the processors from those that hold it.
const LOCK_PAUSES: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(32));

/// How often an action is taken whose file was replaced meanwhile, on another machine's disk.
const STALE_ATTEMPTS: usize = 4;

/// Takes an action again that met a stale file (NFS: ESTALE): the name leads to the file that is there now.
pub(crate) fn again<T>(mut action: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempts = 1..STALE_ATTEMPTS;
    loop {
        match action() {
            Err(error)
                if error.kind() == ErrorKind::StaleNetworkFileHandle
                    && attempts.next().is_some() => {}
            done => return done,
        }
    }
}

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    again(|| std::fs::read(path))
}

/// The content of a file of text.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    again(|| std::fs::read_to_string(path))
}

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

/// A file to be read and written, with its content.
pub(crate) fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600);
    again(|| options.open(path))
}

/// The new content of a file, complete and beside it. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Draft {
    file: NamedTempFile,
    target: PathBuf,
    is_synced: bool,
}

impl Draft {
    /// Writes the `content` that `target` shall have, for its owner alone. A draft of a process that was killed is
    /// known by its name.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub(crate) fn new(target: &Path, content: &[u8]) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // 0600, as tempfile makes all its files.
        let mut file = tempfile::Builder::new()
            .prefix(&file_names::draft_prefix(&name))
            .suffix(file_names::DRAFT)
            .rand_bytes(file_names::DRAFT_RANDOM)
            .tempfile_in(target.parent().unwrap_or(Path::new(".")))?;
        std::io::Write::write_all(&mut file, content)?;
        Ok(Self {
            file,
            target: target.to_owned(),
            is_synced: false,
        })
    }

    /// Lets others read it.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub(crate) fn make_public(self) -> Result<Self> {
        let mode = std::fs::Permissions::from_mode(0o644);
        self.file.as_file().set_permissions(mode)?;
        Ok(self)
    }

    /// Makes it outlive a crash of the machine.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub(crate) fn sync(mut self) -> Result<Self> {
        self.file.as_file().sync_all()?;
        self.is_synced = true;
        Ok(self)
    }

    /// Replaces the file, durably if the draft is: a reader sees the old content or the new one, and never half of one.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub(crate) fn persist(self) -> Result<()> {
        self.rename()?.sync()
    }

    /// Replaces the file. The caller syncs it, without the folder's lock: others need not wait for the disk.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub(crate) fn rename(self) -> Result<Renamed> {
        let Self {
            file,
            target,
            is_synced,
        } = self;
        let mut file = Some(file);
        again(|| {
            let Some(draft) = file.take() else {
                return Ok(());
            };
            draft.persist(&target).map(drop).map_err(|refused| {
                file = Some(refused.file);
                refused.error
            })
        })?;
        let folder = target.parent().filter(|_| is_synced);
        Ok(Renamed(folder.map(Path::to_owned)))
    }
}

/// A file that was replaced; the folder to sync if its draft was.
#[derive(Debug)]
#[must_use]
pub(crate) struct Renamed(Option<PathBuf>);

impl Renamed {
    /// Makes the new content outlive a crash of the machine, if its draft does.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub(crate) fn sync(self) -> Result<()> {
        self.0
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

/// The lock of a folder, until it is dropped. A process that dies lets go of it.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _lock: File,
    /// The lock that drivers of format 1 take, where it could be had.
    _old: Option<File>,
}

/// Locks a folder against the other processes of this manager.
///
/// # Errors
///
/// When the lock file cannot be opened, or another process that lives, stopped perhaps, holds the lock for half a
/// minute.
pub(crate) fn lock_folder(path: &Path) -> Result<FolderLock> {
    let file = path.join(file_names::LOCK_FILE);
    let lock = again(|| lock_within(open(&file)?, LOCK_TIMEOUT))?;
    let old = File::open(path).and_then(|folder| lock_within(folder, OLD_LOCK_TIMEOUT));
    Ok(FolderLock {
        _lock: lock,
        _old: old.ok(),
    })
}

fn lock_within(file: File, bound: Duration) -> Result<File> {
    let give_up_at = Instant::now() + bound;
    let mut pauses = LOCK_PAUSES;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= give_up_at => {
                let held = format!(
                    "another process of this manager has held it for {} s",
                    bound.as_secs()
                );
                return Err(Error::new(ErrorKind::TimedOut, held));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(pauses.pause()),
        }
    }
}

/// Removes a file that may be gone already.
pub(crate) fn discard(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::debug!("could not remove {}: {error}", path.display());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_process_at_a_time_holds_the_lock_and_nobody_waits_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join(file_names::LOCK_FILE);
        let held = lock_folder(folder.path()).unwrap();
        let bound = Duration::from_millis(50);
        let refused = lock_within(open(&lock).unwrap(), bound).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        // So does a driver of format 1, which locks the folder itself.
        let old = File::open(folder.path()).unwrap();
        assert!(old.try_lock().is_err());
        drop(held);
        old.try_lock().unwrap();
        assert_eq!(lock.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_reader_that_locks_the_folder_does_not_lock_the_driver_out() {
        let folder = tempfile::tempdir().unwrap();
        let reader = File::open(folder.path()).unwrap();
        reader.lock_shared().unwrap();
        let begun = Instant::now();
        lock_folder(folder.path()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_stale_file_is_looked_up_again_a_few_times() {
        const STALE: i32 = nix::errno::Errno::ESTALE as i32;
        for (stale, expected) in [(0, Some(1)), (3, Some(4)), (4, None), (9, None)] {
            let mut count = 0;
            let done = again(|| {
                count += 1;
                match count > stale {
                    true => Ok(count),
                    false => Err(Error::from_raw_os_error(STALE)),
                }
            });
            assert_eq!(done.ok(), expected, "{stale}");
            assert!(count <= 4);
        }
        let mut count = 0;
        let refused = again(|| {
            count += 1;
            Err::<(), _>(Error::from(ErrorKind::NotFound))
        });
        assert_eq!(
            (refused.unwrap_err().kind(), count),
            (ErrorKind::NotFound, 1)
        );
    }

    #[test]
    fn a_draft_replaces_its_file_or_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("manager");
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.collect::<Vec<_>>()
        };
        let draft = Draft::new(&target, b"new").unwrap();
        let [name] = &names()[..] else {
            panic!("no draft")
        };
        assert_eq!(file_names::draft_target(name), Some("manager"));
        let mode = folder
            .path()
            .join(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(draft);
        assert!(names().is_empty());
        let draft = Draft::new(&target, b"new").unwrap();
        draft.sync().unwrap().persist().unwrap();
        assert_eq!(names(), ["manager"]);
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
    }
}
