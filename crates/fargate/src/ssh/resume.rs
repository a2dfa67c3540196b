//! A script that outlives its connection: our own agent goes on with it, and keeps its output until the driver is back.
//! [`fargate_wire::script`] describes the frames on the channel.

mod frames;

use std::fs::File;
use std::future::pending;
use std::io::Seek;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use fargate_wire::NUMBERED_SIGNAL_SUFFIX;
use fargate_wire::script::{
    Decoder, LogReader, LogStep, Malformed, SUBSYSTEM, ScriptEnd, ScriptId, Stream,
};
use russh::ChannelMsg;
use tokio::time::Instant;

use super::connection::Connection;
use super::ending::{Ended, INSISTED_LIMIT, STOP_LIMIT, StopStep};
use super::outage::{Outage, PROBE_AFTER};
use super::script::{until, write};
use super::sending::{Sending, Sent, Upload, acknowledge_all, finish, send};
use crate::error::{Blame, Error, Result};
use crate::output::Output;
use crate::signals::Shutdown;
use crate::text::plain;

/// The outcome of a connection.
#[derive(Debug)]
pub(crate) enum Attended {
    /// The script has ended.
    Over(Ended),
    /// The connection was lost, for this reason. The script goes on.
    Lost(String),
}

/// A script, whether or not there is a connection.
#[derive(Debug)]
pub(crate) struct ResumableScript<'a> {
    id: ScriptId,
    script: File,
    patience: Duration,
    stdout: &'a mut Output,
    stderr: &'a mut Output,
    log: LogReader,
    /// Output that is being passed on.
    current: Option<(Stream, Bytes)>,
    /// Our own line that comes next.
    line: Option<(Stream, Bytes)>,
    end: Option<ScriptEnd>,
    /// Whether the agent has answered for this script.
    known: bool,
    /// Bytes of the script that the agent has, by its last answer.
    uploaded: u64,
    outage: Outage,
    /// Reason for ending the script.
    failure: Option<Error>,
    step: StopStep,
    /// End of all waiting.
    deadline: Option<Instant>,
    /// The output has no reader any more.
    unread: bool,
}

impl<'a> ResumableScript<'a> {
    /// A new script, which may go on for `patience` without a connection.
    pub(crate) fn new(
        script: File,
        stdout: &'a mut Output,
        stderr: &'a mut Output,
        patience: Duration,
    ) -> Self {
        Self {
            id: rand::random(),
            script,
            patience,
            stdout,
            stderr,
            log: LogReader::default(),
            current: None,
            line: None,
            end: None,
            known: false,
            uploaded: 0,
            outage: Outage::new(patience),
            failure: None,
            step: StopStep::NotAsked,
            deadline: None,
            unread: false,
        }
    }

    /// How many bytes of the script's log have come.
    pub(crate) fn received(&self) -> u64 {
        self.log.received()
    }

    /// Notes that a connection was lost. Returns whether an outage begins with that: it lasts until something moves.
    pub(crate) fn lost(&mut self) -> bool {
        self.outage.begin()
    }

    /// When the outage is given up, if there is one.
    pub(crate) fn given_up_at(&self) -> Option<Instant> {
        self.outage.deadline()
    }

    /// Adds a line of ours to the job log, after the output that is being passed on.
    pub(crate) fn tell(&mut self, line: &str) {
        let waiting = self.line.take();
        let mut lines = waiting.map_or_else(Vec::new, |(_, lines)| lines.to_vec());
        lines.extend(line.bytes().chain(*b"\n"));
        self.line = Some((Stream::Stderr, lines.into()));
    }

    /// Passes on the rest of the received output, and our own lines. Returns whether the script's end was with it.
    pub(crate) async fn flush(&mut self) -> bool {
        while self.advance().is_ok() && self.piece().is_some() {
            let piece = self.current.as_ref().or(self.line.as_ref());
            let written = write(self.stdout, self.stderr, piece).await;
            self.written(written);
        }
        self.end.is_some()
    }

    /// Returns when the time for ending the script is over, if it is being ended: nothing is worth waiting for then.
    pub(crate) async fn overdue(&self) {
        until(self.deadline).await;
    }

    /// Starts the script or goes on with it, passing on its output, until its end or that of the connection.
    ///
    /// # Errors
    ///
    /// When the script cannot be read, or nobody takes its output; it does not run on then.
    pub(crate) async fn attend(
        &mut self,
        connection: &Connection,
        shutdown: &Shutdown,
    ) -> Result<Attended> {
        let opened = tokio::select! {
            opened = connection.subsystem(SUBSYSTEM) => opened,
            stopped = self.stop_while_opening(shutdown), if self.failure.is_none() => {
                return Ok(Attended::Over(Ended::Stopped(stopped)));
            }
            () = until(self.deadline) => return self.conclude(connection),
        };
        let (mut incoming, outgoing) = match opened {
            Ok(channel) => channel,
            Err(why) => return Ok(Attended::Lost(why)),
        };
        // On the very first connection the agent has none of the script.
        let mut sent = Sent::nothing(match self.has_been_sent()? {
            true => Upload::Unknown,
            false => Upload::Next,
        });
        let mut answer = Some(Decoder::default());
        let mut sending: Option<Sending<'_>> = None;
        let mut probing: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(pending());
        loop {
            self.advance().map_err(unintelligible)?;
            if self.end.is_some() {
                acknowledge_all(self.log.decoded(), incoming, &outgoing, sending).await;
                break;
            }
            if sending.is_none() {
                sending = self
                    .next_frame(&mut sent)?
                    .map(|frame| send(&outgoing, frame));
            }
            let piece = self.current.as_ref().or(self.line.as_ref());
            tokio::select! {
                message = incoming.wait() => match message {
                    Some(ChannelMsg::Data { data }) => {
                        let was_open = answer.is_some();
                        if let Some(refused) = self.take_in(data, &mut answer, &mut sent)? {
                            return Ok(Attended::Over(Ended::Lost(refused)));
                        }
                        if was_open && answer.is_none() && self.outage.deadline().is_some() {
                            probing = Box::pin(connection.proven(PROBE_AFTER));
                        }
                    }
                    Some(ChannelMsg::Failure) => {
                        return Ok(Attended::Over(Ended::Lost("the agent does not know how to run scripts".to_owned())));
                    }
                    Some(ChannelMsg::Close) | None => return Ok(Attended::Lost(connection.lost())),
                    Some(_) => {}
                },
                written = write(self.stdout, self.stderr, piece), if piece.is_some() => self.written(written),
                () = finish(&mut sending), if sending.is_some() => {}
                () = &mut probing => {
                    probing = Box::pin(pending());
                    self.moved();
                }
                stopped = shutdown.requested(), if self.failure.is_none() => {
                    self.fail(stopped, shutdown.deadline(STOP_LIMIT));
                }
                _ = shutdown.insisted(), if self.step == StopStep::Terminate => self.insist(),
                () = until(self.outage.deadline()) => return Ok(Attended::Lost("it carries nothing".to_owned())),
                () = until(self.deadline) => break,
            }
        }
        self.conclude(connection)
    }

    /// The outcome on this connection, once nothing more is waited for.
    fn conclude(&mut self, connection: &Connection) -> Result<Attended> {
        let outcome = self.outcome()?;
        Ok(outcome.map_or_else(|| Attended::Lost(connection.lost()), Attended::Over))
    }

    /// How the script ended, by what has been passed on; nothing while its end has not come.
    ///
    /// # Errors
    ///
    /// When nobody takes its output.
    pub(crate) fn outcome(&mut self) -> Result<Option<Ended>> {
        let ended = self.end.take().map(|end| match end {
            ScriptEnd::Exited(status) => Ended::exited(status),
            ScriptEnd::Signalled(number) => {
                Ended::Signalled(format!("{number}{NUMBERED_SIGNAL_SUFFIX}"))
            }
            ScriptEnd::Failed(why) => Ended::Lost(plain(&why)),
        });
        match (self.failure.take(), ended) {
            (Some(error), _) if matches!(error.blame(), Blame::Stopped(_)) => {
                Ok(Some(Ended::Stopped(error)))
            }
            (Some(error), _) => Err(error),
            (None, ended) => Ok(ended),
        }
    }

    /// Returns when a stop ends the opening of a channel: at once while the agent does not know the script.
    ///
    /// Otherwise the channel is needed for ending the script.
    async fn stop_while_opening(&self, shutdown: &Shutdown) -> Error {
        let stopped = shutdown.requested().await;
        if self.known {
            tokio::select! {
                _ = shutdown.insisted() => {}
                () = shutdown.after(STOP_LIMIT) => {}
            }
        }
        stopped
    }

    /// Whether any of the script may have been sent.
    fn has_been_sent(&mut self) -> Result<bool> {
        self.script
            .stream_position()
            .map(|position| position > 0)
            .map_err(|error| unreadable(&error))
    }

    /// Decodes the next output to pass on, or the end.
    fn advance(&mut self) -> Result<(), Malformed> {
        while self.piece().is_none() && self.end.is_none() {
            match self.log.step()? {
                LogStep::Output(..) if self.unread => {}
                LogStep::Output(stream, piece) => self.current = Some((stream, piece)),
                LogStep::Ended(end) => self.end = Some(end),
                LogStep::Pending => break,
            }
        }
        Ok(())
    }

    /// Output or our own line, whichever is passed on next.
    fn piece(&self) -> Option<&(Stream, Bytes)> {
        self.current.as_ref().or(self.line.as_ref())
    }

    /// Notes the output that was passed on.
    fn written(&mut self, written: std::io::Result<usize>) {
        let piece = match &mut self.current {
            None => &mut self.line,
            current => current,
        };
        match (written, piece.as_mut()) {
            (Ok(length), Some((_, bytes))) => {
                bytes.advance(length.min(bytes.len()));
                if bytes.is_empty() {
                    *piece = None;
                }
            }
            (Err(error), _) => {
                (self.current, self.line) = (None, None);
                self.unread = true;
                if self.failure.is_none() {
                    let failure =
                        Error::system(format!("could not pass on the script's output: {error}"));
                    self.fail(failure, Instant::now() + STOP_LIMIT);
                }
            }
            (Ok(_), None) => {}
        }
    }

    /// Begins to end the script, for this reason. The deadline holds over all connections.
    fn fail(&mut self, why: Error, deadline: Instant) {
        self.failure = Some(why);
        self.step = StopStep::Terminate;
        self.deadline = Some(deadline);
    }

    /// Ends the script at once, after the second signal.
    fn insist(&mut self) {
        self.step = StopStep::Kill;
        let soon = Instant::now() + INSISTED_LIMIT;
        self.deadline = Some(self.deadline.map_or(soon, |deadline| deadline.min(soon)));
    }

    /// Notes that output or an acknowledgement has moved. If that ends an outage, the job log says so.
    fn moved(&mut self) {
        if let Some(time) = self.outage.end() {
            let seconds = time.as_secs_f64();
            self.tell(&format!(
                "Connected to the job's task again after {seconds:.1} s"
            ));
        }
    }

    /// How many bytes of the log were passed on.
    fn passed_on(&self) -> u64 {
        let left = self.current.as_ref().map_or(0, |(_, piece)| piece.len());
        self.log.decoded() - left as u64
    }
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::system(format!("could not read the script: {error}"))
}

fn unintelligible(why: impl std::fmt::Display) -> Error {
    Error::system(format!(
        "the driver does not understand the agent in the task: {why}"
    ))
    .advise("Agent and driver must be of the same version.")
}
