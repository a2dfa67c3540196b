//! The story and the output as one JSON document. docs/logs.md lists its members.

use std::io::Write;

use serde_json::{Value, json};

use super::attempt::Attempt;
use super::story::story;
use super::streams::{Stream, streams};
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::output::progress;
use crate::state::ledger::rfc3339;

/// Most lines of a container that the document holds.
const LINES: usize = 10_000;

/// Prints the document.
pub(super) async fn print(aws: &Aws, attempts: &[Attempt], mut unasked: Vec<String>) -> Result<()> {
    let mut containers = Vec::new();
    if let Some(last) = attempts.last() {
        let (streams, why) = progress("Asking AWS", streams(aws, last)).await;
        unasked.extend(why);
        for mut stream in streams {
            containers.push(progress("Asking CloudWatch", container(&mut stream)).await);
        }
    }
    let document = json!({
        "version": 1,
        "attempts": attempts.iter().map(attempt).collect::<Vec<_>>(),
        "containers": containers,
        "unasked": unasked,
    });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{document:#}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}

fn attempt(attempt: &Attempt) -> Value {
    let entry = &attempt.entry;
    let events = story(attempt).into_iter().map(|event| {
        json!({ "at": rfc3339(event.at), "event": event.kind, "task": event.task, "text": event.text })
    });
    json!({
        "attempt": entry.attempt,
        "job_id": entry.job_id,
        "job": entry.job,
        "job_url": attempt.page,
        "project": entry.project,
        "project_id": entry.project_id,
        "is_over": !attempt.is_recorded,
        "outcome": attempt.outcome,
        "tasks": entry.tasks.iter().map(|task| &task.task).collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
    })
}

async fn container(stream: &mut Stream) -> Value {
    let (mut lines, mut is_end) = (Vec::new(), false);
    while !is_end && lines.len() < LINES {
        let (events, end) = stream.page().await;
        is_end = end;
        lines.extend(events.into_iter().map(|event| {
            json!({ "at": humantime::format_rfc3339_millis(event.at).to_string(), "message": event.message })
        }));
    }
    lines.truncate(LINES);
    json!({
        "container": stream.container,
        "log_group": stream.group,
        "log_stream": stream.stream,
        "lines": lines,
        "is_whole": is_end && stream.unread.is_none(),
        "unread": stream.unread,
    })
}
