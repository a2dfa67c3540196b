//! A command whose client is there from its start to its end (SSH's `exec`).
//!
//! When the client is lost, the command is ended. Its standard input stays open until then: a shell that met the
//! end of half a script would run it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use bytes::Bytes;
use fargate_wire::script::Stream;
use russh::server::{Handle, Msg};
use russh::{ChannelWriteHalf, Disconnect};
use rustix::process::Signal;
use tokio::sync::watch;

use crate::execution::{Destination, End, Execution, GRACE, Host};
use crate::processes::Group;
use crate::shell;
use crate::signals;
use crate::spool::{self, spool};

/// SSH's code for standard error in extended data (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// Exit status of a command for which there is no shell, as shells have it for a command they do not find.
pub(crate) const NOT_FOUND: u32 = 127;

/// Exit status of a command that could not be started.
pub(crate) const NOT_STARTED: u32 = 126;

/// The client's side of a command. Dropping it means that the client is gone.
pub(crate) struct Script {
    host: Arc<Host>,
    group: Group,
    stdin: spool::Writer,
    attached: watch::Sender<()>,
}

impl Script {
    /// Starts `command`; its output and its end go to the client by `output`. `None` when it could not be
    /// started, which the client is then told in the same way.
    pub(crate) fn start(host: &Arc<Host>, command: &[u8], output: Output) -> Option<Self> {
        let started = match shell::command(command, &host.environment) {
            Some(mut command) => Execution::start(host, &mut command).map_err(|error| {
                let advice = "a long script must come on standard input";
                (
                    NOT_STARTED,
                    format!("cannot start the command: {error:#}; {advice}"),
                )
            }),
            None => Err((NOT_FOUND, shell::missing())),
        };
        let execution = match started {
            Ok(execution) => execution,
            Err((status, message)) => {
                tokio::spawn(async move { output.refuse(status, &message).await });
                return None;
            }
        };
        let group = execution.group;
        let (stdin, sent) = spool();
        let (attached, attachment) = watch::channel(());
        tokio::spawn(run(Arc::clone(host), execution, sent, output, attachment));
        Some(Self {
            host: Arc::clone(host),
            group,
            stdin,
            attached,
        })
    }

    /// Passes on standard input.
    pub(crate) fn write(&self, data: &[u8]) {
        self.stdin.write(data);
    }

    /// Ends standard input.
    pub(crate) fn end_of_input(&self) {
        self.stdin.end();
    }

    /// Sends a signal to the whole process group.
    pub(crate) fn signal(&self, signal: Signal) {
        self.host.processes.signal(self.group, signal);
    }

    /// Whether its end has been told to the client.
    pub(crate) fn has_ended(&self) -> bool {
        self.attached.is_closed()
    }
}

/// Serves a command until its shell has ended and the client knows, or until the client has gone.
async fn run(
    host: Arc<Host>,
    execution: Execution,
    sent: spool::Reader,
    output: Output,
    mut attachment: watch::Receiver<()>,
) {
    let group = execution.group;
    let gone = async { while attachment.changed().await.is_ok() {} };
    let (end, stdin) = execution
        .attend(&sent, &Destination::Client(&output), gone)
        .await;
    match end {
        // An exit status blames the script. Whoever stops the agent stops its scripts, and that the client is
        // to learn from the connection.
        End::Exited(Ok(status)) if !*host.stopping.borrow() => output.end(status).await,
        End::Exited(_) => (),
        End::Unattended => host.processes.end(group, GRACE).await,
        End::NotFed(error) => {
            output.abandon(&error).await;
            host.processes.end(group, GRACE).await;
        }
    }
    drop(stdin);
}

/// The channel back to the client. Whatever is sent waits for the client's window.
pub(crate) struct Output {
    pub(crate) channel: ChannelWriteHalf<Msg>,
    pub(crate) session: Handle,
}

impl Output {
    pub(crate) async fn send(&self, stream: Stream, data: Bytes) -> Result<(), russh::Error> {
        match stream {
            Stream::Stdout => self.channel.data_bytes(data).await,
            Stream::Stderr => self.channel.extended_data_bytes(STDERR, data).await,
        }
    }

    /// Tells how the command ended, and closes.
    async fn end(&self, status: ExitStatus) {
        let told = match status.signal() {
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
        self.close(told).await;
    }

    /// Tells a whole answer that no command gave, and closes.
    pub(crate) async fn tell(self, answer: Bytes) {
        let told = self.send(Stream::Stdout, answer).await.is_ok()
            && self.channel.exit_status(0).await.is_ok();
        self.close(told).await;
    }

    /// Tells why there is no command, and closes.
    pub(crate) async fn refuse(self, status: u32, reason: &str) {
        let text = format!("fargate-agent: {reason}\n");
        let told = self.send(Stream::Stderr, text.into()).await.is_ok()
            && self.channel.exit_status(status).await.is_ok();
        self.close(told).await;
    }

    /// Gives the connection up: what the client sent for the command is lost.
    async fn abandon(&self, error: &io::Error) {
        let text = not_kept(error);
        let reason = Disconnect::ByApplication;
        // A connection that is gone already needs no telling.
        self.session
            .disconnect(reason, text, String::new())
            .await
            .ok();
    }

    async fn close(&self, told: bool) {
        // When one message finds the connection gone, so would the next.
        if told && self.channel.eof().await.is_ok() {
            self.channel.close().await.ok();
        }
    }
}

/// What to say when the client's data has been lost.
pub(crate) fn not_kept(error: &io::Error) -> String {
    format!("cannot keep what the command has not read yet: {error}")
}
