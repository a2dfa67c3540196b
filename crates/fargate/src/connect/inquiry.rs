//! The cause of a script's unexpected end: ECS's account of its task, in a sentence.

use std::net::SocketAddr;
use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, HELPER_CONTAINER};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::ended_server::of_ended_server;
use super::poll::aws_of;
use crate::connect::start_failure::of_image;
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::state::record::Record;
use crate::task::{Task, remedy};

/// Pause between two looks at a task whose connection was lost.
const INQUIRY_PAUSE: Duration = Duration::from_secs(2);

/// How long ECS may take to notice that a task's container is gone, some ten seconds as measured (AWS:
/// DescribeTasks, a sample from `executionStoppedAt` to `stoppingAt`).
const STOP_DETECTION: Duration = Duration::from_secs(25);

/// How long the containers' exit codes and reasons may take once the task's end has begun.
const EXIT_DETAILS: Duration = Duration::from_secs(40);

/// How long AWS may not know a task before the driver believes it.
const UNKNOWN: Duration = Duration::from_secs(8);

/// Bound of one attempt to connect to the task's SSH port.
const PROBE: Duration = Duration::from_secs(1);

/// After this time an error from AWS is final: one call with its retries may take half a minute.
const INQUIRY_BUDGET: Duration = Duration::from_secs(20);

/// Bound of one look at the task of a script that was killed.
const INQUIRY: Duration = Duration::from_secs(10);

/// Statuses of a script whose process was killed by SIGKILL or SIGTERM, as a shell reports them.
pub(crate) const KILLED: i32 = 137;
pub(crate) const TERMINATED: i32 = 143;

/// The error for a killed script. The job is to blame, unless AWS is stopping the task.
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
    // The driver's own stop kills scripts as well; its caller reports that.
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
        // The script may have chosen this status itself.
        None => return Error::new(Blame::Script(status), ""),
    };
    let error = Error::new(Blame::Script(status), killed);
    match record.memory() {
        Some(memory) if status == KILLED => error.advise(format!(
            "If it ran out of memory: the task has {}. {}",
            gigabytes(memory),
            remedy::more_memory(record.build.is_some())
        )),
        _ => error,
    }
}

/// Adds ECS's account of the task to `error`.
pub(crate) async fn explain(error: Error, context: &Context<'_>, record: &Record) -> Error {
    match context.shutdown.or(inquire(context, record)).await {
        Ok(outcome) => {
            if let TaskOutcome::Ended(_) = outcome {
                note_end_told(context, record);
            }
            outcome.explain(error, record)
        }
        Err(stopped) if matches!(stopped.blame(), Blame::Stopped(_)) => error,
        Err(refusal) => {
            tracing::warn!("could not ask AWS about the task: {refusal}");
            error
        }
    }
}

/// Notes that the job log tells why the task ended: later stages refer to it.
pub(super) fn note_end_told(context: &Context<'_>, record: &Record) {
    if let Err(error) = context.records.note_end_told(record) {
        tracing::debug!("later stages will explain the task's end again: {error}");
    }
}

/// The state of a task whose connection was lost.
enum TaskOutcome {
    Ended(Box<Task>),
    /// It still is in this status.
    StillRuns(String),
    Unknown,
}

impl TaskOutcome {
    /// Adds the task's state to `error`, which says how the script ended.
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

/// Adds the reason for the task's end to `error`, which says how the script ended.
pub(crate) fn of_task(error: Error, task: &Task, record: &Record) -> Error {
    if let Some(failure) = of_image(task, record) {
        return failure;
    }
    let build = record.build.as_ref();
    let stop = task.stop_reason(build, record.began);
    if task
        .out_of_memory(&[COORDINATOR_CONTAINER, HELPER_CONTAINER])
        .is_some()
    {
        let memory = task.memory.or(record.memory());
        let had = memory.map_or_else(String::new, |memory| format!(" of {}", gigabytes(memory)));
        let message = format!(
            "the job used up its task's memory{had}, and AWS killed it ({})",
            stop.cause
        );
        return Error::new(Blame::Script(KILLED), message)
            .advise(remedy::more_memory(build.is_some()));
    }
    if let Some(ended) = of_ended_server(task, build, &stop.cause) {
        return ended;
    }
    let message = match task.stop_code.as_deref() {
        Some("SpotInterruption") => format!(
            "AWS took back the Spot capacity that the job ran on, so its script ended ({})",
            stop.cause
        ),
        Some("TerminationNotice") => format!(
            "AWS retired the host that the job ran on, so its script ended ({})",
            stop.cause
        ),
        Some("InfrastructureHealth") => format!(
            "the machine of AWS's that the job ran on failed, so its script ended ({})",
            stop.cause
        ),
        // How the connection ended says nothing more.
        _ => {
            tracing::debug!("{error}");
            format!("AWS stopped the job's task: {}", stop.cause)
        }
    };
    let again = || "Run the job again.".to_owned();
    Error::system(message).advise(stop.advice.unwrap_or_else(again))
}

/// Asks AWS for the task's state until that is clear.
async fn inquire(context: &Context<'_>, record: &Record) -> Result<TaskOutcome> {
    let Some(arn) = record.task() else {
        return Ok(TaskOutcome::Unknown);
    };
    let aws = aws_of(context, record).await;
    let begun = Instant::now();
    let mut listened_before = false;
    loop {
        let waited = begun.elapsed();
        match aws.describe_task(&record.cluster, arn).await {
            Ok(Some(task)) if task.is_over() => return Ok(TaskOutcome::Ended(Box::new(task))),
            Ok(Some(task)) if task.is_ending() => {
                if shows_exit(&task) || waited > EXIT_DETAILS {
                    return Ok(TaskOutcome::Ended(Box::new(task)));
                }
            }
            Ok(Some(task)) => {
                // Twice: it may be about to end.
                let listens = listens(record).await;
                if waited > STOP_DETECTION || listens && listened_before {
                    return Ok(TaskOutcome::StillRuns(task.last_status));
                }
                listened_before = listens;
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

/// Whether AWS shows the exit code or reason of a container that takes scripts.
fn shows_exit(task: &Task) -> bool {
    [COORDINATOR_CONTAINER, HELPER_CONTAINER]
        .iter()
        .filter_map(|name| task.container(name))
        .any(|container| container.exit_code.is_some() || container.reason.is_some())
}

/// Whether the task's SSH port takes connections: then its container runs and the network works.
async fn listens(record: &Record) -> bool {
    let Some(login) = &record.login else {
        return false;
    };
    let connecting = TcpStream::connect(SocketAddr::new(login.address, login.port));
    matches!(timeout(PROBE, connecting).await, Ok(Ok(_)))
}

fn gigabytes(memory: u32) -> String {
    format!("{} GB", f64::from(memory) / 1024.0)
}
