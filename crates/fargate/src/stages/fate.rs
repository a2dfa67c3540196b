//! Why a script ended that neither the job nor we wanted to end: what ECS says of its task, in a sentence.

use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, HELPER_CONTAINER};
use tokio::time::{Instant, sleep};

use super::Context;
use super::died::apart_from_ours;
use crate::ecs::Aws;
use crate::error::{Blame, Error, Result};
use crate::record::Record;
use crate::task::Task;

/// How long ECS is asked what became of a task whose connection was lost, and how often. The end of a task
/// shows there a moment after its connections are gone.
const INQUIRIES: u32 = 5;
const INQUIRY_PAUSE: Duration = Duration::from_secs(2);

/// From when on a refusal of AWS's is taken for its last word: one call with its retries may take half a minute.
const INQUIRY_BUDGET: Duration = Duration::from_secs(20);

/// Bound of one look at the task of a script that was killed.
const INQUIRY: Duration = Duration::from_secs(10);

/// Statuses of a script whose process was killed by SIGKILL or SIGTERM, as a shell tells them.
pub(super) const KILLED: i32 = 137;
pub(super) const TERMINATED: i32 = 143;

/// What to do about memory that was used up.
const MORE_MEMORY: &str = "Give the job more: the variable FARGATE_MEMORY where the runner allows it, or the task definition's memory.";

/// The error for a script that something killed: the job's own doing, unless AWS is stopping the task, which kills
/// what runs in it.
pub(super) async fn cut_down(
    context: &Context<'_>,
    record: &Record,
    status: i32,
    name: Option<&str>,
) -> Error {
    let look = async {
        let arn = record.task.as_deref().unwrap_or_default();
        let fargate = &context.config.fargate;
        let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
        let look = tokio::time::timeout(INQUIRY, aws.describe_task(&record.cluster, arn)).await;
        Ok(look.ok().and_then(Result::ok).flatten())
    };
    // A stop of ours kills scripts as well, and is told by others.
    let task = context.stop.or(look).await.ok().flatten();
    let by_us = |task: &Task| task.stop_code.as_deref() == Some("UserInitiated");
    if task.is_some_and(|task| task.is_ending() && !by_us(&task)) {
        return explain(Error::system("the script was killed"), context, record).await;
    }
    let killed = match name {
        Some(name) => format!("the script was killed by {name}"),
        None if status == KILLED => {
            "the script ended with status 137, as one does that was killed".to_owned()
        }
        // It may as well have chosen this status.
        None => return Error::new(Blame::Script(status), ""),
    };
    let error = Error::new(Blame::Script(status), killed);
    match record.memory {
        Some(memory) if status == KILLED => error.advise(format!(
            "If it ran out of memory: the task has {}. {MORE_MEMORY}",
            gigabytes(memory)
        )),
        _ => error,
    }
}

/// Adds what ECS says of the task.
pub(super) async fn explain(error: Error, context: &Context<'_>, record: &Record) -> Error {
    match context.stop.or(inquire(context, record)).await {
        Ok(fate) => fate.tell(error, record),
        Err(stopped) if matches!(stopped.blame(), Blame::Stopped(_)) => error,
        Err(refusal) => {
            tracing::warn!("could not ask AWS what became of the task: {refusal}");
            error
        }
    }
}

/// What became of a task whose connection was lost.
enum Fate {
    Ended(Box<Task>),
    /// It still is in this status.
    Goes(String),
    Unknown,
}

impl Fate {
    /// `error`, which says how the script ended, with what became of its task.
    fn tell(self, error: Error, record: &Record) -> Error {
        let task = match self {
            Self::Ended(task) => apart_from_ours(&task),
            Self::Goes(status) => {
                return Error::system(format!("{error}; the task still is {status}")).advise(
                    "Check the network between the manager and the task, and what the script does to the SSH server.",
                );
            }
            Self::Unknown => {
                return Error::system(format!("{error}; AWS no longer knows the task"))
                    .advise("Run the job again.");
            }
        };
        let death = task.death();
        if task
            .out_of_memory(&[COORDINATOR_CONTAINER, HELPER_CONTAINER])
            .is_some()
        {
            let memory = task.memory.or(record.memory);
            let had =
                memory.map_or_else(String::new, |memory| format!(" of {}", gigabytes(memory)));
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
}

/// Asks what became of the task, until that is clear.
async fn inquire(context: &Context<'_>, record: &Record) -> Result<Fate> {
    let Some(arn) = record.task.as_deref() else {
        return Ok(Fate::Unknown);
    };
    let fargate = &context.config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let begun = Instant::now();
    let mut inquiry = 1;
    loop {
        let last = inquiry == INQUIRIES;
        let answer = match aws.describe_task(&record.cluster, arn).await {
            Err(refusal) if last || !refusal.may_pass() || begun.elapsed() > INQUIRY_BUDGET => {
                return Err(refusal.into());
            }
            answer => answer,
        };
        match answer {
            // Exit codes and the containers' own reasons come with the very end.
            Ok(Some(task)) if task.is_over() || (task.is_ending() && last) => {
                return Ok(Fate::Ended(Box::new(task)));
            }
            Ok(Some(task)) if last => return Ok(Fate::Goes(task.last_status)),
            Ok(None) if last => return Ok(Fate::Unknown),
            Ok(_) => {}
            Err(refusal) => tracing::debug!("{refusal}; asking again"),
        }
        inquiry += 1;
        sleep(INQUIRY_PAUSE).await;
    }
}

fn gigabytes(memory: u32) -> String {
    format!("{} GB", f64::from(memory) / 1024.0)
}
