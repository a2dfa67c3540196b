//! What sweeps in prepare have ended, for the manager's log.
//!
//! prepare's own lines go into a job's log. It leaves these in a file, and the next cleanup, whose lines go into GitLab
//! Runner's log, takes them.

use std::fs::OpenOptions;
use std::io::{Read, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::clock::now_millis;
use super::file_names::SWEEP_LOG;
use super::files::lock_folder;
use super::ledger::rfc3339;
use crate::text::plain;

/// Bytes of the file at most: a manager whose jobs all die without a cleanup must not fill its disk.
const LIMIT: u64 = 64 << 10;

/// The lines that wait for a cleanup.
#[derive(Debug)]
pub(crate) struct SweepLog {
    directory: PathBuf,
}

impl SweepLog {
    /// That of a metadata folder.
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// Leaves a line, with the time. A failure costs the line alone.
    pub(crate) fn leave(&self, line: &str) {
        let line = format!("{} sweep: {}\n", rfc3339(now_millis()), plain(line));
        if let Err(error) = self.append(&line) {
            tracing::debug!("could not leave word of a sweep: {error}");
        }
    }

    /// Takes all lines.
    pub(crate) fn take(&self) -> Vec<String> {
        let taken = self.drain().unwrap_or_else(|error| {
            tracing::debug!("could not read what sweeps have ended: {error}");
            String::new()
        });
        taken.lines().map(str::to_owned).collect()
    }

    fn append(&self, line: &str) -> Result<()> {
        let _lock = lock_folder(&self.directory)?;
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(self.file())?;
        if file.metadata()?.len() < LIMIT {
            file.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn drain(&self) -> Result<String> {
        let file = self.file();
        // Most cleanups find nothing, and wait for no lock.
        if std::fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
            return Ok(String::new());
        }
        let _lock = lock_folder(&self.directory)?;
        let file = OpenOptions::new().read(true).write(true).open(file)?;
        let mut bytes = Vec::new();
        (&file).take(2 * LIMIT).read_to_end(&mut bytes)?;
        file.set_len(0)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn file(&self) -> PathBuf {
        self.directory.join(SWEEP_LOG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = SweepLog::of(folder.path());
        assert_eq!(log.take(), [""; 0]);
        log.leave("ended job 1, task a: its time was over");
        log.leave("could not end job\n2");
        let lines = log.take();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("Z sweep: ended job 1, task a: its time was over"));
        assert!(lines[1].contains("could not end job"), "{lines:?}");
        assert_eq!(log.take(), [""; 0]);
    }

    #[test]
    fn the_file_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        let log = SweepLog::of(folder.path());
        for _ in 0..100 {
            log.leave(&"x".repeat(1000));
        }
        assert!(log.take().len() < 70);
    }
}
