//! Ends leftovers: jobs whose GitLab Runner is gone, and tasks of this manager that no record names.
//!
//! prepare does it now and then beside its waiting, `fargate reap` when a person wants it. Each step may be the last
//! one: the next sweep finds the rest.

mod job_check;
mod stops;
mod turn;
pub(crate) mod waiting;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rand::seq::SliceRandom;
use tokio::time::timeout;

pub(crate) use self::job_check::JobCheck;
use self::turn::SweepLock;
use crate::aws::Aws;
use crate::config::Fargate;
use crate::error::{Error, Result};
use crate::state::clock::{now, now_millis};
use crate::state::ending::Ending;
use crate::state::identity::Identity;
use crate::state::liveness::RunnerProcess;
use crate::state::record::Record;
use crate::state::records::stops::NotedStop;
use crate::state::records::{Entry, Found, Records};
use crate::state::sweep_log::SweepLog;
use crate::state::warm::WarmTasks;
use crate::task::ownership::started_by;
use crate::task::{self, Task};
use crate::teardown::Teardown;
use crate::teardown::orphan::{Absence, OrphanCheck, Verdict};

/// How many jobs and tasks are ended at once. One that AWS does not answer for must not keep the others waiting.
const AT_ONCE: usize = 8;

/// Bound of one ending: that of a call that stops a task, and of a task that AWS does not know yet.
const BOUND: Duration = Duration::from_secs(2 * 60);

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
    /// How many tasks of failed jobs stay that are kept.
    pub(crate) most_kept: usize,
    /// Whether things are only looked at.
    pub(crate) dry_run: bool,
    /// Where it leaves word of what it ended, if nobody reads its findings.
    pub(crate) log: Option<&'a SweepLog>,
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
    /// Ends orphaned jobs and tasks. Each finding holds its own failure, and the sweep goes on with the others. prepare
    /// may cut a sweep short, so the order is another one each time.
    ///
    /// # Errors
    ///
    /// When the records cannot be read, or AWS does not list the manager's tasks.
    pub(crate) async fn run(&self) -> Result<Vec<Finding>> {
        let begun = now_millis();
        let mut entries = self.records.all()?;
        let known: Vec<Record> = whole(&entries).cloned().collect();
        let check = JobCheck::new(self.records, &known, self.most_kept);
        entries.shuffle(&mut rand::rng());
        let jobs = stream::iter(entries)
            .map(|entry| self.job(entry, &check))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let noted = self.records.noted_stops()?;
        let tasks = self.tasks(&known, begun, &noted);
        let (mut findings, tasks, waiting, stops) =
            tokio::join!(jobs, tasks, self.waiting(), self.stops(noted.clone()));
        findings.sort_by(|one, other| one.what.cmp(&other.what));
        findings.extend(stops);
        findings.extend(tasks?);
        findings.extend(waiting?);
        if !self.dry_run {
            self.records.tidy()?;
        }
        Ok(findings)
    }

    /// Ends orphaned tasks, but for those whose stop is `noted`. The jobs of `known` records, read when this sweep had
    /// `begun`, may end meanwhile.
    async fn tasks(
        &self,
        known: &[Record],
        begun: u64,
        noted: &[NotedStop],
    ) -> Result<Vec<Finding>> {
        let mut judged = self.unrecorded(known).await?;
        judged.retain(|(task, _)| noted.iter().all(|stop| stop.task != task.arn));
        // A task that is younger may have had a record that came and went meanwhile: it is ended and in the ledger.
        judged.retain(|(task, _)| task.times.created.is_none_or(|at| at <= begun));
        let findings = stream::iter(judged)
            .map(|(task, verdict)| self.task(task, verdict))
            .buffer_unordered(AT_ONCE);
        Ok(findings.collect().await)
    }

    /// The tasks of this manager that no record names, neither a `known` one nor one of now, and what becomes of each.
    /// Changes nothing.
    ///
    /// # Errors
    ///
    /// When the records cannot be read, or AWS does not list the manager's tasks.
    pub(crate) async fn unrecorded(&self, known: &[Record]) -> Result<Vec<(Task, Verdict)>> {
        // Listed first, and the records read after: each task had its record before.
        let listed = self.listed().await?;
        let snapshot = WarmTasks::of(self.records).snapshot()?;
        let records: Vec<&Record> = known.iter().chain(whole(&snapshot.records)).collect();
        let check = OrphanCheck {
            records: &records,
            waiting: &snapshot.tasks,
            folder: &self.identity.folder,
            now: now().as_secs(),
            patience: self.patience,
        };
        let judged = listed.into_iter().filter_map(|(owner, task)| {
            let verdict = check.verdict(&task, owner)?;
            Some((task, verdict))
        });
        Ok(judged.collect())
    }

    /// Carries out the verdict on a task that no record names.
    async fn task(&self, task: Task, verdict: Verdict) -> Finding {
        let what = format!("task {}", task.id());
        let finding = self.carry_out(what, verdict, async |why| {
            if self.is_named_by_now(&task)? {
                return Ok(Vec::new());
            }
            let stopped = self.teardown().stop_unrecorded(&task, why).await;
            stopped.map(|()| vec![task.arn.clone()])
        });
        finding.await
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

    /// Judges the job of a record, and ends an orphan, or a kept task beyond those that stay.
    async fn job(&self, entry: Entry, check: &JobCheck<'_>) -> Finding {
        let record = match entry.record {
            Ok(record) => record,
            Err(damage) => return damaged(&entry.file, &damage),
        };
        let (verdict, absence) = check.verdict(&record);
        self.note(&record, absence);
        if matches!(verdict, Verdict::Keep(_)) && !self.dry_run {
            self.settle(&record).await;
        }
        let finding = self.carry_out(record.job.title(), verdict, async |why| {
            // A new attempt of the job may have begun since.
            match self.records.find(&record.job)? {
                Found::Record(now) if now.is_same_attempt(&record) => {
                    let found = Found::Record(now);
                    self.teardown()
                        .end(&record.job, found, &Ending::Abandoned(why))
                        .await
                }
                _ => Ok(Vec::new()),
            }
        });
        finding.await
    }

    /// Stops the tasks that a job which goes on has left behind, and gives its own the tags that it lacks.
    async fn settle(&self, record: &Record) {
        self.teardown().add_missing_tags(record).await;
        match timeout(BOUND, self.teardown().settle(record)).await {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => tracing::debug!("sweep: {refusal}"),
            Err(_) => tracing::debug!("sweep: AWS gave no answer in {} s", BOUND.as_secs()),
        }
    }

    /// Notes for the next sweep whether the job's folder is missing, where this one has looked.
    fn note(&self, record: &Record, absence: Option<Absence>) {
        if let Some(Absence { since, .. }) = absence
            && since != record.missing_since
            && !self.dry_run
            && let Err(error) = self.records.note_missing(record, since)
        {
            tracing::debug!("{error}");
        }
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
                let unanswered =
                    || Error::system(format!("AWS gave no answer in {} s", BOUND.as_secs()));
                let ended = timeout(BOUND, end(&why)).await;
                let ended = ended.unwrap_or_else(|_| Err(unanswered()));
                let done = ended.map_or_else(Done::Failed, Done::Ended);
                (why, done)
            }
        };
        let finding = Finding { what, why, done };
        tracing::debug!("sweep: {finding}");
        if let (Some(log), Done::Ended(_) | Done::Failed(_)) = (self.log, &finding.done) {
            log.leave(&finding.to_string());
        }
        finding
    }

    fn teardown(&self) -> Teardown<'_> {
        Teardown {
            aws: self.aws,
            records: self.records,
            identity: self.identity,
            cluster: &self.fargate.cluster,
            patience: super::PATIENCE,
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

/// The records that can be read.
fn whole(entries: &[Entry]) -> impl Iterator<Item = &Record> {
    entries
        .iter()
        .filter_map(|entry| entry.record.as_deref().ok())
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
pub(crate) async fn now_and_then(
    sweep: &Sweep<'_>,
    directory: &Path,
    runner: Option<&RunnerProcess>,
) {
    let Some(turn) = SweepLock::take(directory, runner) else {
        return;
    };
    if let Err(error) = sweep.run().await {
        tracing::debug!("sweep: {error}");
    }
    turn.note();
}
