//! The records of one manager, `[TaskMetadata] Directory`: reading them.

mod notes;
pub(crate) mod stages;
pub(crate) mod stops;
#[cfg(test)]
mod tests;
mod tidy;
mod write;

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file_names;
use super::files;
use super::format;
use super::ledger::Ledger;
use super::record::Record;
use crate::error::{Error, Result, json_fault};
use crate::gitlab::Job;

/// The content of a job's record file.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// The record.
    Record(Box<Record>),
    /// Something that is no record of this job, and why.
    Damaged(String),
}

impl Found {
    /// Whether both are of the same attempt at the job.
    fn is_same_attempt(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Record(one), Self::Record(other)) => one.is_same_attempt(other),
            (Self::Damaged(_), Self::Damaged(_)) | (Self::Nothing, Self::Nothing) => true,
            _ => false,
        }
    }
}

/// A record among all of them.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its file.
    pub(crate) file: PathBuf,
    /// Its content, or why it cannot be used.
    pub(crate) record: Result<Box<Record>, String>,
}

/// The records of one manager.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    directory: PathBuf,
    ledger: Ledger,
}

impl Records {
    /// The records in `directory`, which need not exist yet. Its ledger remembers finished attempts for so many months.
    ///
    /// # Errors
    ///
    /// When a newer driver has used the folder.
    pub(crate) fn open(directory: &Path, ledger_months: u32) -> Result<Self> {
        format::check(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            ledger: Ledger::of(directory, ledger_months),
        })
    }

    /// Where they are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The record of `job`.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub(crate) fn find(&self, job: &Job) -> Result<Found> {
        let file = self.file(job);
        let content = match files::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => {
                return Err(Error::system(format!(
                    "could not read the job's record {}: {error}",
                    file.display()
                ))
                .advise("The user that GitLab Runner runs as must be able to read it."));
            }
            Ok(content) => content,
        };
        Ok(match Record::parse(&content) {
            // The short token in the file's name is the job's to set, its ids are not.
            Ok(record) if record.job.id == job.id && record.job.project_id == job.project_id => {
                Found::Record(Box::new(record))
            }
            Ok(record) => Found::Damaged(format!(
                "it belongs to job {} of project {}",
                record.job.id, record.job.project_id
            )),
            Err(error) => Found::Damaged(json_fault(&error)),
        })
    }

    /// All records. One that is removed meanwhile is left out.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read; one that does not exist has no records.
    pub(crate) fn all(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for file in self.paths_in(&self.directory)? {
            if name(&file).and_then(file_names::recorded_job).is_none() {
                continue;
            }
            let content = match files::read(&file) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                content => content,
            };
            let record = content
                .map_err(|error| error.to_string())
                .and_then(|content| Record::parse(&content).map_err(|error| json_fault(&error)));
            let record = record.and_then(|record| {
                if self.file(&record.job) == file {
                    Ok(Box::new(record))
                } else {
                    Err(format!("it belongs to job {}", record.job.id))
                }
            });
            entries.push(Entry { file, record });
        }
        Ok(entries)
    }

    /// A warning for an operator whose folder is open to others. Who can write there decides where jobs' scripts go,
    /// and who can read it can lock its files.
    pub(crate) fn warning(&self) -> Option<String> {
        const OTHERS: u32 = 0o077;
        let mode = std::fs::metadata(&self.directory)
            .ok()?
            .permissions()
            .mode();
        let folder = self.directory.display();
        (mode & OTHERS != 0).then(|| {
            format!(
                "others than its owner have rights to {folder} ([TaskMetadata] Directory, mode {:04o}); run chmod 700 {folder}",
                mode & 0o7777
            )
        })
    }

    /// The files in the folder, and how long ago each was written.
    fn files(&self) -> Result<Vec<(PathBuf, Duration)>> {
        self.files_in(&self.directory)
    }

    /// The files in a folder of ours, and how long ago each was written; none where there is no folder.
    pub(super) fn files_in(&self, folder: &Path) -> Result<Vec<(PathBuf, Duration)>> {
        let mut files = Vec::new();
        for path in self.paths_in(folder)? {
            match files::again(|| std::fs::symlink_metadata(&path)?.modified()) {
                // A time in the future is that of a clock that was set back.
                Ok(written) => files.push((path, written.elapsed().unwrap_or_default())),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(folder, &error)),
            }
        }
        Ok(files)
    }

    /// The paths of the files in a folder of ours; none where there is no folder.
    pub(super) fn paths_in(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let listing = match files::again(|| std::fs::read_dir(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(|error| unreadable(folder, &error))?,
        };
        listing
            .map(|entry| Ok(entry.map_err(|error| unreadable(folder, &error))?.path()))
            .collect()
    }

    fn file(&self, job: &Job) -> PathBuf {
        self.directory
            .join(format!("{}{}", job.record_name(), file_names::RECORD))
    }
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Error {
    Error::system(format!("could not read {}: {error}", folder.display())).advise(
        "The user that GitLab Runner runs as must be able to read it ([TaskMetadata] Directory).",
    )
}

/// The name of a file in the folder.
fn name(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()
}
