//! The story and the output for people.

use std::fmt::Write as _;
use std::io::Write as _;

use super::attempt::Attempt;
use super::story::{Event, story};
use super::streams::Stream;
use crate::aws;
use crate::error::{Error, Result};
use crate::operate::table::Look;
use crate::output::progress;
use crate::state::ledger::rfc3339;
use crate::text::plain;

/// Prints the stories of attempts, and what is not known of them.
pub(super) fn stories(attempts: &[Attempt], unasked: &[String]) -> Result<()> {
    let look = Look::of_stdout();
    let mut text = String::new();
    for (number, attempt) in attempts.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let mut title = plain(&attempt.title());
        if attempts.len() > 1 {
            title = format!("{title} (attempt {} of {})", number + 1, attempts.len());
        }
        push(&mut text, &look.title(&title));
        if let Some(page) = &attempt.page {
            push(&mut text, &format!("  {page}"));
        }
        let events = story(attempt);
        let begun = events.first().map(|event| event.at);
        for event in &events {
            push(&mut text, &line(event, begun));
        }
        if attempt.outcome.is_none() && attempt.is_recorded && events.is_empty() {
            push(&mut text, "  it waits: AWS was not asked for a task yet");
        }
    }
    write(&text)?;
    not_known(unasked)
}

/// An event on one line, with its time and how long after the first it was.
pub(super) fn line(event: &Event, begun: Option<u64>) -> String {
    let after = event.at.saturating_sub(begun.unwrap_or(event.at)) as f64 / 1000.0;
    let mut line = rfc3339(event.at);
    // A String takes all that is written.
    let _infallible = write!(
        line,
        " {:>9}  {}",
        format!("+{after:.1} s"),
        plain(&event.text)
    );
    line
}

/// Prints lines of events.
pub(super) fn events(events: &[Event], begun: Option<u64>) -> Result<()> {
    let lines = events.iter().map(|event| line(event, begun) + "\n");
    write(&lines.collect::<String>())
}

/// Prints what is in the streams and was not printed before.
pub(super) async fn output(streams: &mut [Stream]) -> Result<()> {
    for stream in streams {
        loop {
            let (events, is_end) = progress("Asking CloudWatch", stream.page()).await;
            let lines = events
                .iter()
                .flat_map(|event| lines(&stream.container, event));
            write(&lines.collect::<String>())?;
            if is_end {
                break;
            }
        }
    }
    Ok(())
}

/// Prints what could not be read.
pub(super) fn not_known(unasked: &[String]) -> Result<()> {
    let lines = unasked
        .iter()
        .map(|what| format!("not known: {}\n", plain(what)));
    write(&lines.collect::<String>())
}

/// Prints which streams could not be read, or only in part.
pub(super) fn unread(streams: &[Stream]) -> Result<()> {
    let unread = streams.iter().filter_map(|stream| {
        let why = stream.unread.as_ref()?;
        let Stream {
            container,
            group,
            stream,
            ..
        } = stream;
        Some(format!(
            "the output of container {container} (log group {group}, stream {stream}): {why}"
        ))
    });
    not_known(&unread.collect::<Vec<_>>())
}

/// The lines of an event of CloudWatch, each with the name of its container.
fn lines(container: &str, event: &aws::Event) -> Vec<String> {
    let at = humantime::format_rfc3339_millis(event.at);
    let container = plain(container);
    let lines = event.message.lines();
    lines
        .map(|line| format!("{at} [{container}] {}\n", plain(line)))
        .collect()
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn write(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}
