//! A script that outlives its connection: our own agent goes on with it, and keeps its output until the driver is back.
//! [`fargate_wire::script`] describes the frames on the channel.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::{Buf, Bytes};
use fargate_wire::NUMBERED_SIGNAL_SUFFIX;
use fargate_wire::script::{
    ACKNOWLEDGEMENT_STEP, Attach, Decoder, FromAgent, HEAD, LogReader, LogStep, Malformed,
    SUBSYSTEM, ScriptEnd, ScriptId, Stream, ToAgent, WINDOW, script_head,
};
use russh::ChannelMsg;
use tokio::time::Instant;

use super::connection::Connection;
use super::ending::{Ended, STOP_GRACE, STOP_LIMIT, StopStep};
use super::script::{until, write};
use super::sending::{Sending, Sent, Upload, acknowledge_all, finish, send};
use crate::error::{Blame, Error, Result};
use crate::output::Output;
use crate::signals::Shutdown;
use crate::text::plain;

/// Piece of the script that is sent at a time: with its head one SSH packet.
const PIECE: usize = 32 * 1024 - HEAD;

/// Most bytes that may have come and not been passed on. Our agent never comes near. A server that sends more would
/// fill the manager's memory.
const FLOOD: u64 = 2 * WINDOW;

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
    end: Option<ScriptEnd>,
    /// Whether the agent has answered for this script.
    known: bool,
    answers: u32,
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
            end: None,
            known: false,
            answers: 0,
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

    /// On how many connections the agent has answered.
    pub(crate) fn answers(&self) -> u32 {
        self.answers
    }

    /// Says a line in the job log.
    pub(crate) async fn say(&mut self, line: &str) {
        if let Err(error) = self.stderr.write_all(format!("{line}\n").as_bytes()).await {
            tracing::debug!("the output has no reader: {error}");
        }
    }

    /// Passes on the rest of the received output, when no more will come.
    pub(crate) async fn flush(&mut self) {
        while self.advance().is_ok() && self.current.is_some() {
            let written = write(self.stdout, self.stderr, self.current.as_ref()).await;
            self.written(written);
        }
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
        let mut sent = Sent {
            attach: false,
            step: StopStep::NotAsked,
            acknowledged: None,
            // On the very first connection the agent has none of it.
            upload: if self.has_been_sent()? {
                Upload::Unknown
            } else {
                Upload::Next
            },
        };
        let mut answer = Some(Decoder::default());
        let mut sending: Option<Sending<'_>> = None;
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
            tokio::select! {
                message = incoming.wait() => match message {
                    Some(ChannelMsg::Data { data }) => {
                        if let Some(refused) = self.take_in(data, &mut answer, &mut sent)? {
                            return Ok(Attended::Over(Ended::Lost(refused)));
                        }
                    }
                    Some(ChannelMsg::Failure) => {
                        return Ok(Attended::Over(Ended::Lost("the agent does not know how to run scripts".to_owned())));
                    }
                    Some(ChannelMsg::Close) | None => return Ok(Attended::Lost(connection.lost())),
                    Some(_) => {}
                },
                written = write(self.stdout, self.stderr, self.current.as_ref()), if self.current.is_some() => {
                    self.written(written);
                }
                () = finish(&mut sending), if sending.is_some() => {}
                stopped = shutdown.requested(), if self.failure.is_none() => self.fail(stopped),
                _ = shutdown.insisted(), if self.step == StopStep::Terminate => self.step = StopStep::Kill,
                () = until(self.deadline) => break,
            }
        }
        self.conclude(connection)
    }

    /// The outcome, once nothing more is waited for.
    fn conclude(&mut self, connection: &Connection) -> Result<Attended> {
        let ended = self.end.take().map(|end| match end {
            ScriptEnd::Exited(status) => Ended::Exited(status.cast_signed()),
            ScriptEnd::Signalled(number) => {
                Ended::Signalled(format!("{number}{NUMBERED_SIGNAL_SUFFIX}"))
            }
            ScriptEnd::Failed(why) => Ended::Lost(plain(&why)),
        });
        match (self.failure.take(), ended) {
            (Some(error), _) if matches!(error.blame(), Blame::Stopped(_)) => {
                Ok(Attended::Over(Ended::Stopped(error)))
            }
            (Some(error), _) => Err(error),
            (None, Some(ended)) => Ok(Attended::Over(ended)),
            (None, None) => Ok(Attended::Lost(connection.lost())),
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
        while self.current.is_none() && self.end.is_none() {
            match self.log.step()? {
                LogStep::Output(..) if self.unread => {}
                LogStep::Output(stream, piece) => self.current = Some((stream, piece)),
                LogStep::Ended(end) => self.end = Some(end),
                LogStep::Pending => break,
            }
        }
        Ok(())
    }

    /// Notes the output that was passed on.
    fn written(&mut self, written: std::io::Result<usize>) {
        match (written, &mut self.current) {
            (Ok(length), Some((_, piece))) => {
                piece.advance(length.min(piece.len()));
                if piece.is_empty() {
                    self.current = None;
                }
            }
            (Err(error), _) => {
                self.current = None;
                self.unread = true;
                if self.failure.is_none() {
                    self.fail(Error::system(format!(
                        "could not pass on the script's output: {error}"
                    )));
                }
            }
            (Ok(_), None) => {}
        }
    }

    /// Begins to end the script, for this reason.
    fn fail(&mut self, why: Error) {
        self.failure = Some(why);
        self.step = StopStep::Terminate;
        self.deadline = Some(Instant::now() + STOP_LIMIT);
    }

    /// How many bytes of the log were passed on.
    fn passed_on(&self) -> u64 {
        let left = self.current.as_ref().map_or(0, |(_, piece)| piece.len());
        self.log.decoded() - left as u64
    }

    /// Takes in data; returns the agent's reason if it refuses.
    fn take_in(
        &mut self,
        mut data: Bytes,
        answer: &mut Option<Decoder>,
        sent: &mut Sent,
    ) -> Result<Option<String>> {
        if let Some(decoder) = answer {
            let mut rest = data.as_ref();
            match decoder.from_agent(&mut rest).map_err(unintelligible)? {
                None => return Ok(None),
                Some(FromAgent::Attached { received }) => {
                    self.known = true;
                    self.answers += 1;
                    if sent.upload == Upload::Unknown {
                        let sought = self.script.seek(SeekFrom::Start(received));
                        sought.map_err(|error| unreadable(&error))?;
                        sent.upload = Upload::Next;
                    }
                }
                Some(FromAgent::Refused(why)) => return Ok(Some(plain(&why))),
                Some(_) => return Ok(Some("the agent answers something else".to_owned())),
            }
            data.advance(data.len() - rest.len());
            *answer = None;
        }
        self.log.push(data);
        if self.log.received() - self.passed_on() > FLOOD {
            return Err(unintelligible("it sends more than it may"));
        }
        Ok(None)
    }

    /// The next frame to send, the most urgent first.
    fn next_frame(&mut self, sent: &mut Sent) -> Result<Option<Vec<u8>>> {
        if !sent.attach {
            sent.attach = true;
            let attach = Attach {
                script: self.id,
                resumed: self.known,
                received: self.log.received(),
                patience: self.patience,
            };
            return Ok(Some(ToAgent::Attach(attach).encode()));
        }
        if self.step > sent.step {
            sent.step = self.step;
            let grace = match self.step {
                StopStep::Kill => Duration::ZERO,
                StopStep::NotAsked | StopStep::Terminate => STOP_GRACE,
            };
            return Ok(Some(ToAgent::Cancel(grace).encode()));
        }
        let passed_on = self.passed_on();
        let is_due = match sent.acknowledged {
            // An acknowledgement on the previous connection may not have arrived.
            None => passed_on > 0,
            Some(acknowledged) => passed_on - acknowledged >= ACKNOWLEDGEMENT_STEP,
        };
        if is_due {
            sent.acknowledged = Some(passed_on);
            return Ok(Some(ToAgent::Received(passed_on).encode()));
        }
        if sent.upload != Upload::Next {
            return Ok(None);
        }
        // From a local file in small pieces: it needs no thread of its own.
        let mut frame = vec![0; HEAD + PIECE];
        let room = frame.get_mut(HEAD..).unwrap_or_default();
        let length = self.script.read(room).map_err(|error| unreadable(&error))?;
        if length == 0 {
            sent.upload = Upload::Complete;
            return Ok(Some(ToAgent::ScriptEnd.encode()));
        }
        frame.truncate(HEAD + length);
        if let Some(head) = frame.first_chunk_mut() {
            *head = script_head(length);
        }
        Ok(Some(frame))
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
