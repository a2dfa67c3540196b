//! The error for a task that ended before it could take scripts, and who is to blame.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::Aws;
use crate::error::{Blame, Error};
use crate::signals::Shutdown;
use crate::state::record::Record;
use crate::task::{Loss, Task};

/// The reason why no task takes scripts.
pub(crate) enum StartFailure {
    /// AWS lost this task. Another task may start; otherwise this is the error.
    Lost(Loss, Error, Box<Task>),
    /// Another task would fail as well.
    Failed(Error),
}

impl StartFailure {
    /// Whether a signal to this process ended the wait, and not the task's end.
    pub(crate) fn is_stop(&self) -> bool {
        matches!(self, Self::Failed(error) if matches!(error.blame(), Blame::Stopped(_)))
    }

    /// The error to end with.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Lost(_, error, _) | Self::Failed(error) => error,
        }
    }
}

impl From<Error> for StartFailure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The message that all of these errors begin with.
const STOPPED: &str = "the job's task stopped before it could take scripts";

/// How long, and how often, the driver looks for the containers' exit codes and reasons: they come at the very end,
/// and the task's network goes first, which takes some twenty seconds (AWS: task lifecycle).
const EXIT_DETAILS: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_secs(1);

/// The error for `task`, whose end has begun; or that of a stop, if a signal comes before it is clear.
pub(crate) async fn task_ended(
    aws: &Aws,
    record: &Record,
    task: Task,
    shutdown: &Shutdown,
) -> StartFailure {
    let mut seen = task;
    // A task that AWS took back is replaced at once.
    let build = record.build.as_ref();
    if build.is_some() && seen.stop_reason(build, record.began).loss.is_none() {
        let looking = async { Ok(last_look(aws, record, seen).await) };
        seen = match shutdown.or(looking).await {
            Ok(seen) => seen,
            Err(stopped) => return stopped.into(),
        };
    }
    let failure = of_image(&seen, record).unwrap_or_else(|| ended(&seen, record));
    match seen.stop_reason(build, record.began).loss {
        Some(loss) => StartFailure::Lost(loss, failure, Box::new(seen)),
        None => StartFailure::Failed(failure),
    }
}

/// The task at its very end, or its last state when the end does not come in time or the blame is clear before.
async fn last_look(aws: &Aws, record: &Record, task: Task) -> Task {
    let begun = Instant::now();
    let mut seen = task;
    while !seen.is_over() && of_image(&seen, record).is_none() && begun.elapsed() < EXIT_DETAILS {
        sleep(PAUSE).await;
        if let Ok(Some(task)) = aws.describe_task(&record.cluster, &seen.arn).await {
            seen = task;
        }
    }
    seen
}

/// The error for a task that AWS has promised and does not know.
pub(super) fn missing() -> Error {
    Error::system("AWS no longer knows the job's task (MISSING)").advise("Run the job again.")
}

/// The error in AWS's words. A retry may or may not help.
fn ended(task: &Task, record: &Record) -> Error {
    let stop = task.stop_reason(record.build.as_ref(), record.began);
    let error = Error::system(format!("{STOPPED}: {}", stop.cause));
    match stop.advice {
        Some(advice) => error.advise(advice),
        None => error,
    }
}

/// The error for a task that ended because of an image that the job named and that cannot be: that is the job's fault,
/// and GitLab need not try again. Nothing where it is another's, or the image has proved itself by taking a script.
pub(crate) fn of_image(task: &Task, record: &Record) -> Option<Error> {
    let stop = task.stop_reason(record.build.as_ref(), record.began);
    let error = Error::job(format!("{STOPPED}: {}", stop.cause));
    stop.image_is_at_fault
        .then(|| error.advise(stop.advice.unwrap_or_default()))
}
