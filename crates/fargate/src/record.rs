//! A job's record: the only state between the stages of a job.
//!
//! Written before anything is started, so that a crash at any instant leaves something that cleanup can stop
//! (DESIGN section 5). A file per job, 0600 because it holds the job's private key, replaced by rename so that
//! a reader sees an old or a new one and never half of one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::runner::Job;

/// What is known of a job's task. Fields appear as prepare goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose task it is.
    pub(crate) job: Job,
    /// The cluster the task was asked for in, which the configuration may no longer name.
    pub(crate) cluster: String,
    /// When prepare last recorded an intent, in seconds since 1970.
    pub(crate) intended_at: u64,
    /// The client token of a RunTask call that may be under way, or of which nobody knows how it ended.
    pub(crate) call: Option<String>,
    /// ARN of the task, once RunTask has answered.
    pub(crate) task: Option<String>,
    /// How the task is reached, once it takes scripts.
    pub(crate) login: Option<Login>,
    /// Where the job's own scripts run, when that is another container than the one of `login` (JobImage mode).
    #[serde(default)]
    pub(crate) build: Option<BuildSide>,
}

/// The container from the job's image, which has the address, the host key and the user of the other one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BuildSide {
    /// Port of its agent.
    pub(crate) port: u16,
    /// The image.
    pub(crate) image: String,
    /// Whether the job named it, rather than the operator.
    pub(crate) is_jobs: bool,
    /// What runs beside it.
    pub(crate) services: Vec<KnownService>,
    /// Seconds after which the task ends that no driver is connected to.
    pub(crate) idle_seconds: u64,
}

impl BuildSide {
    /// How long the task stays without a driver.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }
}

/// How a run logs in to the task.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What the stages after prepare must know of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownService {
    /// Name of its container.
    pub(crate) container: String,
    /// What people call it.
    pub(crate) label: String,
    /// Ports that it says it listens on.
    pub(crate) ports: Vec<u16>,
}

impl Record {
    /// The record of a `job` whose task is about to be asked for.
    pub(crate) fn new(job: &Job, cluster: &str) -> Self {
        Self {
            job: job.clone(),
            cluster: cluster.to_owned(),
            intended_at: now().as_secs(),
            call: None,
            task: None,
            login: None,
            build: None,
        }
    }

    /// Notes the intent to call RunTask with this token.
    pub(crate) fn intend(&mut self, client_token: String) {
        self.call = Some(client_token);
        self.intended_at = now().as_secs();
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

    /// What is known of `job`.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub(crate) fn find(&self, job: &Job) -> Result<Found> {
        let file = self.file(job);
        let mut content = Vec::new();
        match File::open(&file).and_then(|mut opened| opened.read_to_end(&mut content)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => {
                return Err(Error::system(format!(
                    "could not read the job's record {}: {error}",
                    file.display()
                ))
                .advise("The user that GitLab Runner runs as must be able to read it."));
            }
            Ok(_) => {}
        }
        Ok(match serde_json::from_slice::<Record>(&content) {
            // The short token in the file's name is the job's to set, its ids are not.
            Ok(record) if record.job.id == job.id && record.job.project_id == job.project_id => {
                Found::Record(Box::new(record))
            }
            Ok(record) => Found::Damaged(format!(
                "it belongs to job {} of project {}",
                record.job.id, record.job.project_id
            )),
            Err(error) => Found::Damaged(error.to_string()),
        })
    }

    /// Writes `record`, durably: when this returns, a crash of the machine leaves it there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let file = self.file(&record.job);
        self.replace(&file, record).map_err(|error| {
            Error::system(format!("could not write the job's record {}: {error}", file.display())).advise(format!(
                "The user that GitLab Runner runs as must be able to make and write {} ([TaskMetadata] Directory).",
                self.directory.display()
            ))
        })
    }

    fn replace(&self, file: &Path, record: &Record) -> std::io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        // One job is one process at a time, but for a prepare that its runner gave up on.
        let draft = file.with_extension(format!("tmp{}", std::process::id()));
        let write = || {
            let mut opened = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            serde_json::to_writer(&mut opened, record)?;
            opened.flush()?;
            opened.sync_all()?;
            std::fs::rename(&draft, file)?;
            File::open(&self.directory)?.sync_all()
        };
        write().inspect_err(|_| {
            if let Err(error) = std::fs::remove_file(&draft) {
                tracing::debug!("could not remove {}: {error}", draft.display());
            }
        })
    }

    /// Forgets `job`. Nothing to forget is fine.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be removed.
    pub(crate) fn remove(&self, job: &Job) -> Result<()> {
        let file = self.file(job);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::system(format!(
                "could not remove the job's record {}: {error}",
                file.display()
            ))),
            _ => Ok(()),
        }
    }

    /// This manager's own name, made at first use and kept in the folder: its tasks carry it, so that they can
    /// be listed and told from those of other managers in the same cluster.
    ///
    /// # Errors
    ///
    /// When it can neither be read nor made.
    pub(crate) fn manager(&self) -> Result<String> {
        let file = self.directory.join("manager");
        let refused = |error: std::io::Error| {
            Error::system(format!("could not read or make this manager's name {}: {error}", file.display())).advise(format!(
                "The user that GitLab Runner runs as must be able to make and write {} ([TaskMetadata] Directory).",
                self.directory.display()
            ))
        };
        let valid =
            |name: &str| name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        match std::fs::read_to_string(&file) {
            Ok(name) if valid(name.trim()) => return Ok(name.trim().to_owned()),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused(error)),
            _ => {}
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(refused)?;
        let name = crate::ssh::random_hex::<8>();
        let draft = self
            .directory
            .join(format!("manager.tmp{}", std::process::id()));
        let publish = || {
            let mut opened = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            opened.write_all(name.as_bytes())?;
            opened.sync_all()?;
            // A link, not a rename: of several first jobs at once one wins, and all read the same name after.
            let linked = std::fs::hard_link(&draft, &file);
            std::fs::remove_file(&draft)?;
            match linked {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
                _ => std::fs::read_to_string(&file),
            }
        };
        match publish() {
            Ok(name) if valid(name.trim()) => Ok(name.trim().to_owned()),
            Ok(_) => Err(refused(std::io::Error::other(
                "it is not 16 hexadecimal digits",
            ))),
            Err(error) => Err(refused(error)),
        }
    }

    fn file(&self, job: &Job) -> PathBuf {
        self.directory.join(format!("{}.json", job.record_name()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn job(id: u64) -> Job {
        Job {
            id,
            project_id: 3,
            pipeline_id: 4,
            project: "a/b".into(),
            name: "test".into(),
            runner: "t1_abc".into(),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::new(&folder.path().join("new/metadata"));
        let job = job(7);
        assert!(matches!(records.find(&job).unwrap(), Found::Nothing));
        let mut record = Record::new(&job, "ci");
        records.save(&record).unwrap();
        record.task = Some("arn".into());
        records.save(&record).unwrap();
        let Found::Record(read) = records.find(&job).unwrap() else {
            panic!("no record")
        };
        assert_eq!(read.task.as_deref(), Some("arn"));
        let file = records.file(&job);
        assert_eq!(file.file_name().unwrap(), "t1_abc-7.json");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            file.parent()
                .unwrap()
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        assert_eq!(
            std::fs::read_dir(&records.directory).unwrap().count(),
            1,
            "a draft was left"
        );
        records.remove(&job).unwrap();
        records.remove(&job).unwrap();
        assert!(matches!(records.find(&job).unwrap(), Found::Nothing));
    }

    #[test]
    fn what_is_no_record_of_the_job_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::new(folder.path());
        for content in ["", "{", "[]", "{\"job\": 1}"] {
            std::fs::write(records.file(&job(7)), content).unwrap();
            assert!(
                matches!(records.find(&job(7)).unwrap(), Found::Damaged(_)),
                "{content:?}"
            );
        }
        let mut other = Record::new(&job(7), "ci");
        other.job.project_id = 99;
        records.save(&other).unwrap();
        assert!(matches!(records.find(&job(7)).unwrap(), Found::Damaged(_)));
    }

    #[test]
    fn a_managers_name_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::new(&folder.path().join("metadata"));
        let name = records.manager().unwrap();
        assert_eq!(name.len(), 16);
        assert_eq!(records.manager().unwrap(), name);
        assert_ne!(
            Records::new(&folder.path().join("other"))
                .manager()
                .unwrap(),
            name
        );
    }
}
