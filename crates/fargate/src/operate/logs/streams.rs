//! The output of a task's containers, from CloudWatch.

use std::time::Duration;

use tokio::time::timeout;

use super::attempt::Attempt;
use crate::aws::{Aws, Event, LogDestination, Logs};
use crate::task::TaskFacts;

/// Bound of one call.
const BOUND: Duration = Duration::from_secs(10);

/// The output of one container, as far as it was read.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) container: String,
    pub(super) group: String,
    /// Its name.
    pub(super) stream: String,
    logs: Logs,
    /// Where the next page begins.
    next: Option<String>,
    /// Why nothing more is read.
    pub(super) unread: Option<String>,
}

/// The streams of all tasks of an attempt whose definition is known; the reasons where it is not.
pub(super) async fn streams(aws: &Aws, attempt: &Attempt) -> (Vec<Stream>, Vec<String>) {
    let (mut streams, mut unasked) = (Vec::new(), Vec::new());
    let aws = aws.in_region(&attempt.entry.region);
    for task in &attempt.entry.tasks {
        let look = attempt.look(&task.task).map(|look| look.definition.clone());
        let name = look.filter(|name| !name.is_empty());
        let Some(name) = name.or_else(|| definition(&task.facts)) else {
            continue;
        };
        let name = name.as_str();
        let what = format!("the output of task {}", task.task);
        let definition = match timeout(BOUND, aws.definition(name)).await {
            Ok(Ok(Some(definition))) => definition,
            Ok(Ok(None)) => {
                unasked.push(format!(
                    "{what}: AWS does not know its definition {name} any more"
                ));
                continue;
            }
            Ok(Err(refusal)) => {
                unasked.push(format!("{what}: {refusal}"));
                continue;
            }
            Err(_) => {
                unasked.push(format!(
                    "{what}: no answer from AWS in {} s",
                    BOUND.as_secs()
                ));
                continue;
            }
        };
        if !name.contains(':') {
            unasked.push(format!(
                "which revision of {name} task {} ran: its output is looked for where the latest one sends it",
                task.task
            ));
        }
        for container in definition.containers {
            match container.log {
                Some(log) => streams.push(Stream::of(&aws, container.name, &task.task, log)),
                None => unasked.push(format!(
                    "the output of container {}: its definition sends none to CloudWatch",
                    container.name
                )),
            }
        }
    }
    (streams, unasked)
}

/// The definition of a task by what the ledger knows of it. Lines of older drivers have no revision.
fn definition(facts: &TaskFacts) -> Option<String> {
    let family = facts.family.as_deref()?;
    Some(match facts.revision {
        Some(revision) => format!("{family}:{revision}"),
        None => family.to_owned(),
    })
}

impl Stream {
    fn of(aws: &Aws, container: String, task: &str, log: LogDestination) -> Self {
        Self {
            stream: format!("{}/{container}/{task}", log.prefix),
            container,
            logs: aws.in_region(&log.region).logs(&log.group),
            group: log.group,
            next: None,
            unread: None,
        }
    }

    /// The next lines, and whether there are no more for now. A page may be empty before the end: only the same token
    /// again is the end (CloudWatch Logs: GetLogEvents).
    pub(super) async fn page(&mut self) -> (Vec<Event>, bool) {
        if self.unread.is_some() {
            return (Vec::new(), true);
        }
        let answer = timeout(BOUND, self.logs.read(&self.stream, self.next.as_deref())).await;
        match answer {
            Ok(Ok(page)) => {
                let is_end = page.next.is_none() || page.next == self.next;
                self.next = page.next.or_else(|| self.next.take());
                (page.events, is_end)
            }
            // Its container has written nothing yet.
            Ok(Err(refusal)) if refusal.knows_no_stream() => (Vec::new(), true),
            Ok(Err(refusal)) if refusal.may_pass() => {
                tracing::debug!("{refusal}");
                (Vec::new(), true)
            }
            Ok(Err(refusal)) => {
                self.unread = Some(refusal.to_string());
                (Vec::new(), true)
            }
            Err(_) => {
                tracing::debug!("no answer from CloudWatch");
                (Vec::new(), true)
            }
        }
    }
}
