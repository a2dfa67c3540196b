//! A job's record: the only state between the stages of a job.
//!
//! Written before anything is started, so that a crash at any instant leaves something that cleanup can stop
//! (DESIGN section 5). A file per job, 0600 because it holds the job's private key, replaced by rename so that
//! a reader sees an old or a new one and never half of one.

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::config::Fargate;
use crate::error::{Error, Result, json_fault};
use crate::gitlab::{Job, is_kept};
use crate::ssh::random_hex;
use crate::state::identity;
use crate::state::liveness::RunnerProcess;
use crate::task::JobContainer;

/// Ending of a record's file, and the beginning of the ending that it has until it is complete.
const RECORD: &str = "json";
const DRAFT: &str = "tmp";

/// Ending of a file by which jobs take turns.
pub(crate) const LOCK: &str = "lock";

/// The attempt at a job that this process is, if it is one.
static ATTEMPT: LazyLock<String> = LazyLock::new(random_hex::<8>);

/// What is known of a job's task. Fields appear as prepare goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose task it is.
    pub(crate) job: Job,
    /// Which attempt at the job it is of: each prepare is another one. Empty in records that were written before it stood
    /// there.
    #[serde(default)]
    attempt: String,
    /// The cluster the task was asked for in, which the configuration may no longer name.
    pub(crate) cluster: String,
    /// The cluster's region; empty in records that were written before it stood there.
    #[serde(default)]
    pub(crate) region: String,
    /// The GitLab Runner that the job belongs to; nothing where that cannot be told.
    #[serde(default)]
    pub(crate) runner: Option<RunnerProcess>,
    /// When the job is over in any case, in seconds since 1970.
    #[serde(default)]
    pub(crate) over_at: Option<u64>,
    /// Whether its end has begun. No other cleanup comes then, so whoever finds it is to go on.
    #[serde(default)]
    pub(crate) ends: bool,
    /// When prepare last recorded an intent, in seconds since 1970.
    pub(crate) intended_at: u64,
    /// The client token of a RunTask call that may be under way, or of which nobody knows how it ended.
    pub(crate) call: Option<String>,
    /// ARN of the task, once RunTask has answered.
    pub(crate) task: Option<String>,
    /// The task's memory in MiB, where AWS says.
    #[serde(default)]
    pub(crate) memory: Option<u32>,
    /// How the task is reached, once it takes scripts.
    pub(crate) login: Option<Login>,
    /// Where the job's own scripts run, when that is another container than the one of `login` (JobImage mode).
    #[serde(default)]
    pub(crate) build: Option<JobContainer>,
    /// Whether a script of the job has reached that one.
    #[serde(default)]
    pub(crate) began: bool,
}

/// How a run logs in to the task.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Address of the task.
    pub(crate) address: IpAddr,
    /// Port of its SSH server.
    pub(crate) port: u16,
    /// User of the session.
    pub(crate) username: String,
    /// The server's key that prepare saw, in OpenSSH's form; every run requires it.
    pub(crate) host_key: String,
    /// The job's private key, in OpenSSH's form. Never leaves the manager.
    pub(crate) private_key: String,
}

impl Login {
    /// The login to another port of the same task.
    pub(crate) fn on_port(&self, port: u16) -> Self {
        Self {
            port,
            ..self.clone()
        }
    }
}

/// Without the key: what is debugged may be logged.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            username,
            address,
            port,
            host_key,
            ..
        } = self;
        write!(f, "{username}@{address} port {port}, {host_key}")
    }
}

impl Record {
    /// The record of a `job` of this GitLab Runner whose task is about to be asked for in this cluster, and which is over
    /// `within` this time.
    pub(crate) fn new(
        job: &Job,
        fargate: &Fargate,
        within: Duration,
        runner: Option<&RunnerProcess>,
    ) -> Self {
        Self {
            job: job.clone(),
            attempt: ATTEMPT.clone(),
            cluster: fargate.cluster.clone(),
            region: fargate.region.clone(),
            runner: runner.filter(|_| !is_kept()).cloned(),
            over_at: Some((now() + within).as_secs()),
            ends: false,
            intended_at: now().as_secs(),
            call: None,
            task: None,
            memory: None,
            login: None,
            build: None,
            began: false,
        }
    }

    /// Notes the intent to call RunTask with this token. A task that was there before is of no concern any more.
    pub(crate) fn intend(&mut self, client_token: &str) {
        self.call = Some(client_token.to_owned());
        self.task = None;
        self.intended_at = now().as_secs();
    }

    /// Whether it is of the attempt that this process is.
    pub(crate) fn is_ours(&self) -> bool {
        self.attempt == *ATTEMPT
    }

    /// How long ago prepare last recorded an intent.
    pub(crate) fn age(&self) -> Duration {
        now().saturating_sub(Duration::from_secs(self.intended_at))
    }
}

/// The time since 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A time in milliseconds, as files between processes have it.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What lies where a job's record should be.
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
            (Self::Record(one), Self::Record(other)) => one.attempt == other.attempt,
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
    /// How long ago it was written.
    pub(crate) age: Duration,
    /// What is in it.
    pub(crate) record: Result<Box<Record>, String>,
}

/// The records of one manager, `[TaskMetadata] Directory`.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    directory: PathBuf,
}

impl Records {
    /// Records below `directory`, which need not exist yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// Where they are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is known of `job`.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub(crate) fn find(&self, job: &Job) -> Result<Found> {
        let file = self.file(job);
        let content = match std::fs::read(&file) {
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
        Ok(match serde_json::from_slice::<Record>(&content) {
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

    /// All records there are. One that is removed meanwhile is left out.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read; one that is not there yet has no records.
    pub(crate) fn all(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (file, age) in self.files()? {
            if file.extension().is_none_or(|ending| ending != RECORD) {
                continue;
            }
            let content = match std::fs::read(&file) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                content => content,
            };
            let record = content
                .map_err(|error| error.to_string())
                .and_then(|content| {
                    serde_json::from_slice(&content).map_err(|error| json_fault(&error))
                });
            let record = record.and_then(|record: Box<Record>| {
                if self.file(&record.job) == file {
                    Ok(record)
                } else {
                    Err(format!("it belongs to job {}", record.job.id))
                }
            });
            entries.push(Entry { file, age, record });
        }
        Ok(entries)
    }

    /// What to tell an operator whose folder is open to others: what lies there is taken for jobs' records, and decides
    /// where their scripts go.
    pub(crate) fn warning(&self) -> Option<String> {
        const OTHERS_MAY_WRITE: u32 = 0o022;
        let mode = std::fs::metadata(&self.directory)
            .ok()?
            .permissions()
            .mode();
        let folder = self.directory.display();
        (mode & OTHERS_MAY_WRITE != 0).then(|| {
            format!(
                "others than its owner may write to {folder} ([TaskMetadata] Directory, mode {:04o}); run chmod 700 {folder}",
                mode & 0o7777
            )
        })
    }

    /// The files in the folder, and how long ago each was written.
    fn files(&self) -> Result<Vec<(PathBuf, Duration)>> {
        let refused = |error: std::io::Error| {
            Error::system(format!("could not read {}: {error}", self.directory.display()))
                .advise("The user that GitLab Runner runs as must be able to read it ([TaskMetadata] Directory).")
        };
        let listing = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(refused)?,
        };
        let mut files = Vec::new();
        for entry in listing {
            let entry = entry.map_err(refused)?;
            match entry.metadata().and_then(|metadata| metadata.modified()) {
                // A time in the future is that of a clock that was set back.
                Ok(written) => files.push((entry.path(), written.elapsed().unwrap_or_default())),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(files)
    }

    /// This manager's own name, which its tasks carry.
    ///
    /// # Errors
    ///
    /// When it can neither be read nor made.
    pub(crate) fn manager(&self) -> Result<String> {
        identity::name(&self.directory).map_err(|error| {
            let directory = self.directory.display();
            Error::system(format!("could not read or make this manager's name in {directory}: {error}")).advise(format!(
                "The user that GitLab Runner runs as must be able to make and write {directory} ([TaskMetadata] Directory)."
            ))
        })
    }

    fn file(&self, job: &Job) -> PathBuf {
        self.directory
            .join(format!("{}.{RECORD}", job.record_name()))
    }
}
