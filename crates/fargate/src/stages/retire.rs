//! Stops what there is of a job's task and forgets the job. The one way in which a job ends, wherever it does.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Context;
use super::start::{group, started_by};
use crate::ecs::{Aws, Refusal};
use crate::error::{Error, Result};
use crate::record::{Found, Record};
use crate::task::Task;

/// How long after its intent was recorded a RunTask call that nobody waited for may still bring a task, and
/// lists may not show it yet (AWS: eventual consistency).
const UNSETTLED: Duration = Duration::from_secs(15);

/// How long stopping is tried while AWS neither does nor refuses it.
const STOP_BUDGET: Duration = Duration::from_secs(60);

/// Longest reason that StopTask takes (AWS: StopTask).
const REASON_LIMIT: usize = 255;

/// What retiring a job takes.
pub(super) struct Retirement<'a> {
    pub(super) aws: &'a Aws,
    pub(super) context: &'a Context<'a>,
    pub(super) manager: &'a str,
}

/// Stops the tasks of the job and removes its record; returns the ARNs of what was stopped. The record stays
/// when a task could not be stopped, so that a later call can.
pub(super) async fn retire(
    retirement: &Retirement<'_>,
    found: Found,
    why: &str,
) -> Result<Vec<String>> {
    let Retirement { aws, context, .. } = retirement;
    let cluster = &context.config.fargate.cluster;
    let stopped = match found {
        Found::Nothing => return Ok(Vec::new()),
        Found::Record(record) => match (&record.task, &record.call) {
            (Some(task), _) => {
                let stopped = stop(aws, &record.cluster, task.clone(), &reason(context, why)).await;
                stopped.map(|task| vec![task])
            }
            (None, Some(_)) => search(retirement, &record.cluster, unsettled(&record), why).await,
            (None, None) => Ok(Vec::new()),
        },
        Found::Damaged(what) => {
            tracing::warn!("the record of job {} is damaged: {what}", context.job.id);
            search(retirement, cluster, Duration::ZERO, why).await
        }
    };
    let stopped =
        stopped.map_err(|refusal| Error::from(refusal).context("could not stop the job's task"))?;
    context.records.remove(&context.job)?;
    Ok(stopped)
}

/// How much longer a recorded intent may bring a task.
fn unsettled(record: &Record) -> Duration {
    UNSETTLED.saturating_sub(record.age())
}

/// Finds the job's tasks among the manager's, looking again until `settled` has passed, and stops them.
async fn search(
    retirement: &Retirement<'_>,
    cluster: &str,
    settled: Duration,
    why: &str,
) -> Result<Vec<String>, Refusal> {
    let Retirement {
        aws,
        context,
        manager,
    } = retirement;
    let (started_by, group) = (started_by(manager), group(&context.job));
    let is_ours = |task: &Task| task.group.as_deref() == Some(group.as_str()) && !task.is_ending();
    let settled_at = Instant::now() + settled;
    let mut stopped = Vec::new();
    loop {
        let tasks = persist(async || aws.tasks_of(cluster, &started_by).await).await?;
        for task in tasks.into_iter().filter(is_ours) {
            stopped.push(stop(aws, cluster, task.arn, &reason(context, why)).await?);
        }
        if !stopped.is_empty() || Instant::now() >= settled_at {
            return Ok(stopped);
        }
        sleep(Duration::from_secs(2).min(settled_at - Instant::now())).await;
    }
}

async fn stop(aws: &Aws, cluster: &str, task: String, reason: &str) -> Result<String, Refusal> {
    persist(async || aws.stop_task(cluster, &task, reason).await).await?;
    Ok(task)
}

/// Repeats a call within the budget while AWS neither does nor refuses it.
async fn persist<T>(call: impl AsyncFn() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let give_up_at = Instant::now() + STOP_BUDGET;
    let mut pause = Duration::from_secs(1);
    loop {
        match call().await {
            Err(refusal) if refusal.may_pass() && Instant::now() + pause < give_up_at => {
                tracing::debug!("{refusal}; trying again");
                sleep(pause).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
}

/// What the task's `stoppedReason` will say.
fn reason(context: &Context<'_>, why: &str) -> String {
    let reason = format!(
        "fargate: job {} of {}: {why}",
        context.job.id,
        project(context)
    );
    reason.chars().take(REASON_LIMIT).collect()
}

fn project(context: &Context<'_>) -> String {
    let job = &context.job;
    if job.project.is_empty() {
        format!("project {}", job.project_id)
    } else {
        job.project.clone()
    }
}
