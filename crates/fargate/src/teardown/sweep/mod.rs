//! Ends leftovers: jobs whose GitLab Runner is gone, and tasks of this manager that no record names.
//!
//! prepare does it now and then beside its waiting, `fargate reap` when a person wants it. Each step may be the last
//! one: the next sweep finds the rest.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::aws::Aws;
use crate::config::Fargate;
use crate::error::{Error, Result};
use crate::state::clock::now;
use crate::state::identity::Identity;
use crate::state::job_folder::{JobFolder, Presence};
use crate::state::liveness::{Liveness, RunnerProcess};
use crate::state::record::Record;
use crate::state::records::{Entry, Found, Records};
use crate::task::ownership::started_by;
use crate::task::{self, Task};
use crate::teardown::Teardown;
use crate::teardown::orphan::{self, Absence, OrphanCheck, Verdict};

/// How often the jobs of a manager do it at most.
const INTERVAL: Duration = Duration::from_secs(3 * 60);

/// How old a task has to be that no record names.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The parts that a sweep needs.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) records: &'a Records,
    pub(crate) fargate: &'a Fargate,
    pub(crate) identity: &'a Identity,
    /// How old a task has to be that no record names.
    pub(crate) patience: Duration,
    /// Whether things are only looked at.
    pub(crate) dry_run: bool,
}

/// A job or task that the sweep looked at, and the outcome.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The job or task in words.
    pub(crate) what: String,
    /// The reason for the outcome.
    pub(crate) why: String,
    pub(crate) done: Done,
}

/// The outcome of a finding.
#[derive(Debug)]
pub(crate) enum Done {
    /// It is left alone.
    Kept,
    /// It would have been ended.
    Spared,
    /// It was ended, with the tasks of these ARNs.
    Ended(Vec<String>),
    /// It could not be ended.
    Failed(Error),
}

impl Sweep<'_> {
    /// Ends orphaned jobs and tasks. Each finding holds its own failure, and the sweep goes on with the others.
    ///
    /// # Errors
    ///
    /// When the records cannot be read, or AWS does not list the manager's tasks.
    pub(crate) async fn run(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for entry in self.records.all()? {
            findings.push(self.job(entry).await);
        }
        // Listed first, and the records read after: each task had its record before.
        let listed = self.listed().await?;
        let entries = self.records.all()?;
        let records: Vec<&Record> = entries
            .iter()
            .filter_map(|entry| entry.record.as_deref().ok())
            .collect();
        let check = OrphanCheck {
            records: &records,
            folder: &self.identity.folder,
            now: now().as_secs(),
            patience: self.patience,
        };
        for (owner, task) in listed {
            let Some(verdict) = check.verdict(&task, owner) else {
                continue;
            };
            let what = format!("task {}", task.id());
            findings.push(
                self.carry_out(what, verdict, async |why| {
                    let stopped = self.teardown().stop_unrecorded(&task, why).await;
                    stopped.map(|()| vec![task.arn.clone()])
                })
                .await,
            );
        }
        if !self.dry_run {
            self.records.tidy()?;
        }
        Ok(findings)
    }

    /// The tasks of this manager, each with the name it was listed by: drivers of format 1 took the folder's id for
    /// one, and so does a manager that has no other.
    async fn listed(&self) -> Result<Vec<(&str, Task)>> {
        let Identity { name, folder } = self.identity;
        let mut owners = vec![name.as_str(), folder.as_str()];
        owners.dedup();
        let mut listed = Vec::new();
        for owner in owners {
            let tasks = self
                .aws
                .tasks_of(&self.fargate.cluster, &started_by(owner))
                .await
                .map_err(|refusal| {
                    Error::from(refusal).context("could not list this manager's tasks")
                })?;
            listed.extend(tasks.into_iter().map(|task| (owner, task)));
        }
        Ok(listed)
    }

    /// Judges the job of a record, and ends an orphan.
    async fn job(&self, entry: Entry) -> Finding {
        let record = match entry.record {
            Ok(record) => record,
            Err(damage) => return damaged(&entry.file, &damage),
        };
        let liveness = record
            .runner
            .as_ref()
            .map_or(Liveness::Unknown, RunnerProcess::liveness);
        let absence = match liveness {
            Liveness::Lives => self.absence(&record),
            _ => Absence::default(),
        };
        let verdict = orphan::of_job(&record, liveness, absence, now().as_secs());
        let finding = self.carry_out(record.job.title(), verdict, async |why| {
            // A new attempt of the job may have begun since.
            match self.records.find(&record.job)? {
                Found::Record(now) if now.is_same_attempt(&record) => {
                    let found = Found::Record(now);
                    self.teardown().end(&record.job, found, why).await
                }
                _ => Ok(Vec::new()),
            }
        });
        finding.await
    }

    /// Looks at the job's folder, and notes for the next sweep whether it is missing.
    fn absence(&self, record: &Record) -> Absence {
        let seen = record
            .job_folder
            .as_ref()
            .map_or(Presence::Unknown, JobFolder::presence);
        let may_run = self.records.may_run(&record.job);
        let absence = orphan::absence(record.missing_since, seen, may_run, now().as_secs());
        if absence.since != record.missing_since
            && !self.dry_run
            && let Err(error) = self.records.note_missing(record, absence.since)
        {
            tracing::debug!("{error}");
        }
        absence
    }

    async fn carry_out(
        &self,
        what: String,
        verdict: Verdict,
        end: impl AsyncFnOnce(&str) -> Result<Vec<String>>,
    ) -> Finding {
        let (why, done) = match verdict {
            Verdict::Keep(why) => (why, Done::Kept),
            Verdict::End(why) if self.dry_run => (why, Done::Spared),
            Verdict::End(why) => {
                let done = end(&why).await.map_or_else(Done::Failed, Done::Ended);
                (why, done)
            }
        };
        let finding = Finding { what, why, done };
        tracing::debug!("sweep: {finding}");
        finding
    }

    fn teardown(&self) -> Teardown<'_> {
        Teardown {
            aws: self.aws,
            records: self.records,
            identity: self.identity,
            cluster: &self.fargate.cluster,
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, why, done } = self;
        match done {
            Done::Kept => write!(f, "kept {what}: {why}"),
            Done::Spared => write!(f, "would end {what}: {why}"),
            Done::Ended(arns) if arns.is_empty() => {
                write!(f, "ended {what}, which had no task: {why}")
            }
            Done::Ended(arns) => {
                let ids: BTreeSet<_> = arns.iter().map(|arn| task::id(arn)).collect();
                let ids: Vec<_> = ids.into_iter().collect();
                write!(f, "ended {what}, task {}: {why}", ids.join(", "))
            }
            Done::Failed(error) => write!(f, "could not end {what} ({why}): {error}"),
        }
    }
}

/// A file with the name of a record that is none. It may be somebody else's, so it stays. Its task, if it has any, is
/// found as one that no record names.
fn damaged(file: &Path, damage: &str) -> Finding {
    let finding = Finding {
        what: format!("record {}", file.display()),
        why: format!("it is damaged: {damage}; remove it if it is not yours"),
        done: Done::Kept,
    };
    tracing::debug!("sweep: {finding}");
    finding
}

/// Sweeps, unless a job of this manager has done so lately or is about it. A failure is nobody's: the next one tries
/// again.
pub(crate) async fn now_and_then(sweep: &Sweep<'_>, directory: &Path) {
    let Some(turn) = SweepLock::take(directory) else {
        return;
    };
    match sweep.run().await {
        Ok(_) => turn.note(),
        Err(error) => {
            tracing::debug!("sweep: {error}");
            turn.note();
        }
    }
}

/// The right to sweep, until it is dropped.
struct SweepLock(File);

impl SweepLock {
    fn take(directory: &Path) -> Option<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(directory.join("sweep"))
            .ok()?;
        file.try_lock().ok()?;
        let swept = file.metadata().ok().filter(|file| file.len() > 0);
        let age = swept.and_then(|file| file.modified().ok()?.elapsed().ok());
        age.is_none_or(|age| age >= INTERVAL).then_some(Self(file))
    }

    /// Leaves word that it was done. A sweep that was cut short leaves none.
    fn note(&self) {
        let noted = self
            .0
            .set_len(1)
            .and_then(|()| self.0.set_modified(SystemTime::now()));
        if let Err(error) = noted {
            tracing::debug!("could not note the sweep: {error}");
        }
    }
}
