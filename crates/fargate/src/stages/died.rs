//! The error for a task that ended before the job's script could run in it, by whose fault that is.

use std::time::Duration;

use fargate_wire::{BOOTSTRAP_CONTAINER, COORDINATOR_CONTAINER, HELPER_CONTAINER};
use tokio::time::sleep;

use super::ready::Unready;
use crate::ecs::Aws;
use crate::error::Error;
use crate::record::{BuildSide, Record};
use crate::task::{Container, Task};

/// How often, and how far apart, AWS is asked for the very end, which the containers' exit codes and reasons come with.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// Why `task`, whose end has begun, takes no scripts.
pub(super) async fn died(aws: &Aws, record: &Record, task: Task) -> Unready {
    let mut seen = task;
    if record.build.is_some() {
        seen = last_look(aws, record, seen).await;
    }
    let failure = ended(&seen, record.build.as_ref());
    match seen.loss() {
        Some(loss) => Unready::Lost(loss, failure),
        None => Unready::Failed(failure),
    }
}

/// The task at its very end, or as it was last seen when that does not come.
async fn last_look(aws: &Aws, record: &Record, task: Task) -> Task {
    let mut seen = task;
    for _ in 0..LOOKS {
        if seen.is_over() {
            break;
        }
        sleep(PAUSE).await;
        if let Ok(Some(task)) = aws.describe_task(&record.cluster, &seen.arn).await {
            seen = task;
        }
    }
    seen
}

/// The task without our own containers that ended as they should: they are nobody's concern.
pub(super) fn apart_from_ours(task: &Task) -> Task {
    let mut task = task.clone();
    task.containers.retain(|container| {
        !matches!(
            container.name.as_str(),
            BOOTSTRAP_CONTAINER | HELPER_CONTAINER
        ) || !matches!(container.exit_code, Some(0 | 143))
            || container.reason.is_some()
    });
    task
}

/// What ended, in AWS's words. An image that the job named and that cannot be is the job's fault: GitLab need not try
/// again. Of everything else it is not known whether it would help.
fn ended(task: &Task, build: Option<&BuildSide>) -> Error {
    let task = apart_from_ours(task);
    let death = task.death();
    let message = format!(
        "the job's task stopped before it could take scripts: {}",
        death.cause
    );
    let is_jobs = |container: &Container| match container.name.as_str() {
        BOOTSTRAP_CONTAINER | HELPER_CONTAINER => false,
        COORDINATOR_CONTAINER => build.is_some_and(|build| build.is_jobs),
        _ => true,
    };
    if build.is_some() && task.image_is_at_fault(is_jobs) {
        return Error::job(message).advise(
            "Check image: and services: in the .gitlab-ci.yml: the name and tag of the image, its platform, and its entry \
             point, which must run the command that it is given (entrypoint: [\"\"] takes it away).",
        );
    }
    let error = Error::system(message);
    match death.advice {
        Some(advice) => error.advise(advice),
        None => error,
    }
}
