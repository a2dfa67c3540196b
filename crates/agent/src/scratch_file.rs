//! Files without a name, for data that does not fit into memory.
//!
//! A job's image may be nothing but a shell: it may lack `/tmp`, its user may be unable to write there, and its
//! `TMPDIR` may be meant for another machine. The folders that the containers of a task share always exist.

use std::env;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use fargate_wire::{BUILDS_FOLDER, CACHE_FOLDER};

/// Creates a file in the first folder that accepts one.
pub(crate) fn create() -> io::Result<File> {
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
