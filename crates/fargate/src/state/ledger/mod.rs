//! The ledger: a line for each attempt at a job that is over, in a file for each month.
//!
//! The process that ends an attempt appends its line under the folder's lock, and only then removes the record. Killed
//! in between, it leaves both, and the next one appends the line again: readers take the first line of each attempt,
//! and from later ones only tasks that it lacks.
//! A line that was cut short stays, without its end; the next one starts on a line of its own.

mod blocks;
mod entry;
mod months;
mod one_month;
mod read;
mod recent;
mod script;
mod seen;
mod task_entry;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(crate) use self::entry::{Entry, Kind};
use self::months::oldest;
pub(crate) use self::months::{Month, months, rfc3339};
pub(crate) use self::one_month::read_month;
pub(crate) use self::read::Reader;
pub(crate) use self::recent::{recent_start_times, recent_starts};
pub(crate) use self::script::ScriptEntry;
pub(crate) use self::task_entry::{StoppedTask, TaskEntry};
use super::clock::now_millis;
use super::files::{self, discard};

/// Its folder in the folder of the records.
const FOLDER: &str = "ledger";

/// The ledger of one metadata folder.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    folder: PathBuf,
    /// How many months it remembers, the present one among them; none at all with 0.
    months: u32,
}

impl Ledger {
    /// The ledger in the folder of the records.
    pub(crate) fn of(directory: &Path, months: u32) -> Self {
        Self {
            folder: folder(directory),
            months,
        }
    }

    /// Appends an entry. The caller holds the folder's lock. A ledger that cannot be written, on a full disk say, does
    /// not keep a task or a record: the entry is lost then, with a warning.
    pub(super) fn append(&self, entry: &Entry) {
        if self.months == 0 {
            return;
        }
        let Month { file, .. } = Month::of(now_millis(), &self.folder);
        let written = files::make_folder(&self.folder).and_then(|()| append(&file, entry));
        if let Err(error) = written {
            tracing::warn!("could not write to the ledger {}: {error}", file.display());
        }
    }

    /// Removes months that are too old, by their files' exact names.
    pub(super) fn tidy(&self) {
        let Some(oldest) = oldest(now_millis(), self.months) else {
            return;
        };
        for month in months(&self.folder) {
            if month.name < oldest {
                discard(&month.file);
            }
        }
    }
}

/// The ledger's folder in the folder of the records.
pub(crate) fn folder(directory: &Path) -> PathBuf {
    directory.join(FOLDER)
}

/// Appends a line durably: the record that it replaces goes next.
fn append(path: &Path, entry: &Entry) -> Result<()> {
    let mut options = File::options();
    options.read(true).append(true).create(true).mode(0o600);
    let mut file = files::again(|| options.open(path))?;
    let mut line = serde_json::to_vec(entry)?;
    if !ends_whole(&mut file)? {
        line.insert(0, b'\n');
    }
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}

/// Whether a file is empty or ends with a whole line.
fn ends_whole(file: &mut File) -> Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
