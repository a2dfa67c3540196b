//! The output of a job's services, in the job log beside the script's own (CI_DEBUG_SERVICES).
//!
//! It comes from CloudWatch, some seconds after a service printed it. An error in reading it is a warning: it neither
//! fails a job nor holds it up.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::aws::{Aws, AwsError, Event, GET_LOG_EVENTS, LOG_PREFIX, Logs};
use crate::backoff::Backoff;
use crate::config::Mode;
use crate::context::Context;
use crate::output::{Aside, Output, WHOLE, tinted};
use crate::state::record::Record;
use crate::task::JobContainer;
use crate::{gitlab, task};

/// The warning for a job that asks for the output of services where none is kept.
pub(super) const NO_OUTPUT: &str = "CI_DEBUG_SERVICES has no effect: this runner keeps no output of services ([JobImage] LogGroup in fargate.toml)";

/// Pause between two looks, and those while AWS does not answer. AWS allows 25 calls a second for an account.
const PAUSE: Duration = Duration::from_secs(3);
const NO_ANSWER: Backoff = Backoff::new(Duration::from_secs(6), Duration::from_secs(30));

/// Pages of one service that one look reads, so that the other services get their turn.
const PAGES: usize = 20;

/// How long after it was printed AWS's log driver may send a line, and how long the look may take that waited for it.
const FLUSH: Duration = Duration::from_secs(5);
const LAST_LOOK: Duration = Duration::from_secs(3);

/// Grey, as the Docker executor shows these lines, and the end of it.
const GREY: &str = "\u{1b}[0;37m";
const RESET: &str = "\u{1b}[0;m";

/// The output of a job's services, as far as it was shown.
#[derive(Debug)]
pub(super) struct ServiceLog<'a> {
    context: &'a Context<'a>,
    group: &'a str,
    services: Vec<Followed<'a>>,
    aside: Aside,
    logs: Option<Logs>,
    /// Lines read and not shown yet, in pieces that one write takes.
    pending: VecDeque<Vec<u8>>,
    /// AWS gave an error that a retry cannot cure.
    given_up: bool,
}

#[derive(Debug)]
struct Followed<'a> {
    label: &'a str,
    stream: String,
    /// Where the next page begins.
    next: Option<String>,
    printed: bool,
}

impl<'a> ServiceLog<'a> {
    /// The output of the job's services, when the job asks for it and the runner keeps it.
    pub(super) fn requested(
        context: &'a Context<'a>,
        record: &'a Record,
        build: &'a JobContainer,
        stdout: &mut Output,
    ) -> Option<Self> {
        if build.services.is_empty() || !gitlab::debugs_services() {
            return None;
        }
        let Mode::JobImage(settings) = &context.config.mode else {
            return None;
        };
        let group = settings.log_group.as_deref()?;
        let task = task::id(record.task()?);
        let aside = stdout
            .aside()
            .inspect_err(|error| tracing::warn!("cannot show the output of services: {error}"))
            .ok()?;
        let services = build.services.iter().map(|service| Followed {
            label: &service.label,
            stream: format!("{LOG_PREFIX}/{}/{task}", service.container),
            next: None,
            printed: false,
        });
        Some(Self {
            context,
            group,
            services: services.collect(),
            aside,
            logs: None,
            pending: VecDeque::new(),
            given_up: false,
        })
    }

    /// Does `work`, and shows the services' output meanwhile.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.follow() => match never {},
        }
    }

    /// Shows the rest when the script is over. After a script that `failed`, it waits for the last lines.
    pub(super) async fn finish(mut self, failed: bool) {
        let stop = self.context.shutdown.clone();
        tokio::select! {
            () = self.last_look(failed) => {}
            _ = stop.requested() => {}
        }
    }

    async fn last_look(&mut self, failed: bool) {
        if !self.given_up {
            if failed {
                sleep(FLUSH).await;
            }
            match timeout(LAST_LOOK, self.look()).await {
                Ok(Ok(())) => self.report_silent_services(),
                Ok(Err(refusal)) => self.give_up(&refusal),
                Err(_) => self.give_up(&AwsError::abandoned(GET_LOG_EVENTS)),
            }
        }
        // A reader that is slow is waited for as with the script's own output.
        show(&mut self.aside, &mut self.pending).await;
    }

    async fn follow(&mut self) -> Infallible {
        let mut backoff = NO_ANSWER;
        loop {
            let pause = match self.look().await {
                Ok(()) => {
                    backoff.reset();
                    PAUSE
                }
                Err(refusal) if refusal.may_pass() => {
                    tracing::debug!("{refusal}");
                    backoff.pause()
                }
                Err(refusal) => {
                    self.give_up(&refusal);
                    show(&mut self.aside, &mut self.pending).await;
                    return std::future::pending().await;
                }
            };
            sleep(pause).await;
        }
    }

    /// Reports why the output stops here, and where to find the rest.
    fn give_up(&mut self, why: &AwsError) {
        self.given_up = true;
        self.queue(&tinted(&format!(
            "WARNING: cannot show the output of services: {why}"
        )));
        if let Some(advice) = why.advice() {
            self.queue(&advice);
        }
        let streams: Vec<_> = self
            .services
            .iter()
            .map(|service| format!("{} ({})", service.stream, service.label))
            .collect();
        let (group, streams) = (self.group, streams.join(", "));
        self.queue(&format!(
            "It is in CloudWatch: log group {group}, stream {streams}"
        ));
    }

    fn report_silent_services(&mut self) {
        let silent: Vec<_> = self
            .services
            .iter()
            .filter(|service| !service.printed)
            .map(|service| {
                format!(
                    "Nothing of service {} is in CloudWatch: log group {}, stream {}",
                    service.label, self.group, service.stream
                )
            })
            .collect();
        for line in silent {
            self.queue(&line);
        }
    }

    /// Queues a line of the driver's own.
    fn queue(&mut self, line: &str) {
        let room = WHOLE - 1;
        let parts = parts(line, room).map(|part| format!("{part}\n").into_bytes());
        self.pending.extend(parts);
    }

    /// Shows new lines. Dropping this loses none: the next call shows lines that were read and not shown.
    async fn look(&mut self) -> Result<(), AwsError> {
        let logs = match self.logs.take() {
            Some(logs) => logs,
            None => {
                let fargate = &self.context.config.fargate;
                let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
                aws.logs(self.group)
            }
        };
        let logs = self.logs.insert(logs);
        show(&mut self.aside, &mut self.pending).await;
        for service in &mut self.services {
            for _ in 0..PAGES {
                let page = match logs.read(&service.stream, service.next.as_deref()).await {
                    Ok(page) => page,
                    // Its container has not started.
                    Err(refusal) if refusal.knows_no_stream() => break,
                    Err(refusal) => return Err(refusal),
                };
                let is_end = page.next == service.next;
                service.next = page.next;
                service.printed |= !page.events.is_empty();
                self.pending.extend(pieces(service.label, &page.events));
                show(&mut self.aside, &mut self.pending).await;
                if is_end {
                    break;
                }
            }
        }
        Ok(())
    }
}

async fn show(aside: &mut Aside, pending: &mut VecDeque<Vec<u8>>) {
    while let Some(lines) = pending.front() {
        if let Err(error) = aside.say(lines).await {
            tracing::debug!("the output has no reader: {error}");
        }
        pending.pop_front();
    }
}

/// The lines of a service's output as the job log shows them, in pieces that can be written at once.
fn pieces(label: &str, events: &[Event]) -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for event in events {
        let at = humantime::format_rfc3339_millis(event.at);
        let head = format!("{GREY}[service:{label}] {at} ");
        let room = WHOLE.saturating_sub(head.len() + RESET.len() + 1).max(1);
        for line in event.message.lines() {
            for part in parts(line, room) {
                let line = format!("{head}{part}{RESET}\n");
                match pieces.last_mut() {
                    Some(piece) if piece.len() + line.len() <= WHOLE => {
                        piece.extend(line.into_bytes());
                    }
                    _ => pieces.push(line.into_bytes()),
                }
            }
        }
    }
    pieces
}

/// A line in parts of at most `room` bytes, or of one character where that has more.
fn parts(line: &str, room: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        let least = line.chars().next().map_or(0, char::len_utf8);
        let end = line.floor_char_boundary(room).max(least);
        match line.split_at_checked(end) {
            Some((part, more)) if !more.is_empty() => {
                rest = Some(more);
                Some(part)
            }
            _ => Some(line),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn event(message: &str) -> Event {
        Event {
            at: UNIX_EPOCH + Duration::from_millis(1_767_323_045_006),
            message: message.to_owned(),
        }
    }

    #[test]
    fn each_line_is_marked() {
        let pieces = pieces("db", &[event("ready"), event("a\n\nb\n")]);
        let head = "\u{1b}[0;37m[service:db] 2026-01-02T03:04:05.006Z ";
        let expected: String = ["ready", "a", "", "b"]
            .map(|line| format!("{head}{line}\u{1b}[0;m\n"))
            .concat();
        assert_eq!(pieces, [expected.into_bytes()]);
    }

    #[test]
    fn long_lines_and_many_come_in_pieces_that_a_pipe_takes_as_a_whole() {
        let long = "ü".repeat(10_000);
        let many = vec![event("0123456789"); 500];
        let pieces = pieces("db", &[vec![event(&long)], many].concat());
        assert!(
            pieces
                .iter()
                .all(|piece| piece.len() <= WHOLE && piece.ends_with(b"\n"))
        );
        let text = String::from_utf8(pieces.concat()).unwrap();
        let content: String = text
            .lines()
            .map(|line| line.split_once("Z ").unwrap().1.trim_end_matches(RESET))
            .collect();
        assert_eq!(content, long + &"0123456789".repeat(500));
        assert!(pieces.len() < 20, "{} pieces", pieces.len());
        // However little room there is, it ends.
        assert_eq!(parts("aüb", 1).collect::<Vec<_>>(), ["a", "ü", "b"]);
    }
}
