//! The folder of a trial, and those that killed trials left.
//!
//! A trial locks its folder for as long as it runs. The kernel gives up the lock of a process that is killed, so the
//! next trial knows the folders that nobody comes back for.

use std::fs::{DirEntry, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use gitlab_local::remove_folder;
use nix::fcntl::OFlag;
use nix::unistd::Uid;

/// Beginning of a folder's name, and the length of the random part after it.
const PREFIX: &str = "fargate-try-";
const RANDOM: usize = 12;

/// Its owner alone may read it: records hold private keys, scripts hold the job's variables.
const MODE: u32 = 0o700;

/// A file in the folder of a trial on AWS that has left its task running. The program that stops the task removes it
/// with the folder.
const KEPT: &str = "kept";

/// Bound of the attempts to make a folder. Another trial can take one for abandoned before it is locked.
const ATTEMPTS: usize = 8;

/// The folder of a trial. It is removed when it is dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct TrialFolder {
    path: PathBuf,
    /// None on a file system without locks, where no folder is ever taken for abandoned.
    _lock: Option<File>,
}

impl TrialFolder {
    /// Makes the folder in `parent`, and removes what killed trials left there.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(super) fn new(parent: &Path) -> Result<Self> {
        remove_abandoned(parent);
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new()
                .prefix(PREFIX)
                .rand_bytes(RANDOM)
                .permissions(Permissions::from_mode(MODE))
                .tempdir_in(parent)?;
            let lock = match lock(folder.path()) {
                Ok(lock) => Some(lock),
                Err(error) if is_taken(&error) => continue,
                Err(_without_locks) => None,
            };
            return Ok(Self {
                path: folder.keep(),
                _lock: lock,
            });
        }
        Err(Error::other("other trials remove it"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it on disk, also for later trials.
    ///
    /// # Errors
    ///
    /// When it cannot be marked.
    pub(super) fn keep(&self) -> Result<()> {
        File::create_new(self.path.join(KEPT)).map(drop)
    }
}

impl Drop for TrialFolder {
    fn drop(&mut self) {
        if let Err(error) = remove_unless_kept(&self.path) {
            let folder = self.path.display();
            tracing::warn!("could not remove the folder of the trial, {folder}: {error}");
        }
    }
}

/// Locks a folder that is still there.
fn lock(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits());
    let folder = options.read(true).open(path)?;
    folder.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => ErrorKind::WouldBlock.into(),
        TryLockError::Error(error) => error,
    })?;
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match id(folder.metadata()?) == id(path.symlink_metadata()?) {
        true => Ok(folder),
        false => Err(ErrorKind::NotFound.into()),
    }
}

/// Whether another trial holds the folder, or has removed it.
fn is_taken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotFound)
}

/// Removes the folders of trials that were killed. What cannot be removed stays for the next trial.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = parent.read_dir() else {
        return;
    };
    for entry in entries.flatten().filter(is_ours) {
        let path = entry.path();
        let Ok(_lock) = lock(&path) else {
            continue;
        };
        if let Err(error) = remove_unless_kept(&path) {
            tracing::debug!(folder = %path.display(), %error, "cannot remove the folder of a trial");
        }
    }
}

fn remove_unless_kept(path: &Path) -> Result<()> {
    match path.join(KEPT).exists() {
        true => Ok(()),
        false => remove_folder(path),
    }
}

/// Whether this has exactly the shape of a trial's folder of this user.
fn is_ours(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    let is_random = |random: &str| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    // Of a link, it is the link's own.
    random.is_some_and(is_random)
        && entry.metadata().is_ok_and(|metadata| {
            metadata.is_dir()
                && metadata.uid() == Uid::effective().as_raw()
                && metadata.mode() & 0o7777 == MODE
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(parent: &Path) -> Vec<String> {
        let entries = parent.read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn make(path: &Path, mode: u32) {
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("record"), "x").unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn folders_of_living_trials_and_kept_ones_stay() {
        let parent = tempfile::tempdir().unwrap();
        let living = TrialFolder::new(parent.path()).unwrap();
        let kept = TrialFolder::new(parent.path()).unwrap();
        let kept_at = kept.path().to_owned();
        kept.keep().unwrap();
        drop(kept);
        drop(TrialFolder::new(parent.path()).unwrap());
        assert!(living.path().is_dir() && kept_at.join(KEPT).is_file());
        assert_eq!(entries(parent.path()).len(), 2);
    }

    #[test]
    fn only_folders_of_the_exact_shape_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        make(&path("fargate-try-abcDEF012345"), MODE);
        for other in [
            "fargate-tryabcdef",
            "fargate-try-",
            "fargate-try-abcdef",
            "fargate-try-abcdef0123456",
            "fargate-try-abcdef-12345",
            "custom-executor012345",
        ] {
            make(&path(other), MODE);
        }
        make(&path("fargate-try-ofanotherone"), 0o755);
        std::fs::write(path("fargate-try-file00000000"), "x").unwrap();
        std::os::unix::fs::symlink(
            path("custom-executor012345"),
            path("fargate-try-link00000000"),
        )
        .unwrap();
        let before = entries(parent.path());
        drop(TrialFolder::new(parent.path()).unwrap());
        let mut after = entries(parent.path());
        assert!(path("custom-executor012345/record").exists());
        after.push("fargate-try-abcDEF012345".to_owned());
        after.sort();
        assert_eq!(after, before);
    }

    #[test]
    fn trials_at_once_leave_each_others_folders_alone() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let folder = TrialFolder::new(parent.path()).unwrap();
                        std::fs::write(folder.path().join("record"), "x").unwrap();
                        std::thread::yield_now();
                        std::fs::read(folder.path().join("record")).unwrap();
                    }
                });
            }
        });
        assert_eq!(entries(parent.path()), Vec::<String>::new());
    }
}
