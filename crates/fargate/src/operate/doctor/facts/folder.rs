//! The metadata folder.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statfs, statvfs};

use crate::state::format;
use crate::state::records::Records;

/// The metadata folder.
#[derive(Debug, Clone)]
pub(in super::super) struct Folder {
    pub(in super::super) path: PathBuf,
    pub(in super::super) state: FolderState,
}

/// Whether the folder is there.
#[derive(Debug, Clone)]
pub(in super::super) enum FolderState {
    Present(Present),
    /// It is not; the nearest folder above it, and whether this user may make it there.
    Missing {
        above: PathBuf,
        can_make: bool,
    },
    /// Something else is in its place.
    NotAFolder,
    Unreadable(String),
}

/// A folder that is there.
#[derive(Debug, Clone)]
pub(in super::super) struct Present {
    /// Rights, as `chmod` takes them.
    pub(in super::super) mode: u32,
    /// User id.
    pub(in super::super) owner: u32,
    /// Whether this process may write in it.
    pub(in super::super) can_write: bool,
    /// Name of a file system that does not keep files or locks as a disk does.
    pub(in super::super) odd_filesystem: Option<&'static str>,
    pub(in super::super) free_mib: u64,
    pub(in super::super) free_files: u64,
    /// Jobs that have a record in it now.
    pub(in super::super) jobs: usize,
    /// Why this driver may not use it, if so: a newer one has.
    pub(in super::super) refused: Option<String>,
}

impl Folder {
    pub(super) fn look(path: &Path) -> Self {
        let state = match std::fs::metadata(path) {
            Ok(found) if !found.is_dir() => FolderState::NotAFolder,
            Ok(found) => FolderState::Present(present(path, &found)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing(path),
            Err(error) => FolderState::Unreadable(error.to_string()),
        };
        Self {
            path: path.to_owned(),
            state,
        }
    }
}

fn missing(path: &Path) -> FolderState {
    let above = path.ancestors().skip(1).find(|above| above.is_dir());
    let above = above.unwrap_or_else(|| Path::new("/")).to_owned();
    let can_make = may_write(&above);
    FolderState::Missing { above, can_make }
}

fn present(path: &Path, found: &std::fs::Metadata) -> Present {
    let room = statvfs(path).ok();
    let free = |room: &rustix::fs::StatVfs| room.f_bavail.saturating_mul(room.f_frsize) >> 20;
    // Some file systems do not count files.
    let files = |room: &rustix::fs::StatVfs| match room.f_files {
        0 => u64::MAX,
        _ => room.f_favail,
    };
    Present {
        mode: found.mode() & 0o7777,
        owner: found.uid(),
        can_write: may_write(path),
        odd_filesystem: statfs(path).ok().and_then(|found| odd(found.f_type)),
        free_mib: room.as_ref().map_or(u64::MAX, free),
        free_files: room.as_ref().map_or(u64::MAX, files),
        jobs: jobs(path),
        refused: format::check(path).err().map(|error| error.to_string()),
    }
}

/// Unknown is none: another check says that the folder cannot be read.
fn jobs(path: &Path) -> usize {
    let records = Records::open(path, 1).and_then(|records| records.all());
    records.map_or(0, |records| records.len())
}

fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The names of file systems by their numbers (Linux: statfs(2)).
fn odd(kind: rustix::fs::FsWord) -> Option<&'static str> {
    Some(match kind {
        0x0102_1994 | 0x8584_58f6 => "memory (tmpfs)",
        0x794c_7630 => "a container's own layer (overlay)",
        0x6969 => "NFS",
        0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9p",
        0x6573_5546 => "FUSE",
        _ => return None,
    })
}
