//! A conversation with a program in the task: what a person types goes there, and what it prints comes back.

use std::future::pending;
use std::time::Duration;

use bytes::{Buf, Bytes};
use fargate_wire::script::Stream;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelWriteHalf};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::connection::Connection;
use super::ending::Ended;
use super::script::{name, until, write};
use super::shell::personal;
use super::terminal::{Terminal, Window};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::signals::Shutdown;

/// How long the server may take to close the channel after the end of the program. On OpenSSH a process that it leaves
/// behind holds the channel open.
const CLOSING: Duration = Duration::from_secs(2);

/// What a person does.
#[derive(Debug)]
pub(crate) enum Input {
    /// Bytes for the program.
    Bytes(Vec<u8>),
    /// The window has another size.
    Resized(Window),
    /// There is no more input.
    End,
    /// The person leaves, whatever the program does.
    Leave,
}

/// What to run, and on what.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    /// The folder to run it in, where that exists.
    pub(crate) folder: Option<&'a str>,
    /// A line for the shell; nothing for the shell itself.
    pub(crate) program: Option<&'a str>,
    /// The terminal to ask for, if any.
    pub(crate) terminal: Option<&'a Terminal>,
}

impl Connection {
    /// Leads a conversation to its end.
    ///
    /// # Errors
    ///
    /// When a standard stream is missing, or nobody takes the output.
    pub(crate) async fn converse(
        &self,
        conversation: &Conversation<'_>,
        input: &mut mpsc::Receiver<Input>,
        shutdown: &Shutdown,
    ) -> Result<Ended> {
        let [mut stdout, mut stderr] = Output::both().map_err(|error| {
            Error::system(format!("could not open the standard streams: {error}"))
        })?;
        let Conversation {
            folder,
            program,
            terminal,
        } = conversation;
        let command = personal(self.is_agent(), *folder, *program);
        let starting = async {
            match terminal {
                Some(terminal) => self.exec_on_terminal(&command, terminal).await,
                None => self.exec(&command).await,
            }
        };
        let opened = tokio::select! {
            opened = starting => opened,
            stopped = shutdown.requested() => return Ok(Ended::Stopped(stopped)),
        };
        let (mut incoming, outgoing) = match opened {
            Ok(channel) => channel,
            Err(why) => return Ok(Ended::Lost(why)),
        };
        let mut talk = Talk::default();
        // Sending may wait until the server takes it, and output must be read meanwhile.
        let sending = send(input, &outgoing);
        tokio::pin!(sending);
        while !talk.is_over() {
            tokio::select! {
                message = incoming.wait(), if talk.takes_in() => talk.take_in(message),
                written = write(&mut stdout, &mut stderr, talk.passing.as_ref()), if talk.passing.is_some() => {
                    talk.written(written)?;
                }
                () = &mut sending => {
                    talk.ended.get_or_insert_with(|| Ended::Lost("it was left by ~.".to_owned()));
                    break;
                }
                stopped = shutdown.requested() => return Ok(Ended::Stopped(stopped)),
                () = until(talk.close_at) => break,
            }
        }
        Ok(talk.ended.unwrap_or_else(|| Ended::Lost(self.lost())))
    }
}

/// The progress of a conversation.
#[derive(Default)]
struct Talk {
    /// Output that is being passed on.
    passing: Option<(Stream, Bytes)>,
    ended: Option<Ended>,
    is_closed: bool,
    /// When the channel counts as closed.
    close_at: Option<Instant>,
}

impl Talk {
    fn takes_in(&self) -> bool {
        self.passing.is_none() && !self.is_closed
    }

    fn is_over(&self) -> bool {
        self.passing.is_none() && self.is_closed
    }

    fn take_in(&mut self, message: Option<ChannelMsg>) {
        match message {
            Some(ChannelMsg::Data { data }) => self.passing = Some((Stream::Stdout, data)),
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                self.passing = Some((Stream::Stderr, data));
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => self.end(Ended::exited(exit_status)),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.end(Ended::Signalled(name(signal_name)));
            }
            Some(ChannelMsg::Failure) => {
                self.ended = Some(Ended::Lost(
                    "its SSH server refused to run a command".into(),
                ));
                self.is_closed = true;
            }
            Some(ChannelMsg::Close) | None => self.is_closed = true,
            Some(_) => {}
        }
    }

    fn end(&mut self, ended: Ended) {
        self.ended = Some(ended);
        self.close_at = Some(Instant::now() + CLOSING);
    }

    fn written(&mut self, written: std::io::Result<usize>) -> Result<()> {
        let length = written
            .map_err(|error| Error::system(format!("could not pass on the output: {error}")))?;
        if let Some((_, output)) = &mut self.passing {
            output.advance(length.min(output.len()));
            if output.is_empty() {
                self.passing = None;
            }
        }
        Ok(())
    }
}

/// Sends what the person does. Returns when the person leaves.
async fn send(input: &mut mpsc::Receiver<Input>, outgoing: &ChannelWriteHalf<Msg>) {
    while let Some(input) = input.recv().await {
        // A lost connection shows elsewhere.
        let _sent = match input {
            Input::Bytes(bytes) => outgoing.data_bytes(bytes).await,
            Input::Resized(window) => {
                let [columns, rows, width, height] = window.numbers();
                outgoing.window_change(columns, rows, width, height).await
            }
            Input::End => outgoing.eof().await,
            Input::Leave => return,
        };
    }
    pending().await
}
