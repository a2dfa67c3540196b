//! The ends of a task's containers, as the task itself and AWS tell them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use super::served_task::ServedTask;
use crate::connect::poll::aws_of;
use crate::ssh::Connection;
use crate::task::metadata;

/// Bound of a look: it must not hold up the job's end.
const INQUIRY: Duration = Duration::from_secs(10);

/// How a container ended, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) image: Option<String>,
    exit_code: Option<i32>,
    reason: Option<String>,
}

impl End {
    /// The end in words, if there is one.
    pub(super) fn describe(&self) -> Option<String> {
        match (self.exit_code, self.reason.as_deref()) {
            (Some(code), Some(reason)) => Some(format!("exited with status {code} ({reason})")),
            (Some(code), None) => Some(format!("exited with status {code}")),
            (None, Some(reason)) => Some(format!("did not start: {reason}")),
            (None, None) => None,
        }
    }
}

/// Containers by their names.
pub(super) type Ends = BTreeMap<String, End>;

/// The ways to learn of ends.
#[derive(Debug, Default)]
pub(super) struct Inquiry {
    /// The task itself gave no answer, and is not asked again.
    is_mute: Cell<bool>,
}

impl Inquiry {
    /// Whether to ask AWS, as the task gives no answer.
    pub(super) fn needs_aws(&self) -> bool {
        self.is_mute.get()
    }

    /// The ends that the task itself shows, at once and without a call of AWS, which may show them half a minute later.
    /// AWS is asked where the task gives no answer.
    pub(super) async fn quick(
        &self,
        task: &ServedTask<'_>,
        helper: &mut Option<Connection>,
    ) -> Ends {
        if !self.is_mute.get() {
            match within(task, helper).await {
                Ok(ends) => return ends,
                Err(why) => {
                    tracing::debug!(
                        "the task itself does not say what became of the services: {why}"
                    );
                    self.is_mute.set(true);
                }
            }
        }
        from_aws(task).await
    }

    /// The ends that the task shows, with AWS's reasons.
    pub(super) async fn thorough(
        &self,
        task: &ServedTask<'_>,
        helper: &mut Option<Connection>,
    ) -> Ends {
        let (within, mut ends) = tokio::join!(within(task, helper), from_aws(task));
        for (name, end) in within.unwrap_or_default() {
            let known = ends.entry(name).or_default();
            known.exit_code = known.exit_code.or(end.exit_code);
            known.image = known.image.take().or(end.image);
        }
        ends
    }
}

/// The ends that the task's metadata endpoint shows to the helper.
async fn within(task: &ServedTask<'_>, helper: &mut Option<Connection>) -> Result<Ends, String> {
    let asking = async {
        let answer = task.helper(helper).await?.metadata().await?;
        metadata::containers(&answer)
    };
    let answer = timeout(INQUIRY, asking).await;
    let containers = answer.unwrap_or_else(|_| Err("no answer".to_owned()))?;
    let ends = containers.into_iter().map(|container| {
        let end = End {
            image: container.image,
            exit_code: container.exit_code,
            reason: None,
        };
        (container.name, end)
    });
    Ok(ends.collect())
}

/// The ends that AWS shows.
async fn from_aws(task: &ServedTask<'_>) -> Ends {
    let record = task.record;
    let Some(arn) = record.task() else {
        return Ends::new();
    };
    let asking = async {
        let aws = aws_of(task.context, record).await;
        aws.describe_task(&record.cluster, arn).await
    };
    let seen = match timeout(INQUIRY, asking).await {
        Ok(Ok(seen)) => seen,
        Err(_) => None,
        Ok(Err(refusal)) => {
            tracing::warn!("could not ask AWS about the services: {refusal}");
            None
        }
    };
    let containers = seen.into_iter().flat_map(|task| task.containers);
    let ends = containers.map(|container| {
        let end = End {
            image: container.image,
            exit_code: container.exit_code,
            reason: container.reason.map(|reason| reason.trim().to_owned()),
        };
        (container.name, end)
    });
    ends.collect()
}
