//! Files and folders that only this user can use: scripts and job data hold secrets.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Makes a folder of a name of its own that starts with `prefix`, where temporary files go. It is removed when
/// it is dropped.
pub(super) fn temporary_folder(prefix: &str) -> std::io::Result<TempDir> {
    builder(prefix).tempdir()
}

/// Makes a folder of a name of its own in `parent`.
pub(super) fn folder_in(parent: &Path, prefix: &str) -> std::io::Result<PathBuf> {
    Ok(builder(prefix).tempdir_in(parent)?.keep())
}

/// Makes the folder `path`.
pub(super) fn folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Writes a new file.
pub(super) fn file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write(path, 0o600, content)
}

/// Writes a new file that can be executed.
pub(super) fn program(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write(path, 0o700, content)
}

fn builder<'a>(prefix: &'a str) -> tempfile::Builder<'a, 'static> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    builder
}

fn write(path: &Path, mode: u32, content: &[u8]) -> std::io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?
        .write_all(content)
}
