//! Ends the jobs that nobody will end any more: those whose GitLab Runner is gone, and tasks of this manager that no
//! record answers for.
//!
//! prepare does it now and then beside its waiting, `fargate reap` when a person wants it. Each step may be the last
//! one: whatever is left, the next sweep finds.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::aws::Aws;
use crate::config::Fargate;
use crate::error::{Error, Result};
use crate::state::liveness::{Liveness, RunnerProcess};
use crate::state::record::{self, Entry, Found, Record, Records};
use crate::task;
use crate::task::ownership::started_by;
use crate::teardown::Teardown;
use crate::teardown::orphan::{self, Verdict};

/// How often the jobs of a manager do it at most.
const INTERVAL: Duration = Duration::from_secs(3 * 60);

/// How old a task has to be that no record names.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How old a file among the records has to be that is no record, until it is removed.
const DAMAGED_AGE: Duration = Duration::from_secs(3600);

/// What a sweep works with.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) records: &'a Records,
    pub(crate) fargate: &'a Fargate,
    /// This manager's name.
    pub(crate) manager: &'a str,
    /// How old a task has to be that no record names.
    pub(crate) patience: Duration,
    /// Whether things are only looked at.
    pub(crate) dry_run: bool,
}

/// Something that was looked at, and what became of it.
#[derive(Debug)]
pub(crate) struct Finding {
    /// A job or a task, as people call it.
    pub(crate) what: String,
    /// Why that became of it.
    pub(crate) why: String,
    pub(crate) done: Done,
}

/// What became of a finding.
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
    /// Ends what is to be ended. What fails stands in its finding, and keeps nothing else from being ended.
    ///
    /// # Errors
    ///
    /// When the records cannot be read, or AWS does not list the manager's tasks.
    pub(crate) async fn run(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for entry in self.records.all()? {
            findings.extend(self.job(entry).await);
        }
        // Listed first, and the records read after: whatever was started had its record before.
        let listed = self
            .aws
            .tasks_of(&self.fargate.cluster, &started_by(self.manager))
            .await
            .map_err(|refusal| {
                Error::from(refusal).context("could not list this manager's tasks")
            })?;
        let entries = self.records.all()?;
        let records: Vec<&Record> = entries
            .iter()
            .filter_map(|entry| entry.record.as_deref().ok())
            .collect();
        for task in listed {
            let verdict = orphan::of_task(&task, &records, record::now().as_secs(), self.patience);
            let Some(verdict) = verdict else { continue };
            let what = format!("task {}", task.id());
            findings.push(
                self.carry_out(what, verdict, async |why| {
                    let stopped = self.retirement().stop_unrecorded(&task, why).await;
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

    /// What became of the job of a record; nothing when the file is none of ours.
    async fn job(&self, entry: Entry) -> Option<Finding> {
        let record = match entry.record {
            Ok(record) => record,
            Err(damage) => return self.damaged(&entry.file, entry.age, damage).await,
        };
        let fate = record
            .runner
            .as_ref()
            .map_or(Liveness::Unknown, RunnerProcess::liveness);
        let verdict = orphan::of_job(&record, fate, record::now().as_secs());
        let finding = self.carry_out(record.job.title(), verdict, async |why| {
            // A new attempt of the job may have begun since.
            match self.records.find(&record.job)? {
                Found::Record(now) if now == record => {
                    let found = Found::Record(now);
                    self.retirement().retire(&record.job, found, why).await
                }
                _ => Ok(Vec::new()),
            }
        });
        Some(finding.await)
    }

    /// What became of a file that is no record, though it has the name of one. Its task, if it has any, is found as
    /// one that no record names.
    async fn damaged(&self, file: &Path, age: Duration, damage: String) -> Option<Finding> {
        let name = file.file_stem()?.to_str()?;
        // GitLab's own driver has files with other names here.
        let (_, job) = name.rsplit_once('-')?;
        job.parse::<u64>().ok()?;
        let verdict = if age >= DAMAGED_AGE {
            Verdict::End(format!("it is damaged: {damage}"))
        } else {
            Verdict::Keep(format!(
                "it is damaged, but was written a while ago only: {damage}"
            ))
        };
        let what = format!("record {}", file.display());
        let finding = self.carry_out(what, verdict, async |_| {
            let removed = self.records.remove_older(file, DAMAGED_AGE);
            removed.map(|()| Vec::new())
        });
        Some(finding.await)
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

    fn retirement(&self) -> Teardown<'_> {
        Teardown {
            aws: self.aws,
            records: self.records,
            manager: self.manager,
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
