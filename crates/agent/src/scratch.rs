//! Files without a name, for what does not fit into memory.
//!
//! A job's image may be nothing but a shell, without `/tmp`, or with one that is read-only to its user, and its
//! `TMPDIR` may be meant for another machine. The folders that the containers of a task share are always there.

use std::env;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use fargate_wire::{BUILDS_FOLDER, CACHE_FOLDER};

/// A new file, in the first folder that takes one.
pub(crate) fn file() -> io::Result<File> {
    let mut folders = vec![env::temp_dir()];
    for folder in ["/tmp", "/var/tmp", BUILDS_FOLDER, CACHE_FOLDER].map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for folder in &folders {
        match tempfile::tempfile_in(folder) {
            Ok(file) => return Ok(file),
            Err(error) => failed = error,
        }
    }
    let folders: Vec<_> = folders
        .iter()
        .map(|folder| folder.to_string_lossy())
        .collect();
    let folders = folders.join(", ");
    Err(io::Error::new(
        failed.kind(),
        format!("no temporary file in {folders}: {failed}"),
    ))
}
