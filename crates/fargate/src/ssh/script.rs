//! One script on its way through a connection to OpenSSH: fed to a shell's standard input, its output passed on as it
//! comes, its end told apart from the connection's.
//!
//! The script is never an argument: arguments end at 128 KiB and can be read by every process of the task.

use std::fs::File;
use std::future::pending;
use std::io::Read;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use fargate_wire::script::Stream;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelWriteHalf, Sig};
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::ending::{Ended, INSISTED_LIMIT, STOP_GRACE, STOP_LIMIT, StopStep};
use super::keys::random_hex;
use super::remainder::Remainder;
use super::shell::{Announcement, launch};
use crate::error::{Blame, Error, Result};
use crate::output::Output;
use crate::signals::Shutdown;

/// Bound of the last output of a script that was ended.
const LAST_OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// Piece of the script that is read and sent at a time.
const PIECE: usize = 32 * 1024;

impl Connection {
    /// Runs `script`, passing its output to `stdout` and `stderr` unchanged.
    ///
    /// # Errors
    ///
    /// When the script cannot be started or read, or nobody takes its output; it does not run on then.
    pub(crate) async fn run_script(
        &self,
        script: File,
        stdout: &mut Output,
        stderr: &mut Output,
        shutdown: &Shutdown,
    ) -> Result<Ended> {
        let nonce = random_hex::<8>();
        let command = launch(&nonce);
        let opened = tokio::select! {
            opened = self.exec(&command) => opened,
            stopped = shutdown.requested() => return Ok(Ended::Stopped(stopped)),
        };
        let (mut incoming, outgoing) = match opened {
            Ok(channel) => channel,
            Err(why) => return Ok(Ended::Lost(why)),
        };
        let mut script_run = ShellRun::new(&nonce);
        let mut feeding: Pin<Box<dyn Future<Output = Result<()>>>> =
            Box::pin(feed(script, &outgoing));
        let mut ending: Pin<Box<dyn Future<Output = ()>>> = Box::pin(pending());
        while !script_run.is_complete() {
            tokio::select! {
                message = incoming.wait(), if script_run.takes_in() => script_run.take_in(message),
                written = write(stdout, stderr, script_run.passing.as_ref()), if script_run.passing.is_some() => {
                    script_run.written(written);
                }
                fed = &mut feeding => {
                    feeding = Box::pin(pending());
                    if let Err(error) = fed {
                        script_run.fail(error, Instant::now() + STOP_LIMIT);
                    }
                }
                stopped = shutdown.requested(), if script_run.failure.is_none() => {
                    script_run.fail(stopped, shutdown.deadline(STOP_LIMIT));
                }
                _ = shutdown.insisted(), if script_run.failure.is_some() && script_run.step != StopStep::Kill => {
                    script_run.step = StopStep::Kill;
                    script_run.end_by(Instant::now() + INSISTED_LIMIT);
                    ending = Box::pin(self.end_group(script_run.group.id, Duration::ZERO));
                }
                () = &mut ending => {
                    ending = Box::pin(pending());
                    script_run.end_by(Instant::now() + LAST_OUTPUT_TIMEOUT);
                }
                () = until(script_run.remainder_deadline()) => script_run.close(),
                () = until(script_run.deadline) => break,
            }
            if script_run.is_to_be_terminated() {
                script_run.step = StopStep::Terminate;
                ending = Box::pin(self.end_group(script_run.group.id, STOP_GRACE));
            }
        }
        script_run.conclude(|| self.lost())
    }
}

/// The progress of a script in a shell of the task.
struct ShellRun {
    group: Announcement,
    /// Output that is being passed on.
    passing: Option<(Stream, Bytes)>,
    ended: Option<Ended>,
    /// Output after the end.
    remainder: Option<Remainder>,
    /// Reason for ending the script.
    failure: Option<Error>,
    step: StopStep,
    /// End of all waiting, once the script was asked to end.
    deadline: Option<Instant>,
    /// The output has no reader any more.
    is_unread: bool,
    /// Nothing more is taken in.
    is_closed: bool,
}

impl ShellRun {
    fn new(nonce: &str) -> Self {
        Self {
            group: Announcement::new(nonce),
            passing: None,
            ended: None,
            remainder: None,
            failure: None,
            step: StopStep::NotAsked,
            deadline: None,
            is_unread: false,
            is_closed: false,
        }
    }

    fn take_in(&mut self, message: Option<ChannelMsg>) {
        match message {
            Some(ChannelMsg::Data { data }) => {
                let output = self.group.pass(&data).map_or(data, Bytes::from);
                self.pass_on(Stream::Stdout, output);
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => self.pass_on(Stream::Stderr, data),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                self.end(Ended::exited(exit_status));
            }
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.end(Ended::Signalled(name(signal_name)));
            }
            Some(ChannelMsg::Failure) => {
                self.end(Ended::Lost(
                    "its SSH server refused to run a command".to_owned(),
                ));
                self.close();
            }
            Some(ChannelMsg::Close) | None => self.close(),
            Some(_) => {}
        }
    }

    fn end(&mut self, ended: Ended) {
        self.ended = Some(ended);
        self.remainder
            .get_or_insert_with(|| Remainder::new(Instant::now()));
    }

    fn pass_on(&mut self, stream: Stream, output: Bytes) {
        if let Some(remainder) = &mut self.remainder {
            remainder.came(output.len(), Instant::now());
        }
        if !output.is_empty() && !self.is_unread {
            self.passing = Some((stream, output));
        }
    }

    /// Notes the output that was passed on.
    fn written(&mut self, written: std::io::Result<usize>) {
        match (written, &mut self.passing) {
            (Ok(length), Some((_, output))) => {
                output.advance(length.min(output.len()));
                if output.is_empty() {
                    self.passing = None;
                }
            }
            (Err(error), _) => {
                self.passing = None;
                self.is_unread = true;
                let failure =
                    Error::system(format!("could not pass on the script's output: {error}"));
                self.fail(failure, Instant::now() + STOP_LIMIT);
            }
            (Ok(_), None) => {}
        }
        if let Some(remainder) = &mut self.remainder {
            remainder.passed(Instant::now());
        }
    }

    /// Begins to end the script, for the first of its reasons.
    fn fail(&mut self, why: Error, deadline: Instant) {
        self.failure.get_or_insert(why);
        self.end_by(deadline);
    }

    /// Ends all waiting then, or before.
    fn end_by(&mut self, deadline: Instant) {
        let earlier = self.deadline.filter(|earlier| *earlier < deadline);
        self.deadline = earlier.or(Some(deadline));
    }

    fn is_to_be_terminated(&self) -> bool {
        self.failure.is_some() && self.step == StopStep::NotAsked && self.group.id.is_some()
    }

    fn takes_in(&self) -> bool {
        self.passing.is_none() && !self.is_closed
    }

    fn is_complete(&self) -> bool {
        self.passing.is_none() && self.is_closed
    }

    /// Takes in nothing more. Output that may have been the start of the announcement is passed on.
    fn close(&mut self) {
        self.is_closed = true;
        if let (Some(rest), None) = (self.group.rest(), &self.passing) {
            self.pass_on(Stream::Stdout, Bytes::from(rest));
        }
    }

    /// When no more output is waited for after the end. A script that is being ended has its own time.
    fn remainder_deadline(&self) -> Option<Instant> {
        let remainder = self.remainder.as_ref();
        let remainder = remainder.filter(|_| self.takes_in() && self.failure.is_none());
        remainder.map(Remainder::deadline)
    }

    fn conclude(self, lost: impl FnOnce() -> String) -> Result<Ended> {
        match (self.failure, self.ended) {
            (Some(error), _) if matches!(error.blame(), Blame::Stopped(_)) => {
                Ok(Ended::Stopped(error))
            }
            (Some(error), _) => Err(error),
            (None, Some(ended)) => Ok(ended),
            (None, None) => Ok(Ended::Lost(lost())),
        }
    }
}

/// Returns at this time; never without one.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// Passes on some of a piece of output.
pub(super) async fn write(
    stdout: &mut Output,
    stderr: &mut Output,
    piece: Option<&(Stream, Bytes)>,
) -> std::io::Result<usize> {
    match piece {
        Some((Stream::Stdout, piece)) => stdout.write_some(piece).await,
        Some((Stream::Stderr, piece)) => stderr.write_some(piece).await,
        None => Ok(0),
    }
}

/// The name that the protocol gives a signal (RFC 4254, section 6.10).
pub(super) fn name(signal: Sig) -> String {
    match signal {
        Sig::Custom(name) => name,
        known => format!("{known:?}"),
    }
}

/// Sends the script and then the end of input. Reading is from a local file in small pieces, so it needs no
/// thread of its own.
async fn feed(mut script: File, outgoing: &ChannelWriteHalf<Msg>) -> Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = script
            .read(&mut piece)
            .map_err(|error| Error::system(format!("could not read the script: {error}")))?;
        let sent = match piece.get(..length) {
            Some(read) if length > 0 => outgoing.data_bytes(read.to_vec()).await,
            _ => outgoing.eof().await,
        };
        // A script that ends before it is read to its end is no failure, and a lost connection shows elsewhere.
        if sent.is_err() || length == 0 {
            return Ok(());
        }
    }
}
