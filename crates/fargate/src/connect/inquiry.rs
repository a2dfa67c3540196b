//! Why a script ended that neither the job nor we wanted to end: what ECS says of its task, in a sentence.

use std::net::SocketAddr;
use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, HELPER_CONTAINER};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::look::aws_of;
use crate::connect::start_failure::{apart_from_ours, of_image};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::state::record::Record;
use crate::task::Task;

/// How often ECS is asked what became of a task whose connection was lost.
const INQUIRY_PAUSE: Duration = Duration::from_secs(2);

/// How long a task may seem to go on whose container is gone: ECS notices that after some ten seconds (AWS: DescribeTasks,
/// a sample from `executionStoppedAt` to `stoppingAt`).
const NOTICED: Duration = Duration::from_secs(25);

/// How long the exit codes and reasons of its containers may take once its end has begun.
const LAST_WORDS: Duration = Duration::from_secs(40);

/// How long a task may be unknown to AWS before it is believed.
const UNKNOWN: Duration = Duration::from_secs(8);

/// Bound of the attempt to see whether something still listens in the task.
const KNOCK: Duration = Duration::from_secs(1);

/// From when on a refusal of AWS's is taken for its last word: one call with its retries may take half a minute.
const INQUIRY_BUDGET: Duration = Duration::from_secs(20);

/// Bound of one look at the task of a script that was killed.
const INQUIRY: Duration = Duration::from_secs(10);

/// Statuses of a script whose process was killed by SIGKILL or SIGTERM, as a shell tells them.
pub(crate) const KILLED: i32 = 137;
pub(crate) const TERMINATED: i32 = 143;

/// What to do about memory that was used up.
const MORE_MEMORY: &str = "Give the job more: the variable FARGATE_MEMORY where the runner allows it, or the task definition's memory.";

/// The error for a script that something killed: the job's own doing, unless AWS is stopping the task, which kills
/// what runs in it.
pub(crate) async fn cut_down(
    context: &Context<'_>,
    record: &Record,
    status: i32,
    name: Option<&str>,
) -> Error {
    let look = async {
        let arn = record.task().unwrap_or_default();
        let aws = aws_of(context, record).await;
        let look = timeout(INQUIRY, aws.describe_task(&record.cluster, arn)).await;
        Ok(look.ok().and_then(Result::ok).flatten())
    };
    // A stop of ours kills scripts as well, and is told by others.
    let task = context.shutdown.or(look).await.ok().flatten();
    let by_us = |task: &Task| task.stop_code.as_deref() == Some("UserInitiated");
    if task.is_some_and(|task| task.is_ending() && !by_us(&task)) {
        return explain(Error::system("the script was killed"), context, record).await;
    }
    let killed = match name {
        Some(name) => format!("the script was killed by {name}"),
        None if status == KILLED => {
            "the script ended with status 137, which means that SIGKILL ended it".to_owned()
        }
        // It may as well have chosen this status.
        None => return Error::new(Blame::Script(status), ""),
    };
    let error = Error::new(Blame::Script(status), killed);
    match record.memory() {
        Some(memory) if status == KILLED => error.advise(format!(
            "If it ran out of memory: the task has {}. {MORE_MEMORY}",
            gigabytes(memory)
        )),
        _ => error,
    }
}

/// Adds what ECS says of the task.
pub(crate) async fn explain(error: Error, context: &Context<'_>, record: &Record) -> Error {
    match context.shutdown.or(inquire(context, record)).await {
        Ok(outcome) => outcome.explain(error, record),
        Err(stopped) if matches!(stopped.blame(), Blame::Stopped(_)) => error,
        Err(refusal) => {
            tracing::warn!("could not ask AWS about the task: {refusal}");
            error
        }
    }
}

/// What became of a task whose connection was lost.
enum TaskOutcome {
    Ended(Box<Task>),
    /// It still is in this status.
    StillRuns(String),
    Unknown,
}

impl TaskOutcome {
    /// `error`, which says how the script ended, with what became of its task.
    fn explain(self, error: Error, record: &Record) -> Error {
        match self {
            Self::Ended(task) => of_task(error, &task, record),
            Self::StillRuns(status) => Error::system(format!("{error}; the task is still {status}"))
                .advise(
                    "Check the network between the manager and the task, and what the script does to the SSH server.",
                ),
            Self::Unknown => Error::system(format!("{error}; AWS no longer knows the task"))
                .advise("Run the job again."),
        }
    }
}

/// `error`, which says what the end of `task` did to a script, with why it ended.
pub(crate) fn of_task(error: Error, task: &Task, record: &Record) -> Error {
    if let Some(failure) = of_image(task, record) {
        return failure;
    }
    let task = apart_from_ours(task);
    let death = task.death();
    if task
        .out_of_memory(&[COORDINATOR_CONTAINER, HELPER_CONTAINER])
        .is_some()
    {
        let memory = task.memory.or(record.memory());
        let had = memory.map_or_else(String::new, |memory| format!(" of {}", gigabytes(memory)));
        let message = format!(
            "the job used up its task's memory{had}, and AWS killed it ({})",
            death.cause
        );
        return Error::new(Blame::Script(KILLED), message).advise(MORE_MEMORY);
    }
    let message = match task.stop_code.as_deref() {
        Some("SpotInterruption") => format!(
            "AWS took back the Spot capacity that the job ran on, so its script ended ({})",
            death.cause
        ),
        Some("TerminationNotice") => format!(
            "AWS retired the host that the job ran on, so its script ended ({})",
            death.cause
        ),
        _ => format!("{error}; AWS stopped the task: {}", death.cause),
    };
    Error::system(message).advise(death.advice.unwrap_or("Run the job again."))
}

/// Asks what became of the task, until that is clear.
async fn inquire(context: &Context<'_>, record: &Record) -> Result<TaskOutcome> {
    let Some(arn) = record.task() else {
        return Ok(TaskOutcome::Unknown);
    };
    let aws = aws_of(context, record).await;
    let begun = Instant::now();
    let mut listened = false;
    loop {
        let waited = begun.elapsed();
        match aws.describe_task(&record.cluster, arn).await {
            Ok(Some(task)) if task.is_over() => return Ok(TaskOutcome::Ended(Box::new(task))),
            Ok(Some(task)) if task.is_ending() => {
                if has_spoken(&task) || waited > LAST_WORDS {
                    return Ok(TaskOutcome::Ended(Box::new(task)));
                }
            }
            Ok(Some(task)) => {
                // Twice: it may be about to end.
                let listens = listens(record).await;
                if waited > NOTICED || listens && listened {
                    return Ok(TaskOutcome::StillRuns(task.last_status));
                }
                listened = listens;
            }
            Ok(None) if waited > UNKNOWN => return Ok(TaskOutcome::Unknown),
            Ok(None) => {}
            Err(refusal) if !refusal.may_pass() || waited > INQUIRY_BUDGET => {
                return Err(refusal.into());
            }
            Err(refusal) => tracing::debug!("{refusal}; asking again"),
        }
        sleep(INQUIRY_PAUSE).await;
    }
}

/// Whether AWS says how the container ended that takes scripts.
fn has_spoken(task: &Task) -> bool {
    [COORDINATOR_CONTAINER, HELPER_CONTAINER]
        .iter()
        .filter_map(|name| task.container(name))
        .any(|container| container.exit_code.is_some() || container.reason.is_some())
}

/// Whether something still listens where the task took scripts: then its container is there, and the way to it works.
async fn listens(record: &Record) -> bool {
    let Some(login) = &record.login else {
        return false;
    };
    let connecting = TcpStream::connect(SocketAddr::new(login.address, login.port));
    matches!(timeout(KNOCK, connecting).await, Ok(Ok(_)))
}

fn gigabytes(memory: u32) -> String {
    format!("{} GB", f64::from(memory) / 1024.0)
}
