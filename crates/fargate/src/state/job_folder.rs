//! The folder that GitLab Runner makes for an attempt at a job, and removes after the attempt's cleanup.
//!
//! A runner that lives may have done with a job whose cleanup failed before it reached the record. Such a folder is
//! missing then.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The folder of an attempt, told from all others that ever had its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobFolder {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// The mount namespace in which the path means something.
    mounts: String,
}

/// Whether a folder is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is.
    Present,
    /// It is not, or another folder is in its place.
    Missing,
    /// That cannot be seen from here.
    Unknown,
}

impl JobFolder {
    /// The folder at this path; nothing where it cannot be seen.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            mounts: mounts()?,
        })
    }

    /// Whether it is there.
    pub(crate) fn presence(&self) -> Presence {
        if mounts().as_ref() != Some(&self.mounts) {
            return Presence::Unknown;
        }
        match std::fs::metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == (self.device, self.inode) => Presence::Present,
            Ok(_) => Presence::Missing,
            Err(error) if error.kind() == ErrorKind::NotFound => Presence::Missing,
            Err(_) => Presence::Unknown,
        }
    }
}

/// This process's mount namespace.
fn mounts() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/mnt").ok()?;
    Some(link.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_from_another_at_its_path() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("custom-executor1");
        std::fs::create_dir(&path).unwrap();
        let folder = JobFolder::at(&path).unwrap();
        assert_eq!(folder.presence(), Presence::Present);
        std::fs::rename(&path, above.path().join("aside")).unwrap();
        assert_eq!(folder.presence(), Presence::Missing);
        std::fs::create_dir(&path).unwrap();
        assert_eq!(folder.presence(), Presence::Missing);
        // Another container, or a service with a /tmp of its own, sees nothing of it.
        let elsewhere = JobFolder {
            mounts: "mnt:[1]".into(),
            ..folder
        };
        assert_eq!(elsewhere.presence(), Presence::Unknown);
    }
}
