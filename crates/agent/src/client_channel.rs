//! The channel back to a client: output, exit status and messages of the agent.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use bytes::{Bytes, BytesMut};
use fargate_wire::script::Stream;
use russh::server::{Handle, Msg};
use russh::{ChannelWriteHalf, Disconnect};

use crate::shell::process::{NOT_STARTED, OutputSink, SinkClosed, input_lost};
use crate::signals;

/// SSH's code for standard error in extended data (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// A channel on which the client waits for a command's output and end. Each message waits for the client's window.
pub(crate) struct ClientChannel {
    channel: ChannelWriteHalf<Msg>,
    session: Handle,
}

impl ClientChannel {
    pub(crate) fn new(channel: ChannelWriteHalf<Msg>, session: Handle) -> Self {
        Self { channel, session }
    }

    async fn send(&self, stream: Stream, data: Bytes) -> Result<(), russh::Error> {
        match stream {
            Stream::Stdout => self.channel.data_bytes(data).await,
            Stream::Stderr => self.channel.extended_data_bytes(STDERR, data).await,
        }
    }

    /// Reports how the command ended, and closes.
    pub(crate) async fn finish(&self, status: ExitStatus) {
        let sent = match status.signal() {
            Some(number) => {
                let (id, name) = (self.channel.id(), signals::reported(number));
                let text = format!("killed by signal {number}");
                self.session
                    .exit_signal_request(id, name, status.core_dumped(), text, String::new())
                    .await
                    .is_ok()
            }
            None => {
                let code = status.code().and_then(|code| u32::try_from(code).ok());
                self.channel
                    .exit_status(code.unwrap_or(NOT_STARTED))
                    .await
                    .is_ok()
            }
        };
        self.close(sent).await;
    }

    /// Sends a whole answer that does not come from a command, and closes.
    pub(crate) async fn answer(self, answer: Bytes) {
        let sent = self.send(Stream::Stdout, answer).await.is_ok()
            && self.channel.exit_status(0).await.is_ok();
        self.close(sent).await;
    }

    /// Reports why no command runs, and closes.
    pub(crate) async fn refuse(self, status: u32, reason: &str) {
        let text = format!("fargate-agent: {reason}\n");
        let sent = self.send(Stream::Stderr, text.into()).await.is_ok()
            && self.channel.exit_status(status).await.is_ok();
        self.close(sent).await;
    }

    /// Ends the whole connection, because data that the client sent for the command is lost.
    pub(crate) async fn disconnect(&self, error: &io::Error) {
        let text = input_lost(error);
        let reason = Disconnect::ByApplication;
        // A connection that is gone already needs no message.
        self.session
            .disconnect(reason, text, String::new())
            .await
            .ok();
    }

    /// Closes the channel, if the connection still worked for the last message.
    async fn close(&self, sent: bool) {
        if sent && self.channel.eof().await.is_ok() {
            self.channel.close().await.ok();
        }
    }
}

impl OutputSink for ClientChannel {
    const HEAD: usize = 0;

    async fn pass(&self, stream: Stream, buffer: &mut BytesMut) -> Result<(), SinkClosed> {
        self.send(stream, buffer.split().freeze())
            .await
            .map_err(|_| SinkClosed)
    }
}
