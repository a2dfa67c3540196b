//! Stops what there is of a job's task and forgets the job. The one way in which a job ends, wherever it does.

pub(crate) mod orphan;
pub(crate) mod sweep;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::{Aws, AwsError};
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::state::record::{self, Found, Record, Records};
use crate::task::Task;
use crate::task::ownership::{group, started_by};

/// How long after its intent was recorded a RunTask call that nobody waited for may still bring a task, and
/// lists may not show it yet (AWS: eventual consistency).
const UNSETTLED: Duration = Duration::from_secs(15);

/// How old a task is at most that AWS says it does not know, and which may be there all the same (AWS: eventual
/// consistency). One that it does not know later is over.
const UNKNOWN: Duration = Duration::from_secs(60);

/// How long until a task is tried again that AWS does not know yet.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(2);

/// How long stopping is tried while AWS neither does nor refuses it.
const STOP_BUDGET: Duration = Duration::from_secs(60);

/// Longest reason that StopTask takes (AWS: StopTask).
const REASON_LIMIT: usize = 255;

/// What retiring a job takes.
pub(crate) struct Teardown<'a> {
    /// Of the configuration's region.
    pub(crate) aws: &'a Aws,
    pub(crate) records: &'a Records,
    /// This manager's name.
    pub(crate) manager: &'a str,
    /// Where to look for the task of a job whose record cannot be read.
    pub(crate) cluster: &'a str,
}

/// Leaves word that the end of the attempt has begun that was `found`; what there is of it now. Without the word it is ended
/// all the same, now.
pub(crate) fn begin(records: &Records, job: &Job, found: Found) -> Found {
    records.end(job, &found).unwrap_or_else(|error| {
        tracing::debug!("{error}");
        found
    })
}

impl Teardown<'_> {
    /// Stops the tasks of the attempt at `job` that was `found` and removes its record; returns the ARNs of what was
    /// stopped. The record stays when a task could not be stopped, so that a later call can. Another attempt that begins
    /// meanwhile, when this is a sweep's, is left alone.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, or when the record cannot be removed.
    pub(crate) async fn retire(&self, job: &Job, found: Found, why: &str) -> Result<Vec<String>> {
        let reason = reason(job, why);
        let found = begin(self.records, job, found);
        let stopped = match &found {
            Found::Nothing => return Ok(Vec::new()),
            Found::Record(record) => self.retire_recorded(record, &found, &reason).await,
            Found::Damaged(what) => {
                tracing::warn!("the record of job {} is damaged: {what}", job.id);
                let (aws, cluster) = (self.aws, self.cluster);
                self.search(aws, cluster, job, &found, Duration::ZERO, &reason)
                    .await
            }
        };
        let stopped = stopped
            .map_err(|refusal| Error::from(refusal).context("could not stop the job's task"))?;
        self.records.remove(job, &found)?;
        Ok(stopped)
    }

    /// Stops the task of the attempt where it was asked for: the configuration may name another cluster and region by now.
    async fn retire_recorded(
        &self,
        record: &Record,
        found: &Found,
        reason: &str,
    ) -> Result<Vec<String>, AwsError> {
        let (aws, cluster) = (self.aws.in_region(&record.region), &record.cluster);
        match (&record.task, &record.call) {
            (Some(task), _) => {
                stop(&aws, cluster, task, record.age(), reason).await?;
                Ok(vec![task.clone()])
            }
            (None, Some(_)) => {
                let settled = unsettled(record);
                self.search(&aws, cluster, &record.job, found, settled, reason)
                    .await
            }
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Finds the tasks of the attempt among the manager's, looking again until `settled` has passed, and stops them.
    async fn search(
        &self,
        aws: &Aws,
        cluster: &str,
        job: &Job,
        found: &Found,
        settled: Duration,
        reason: &str,
    ) -> Result<Vec<String>, AwsError> {
        let (started_by, group) = (started_by(self.manager), group(job));
        let is_jobs =
            |task: &Task| task.group.as_deref() == Some(group.as_str()) && !task.is_ending();
        let settled_at = Instant::now() + settled;
        let mut stopped = Vec::new();
        loop {
            let tasks = persist(async || aws.tasks_of(cluster, &started_by).await).await?;
            // Listed first: whatever another attempt started had its record before.
            if !self.records.is_still(job, found) {
                return Ok(stopped);
            }
            for task in tasks.into_iter().filter(is_jobs) {
                stop(aws, cluster, &task.arn, age(&task), reason).await?;
                stopped.push(task.arn);
            }
            if !stopped.is_empty() || Instant::now() >= settled_at {
                return Ok(stopped);
            }
            sleep(Duration::from_secs(2).min(settled_at - Instant::now())).await;
        }
    }

    /// Stops a task that no record names; `job` is whose it was, for people.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn stop_unrecorded(&self, task: &Task, why: &str) -> Result<()> {
        let reason = cut(format!("fargate: {why}"));
        stop(self.aws, self.cluster, &task.arn, age(task), &reason).await?;
        Ok(())
    }
}

/// How much longer a recorded intent may bring a task.
fn unsettled(record: &Record) -> Duration {
    UNSETTLED.saturating_sub(record.age())
}

/// How long ago AWS made the task.
fn age(task: &Task) -> Duration {
    let now = record::now();
    now.saturating_sub(task.created_at.map_or(now, Duration::from_secs))
}

/// Stops a task of this age. One that AWS does not know is stopped already, unless it is too young for AWS to know it.
async fn stop(
    aws: &Aws,
    cluster: &str,
    task: &str,
    age: Duration,
    reason: &str,
) -> Result<(), AwsError> {
    let known_at = Instant::now() + UNKNOWN.saturating_sub(age);
    loop {
        match persist(async || aws.stop_task(cluster, task, reason).await).await {
            Err(refusal) if refusal.is_not_found() => {
                let left = known_at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(());
                }
                tracing::debug!("{refusal}; trying again");
                sleep(UNKNOWN_PAUSE.min(left)).await;
            }
            answer => return answer,
        }
    }
}

/// Repeats a call within the budget while AWS neither does nor refuses it.
async fn persist<T>(call: impl AsyncFn() -> Result<T, AwsError>) -> Result<T, AwsError> {
    let give_up_at = Instant::now() + STOP_BUDGET;
    let mut pause = Duration::from_secs(1);
    loop {
        match call().await {
            Err(refusal) if refusal.may_pass() && Instant::now() + pause < give_up_at => {
                tracing::debug!("{refusal}; trying again");
                sleep(pause.mul_f64(rand::random_range(0.75..1.25))).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
}

/// What the task's `stoppedReason` will say.
fn reason(job: &Job, why: &str) -> String {
    cut(format!("fargate: {}: {why}", job.title()))
}

fn cut(reason: String) -> String {
    reason.chars().take(REASON_LIMIT).collect()
}
