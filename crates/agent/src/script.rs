//! One command from its start to its exit status.
//!
//! Three things are different from what OpenSSH does, because a CI job needs them so:
//!
//! - The command has ended when its shell has. OpenSSH waits until nobody holds the output open any more, so a
//!   server that a script leaves behind for the next stage would hold up the job until its timeout. What the
//!   shell had written is delivered in full, and so is what comes at once after it (the `tee` of
//!   `exec > >(tee log)` writes its last lines when the shell is already gone).
//! - What is left behind lives on, and may go on writing: its output is read and dropped, or its next line
//!   would be its death by SIGPIPE.
//! - When the client is lost, the command is ended. Its standard input stays open until then: a shell that
//!   met the end of half a script would run it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use russh::server::{Handle, Msg};
use russh::{ChannelWriteHalf, Disconnect};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::attendance::Attendance;
use crate::processes::{Group, Processes};
use crate::shell::{self, Environment};
use crate::signals;
use crate::spool::{self, spool};

/// SSH's code for standard error in extended data (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// Exit status of a command for which there is no shell, as shells have it for a command they do not find.
const NOT_FOUND: u32 = 127;

/// Exit status of a command that could not be started.
const NOT_STARTED: u32 = 126;

/// Bytes read from a pipe at a time: the capacity of a pipe on Linux.
const PIECE: usize = 64 * 1024;

/// How long to wait in all for what comes after the end of the shell while something else holds its output open.
const LINGER: Duration = Duration::from_millis(250);

/// Bytes to take at most after the end of the shell. More than a pipe can hold (1 MiB unless root raises it), so
/// that what the shell wrote is among them.
const LEFTOVER: usize = 4 * 1024 * 1024;

/// Time between SIGTERM and SIGKILL for a command whose client is gone.
const GRACE: Duration = Duration::from_secs(10);

/// What commands share.
pub(crate) struct Host {
    pub(crate) processes: Processes,
    pub(crate) environment: Environment,
    pub(crate) attendance: Attendance,
    /// Whether the agent is about to leave.
    pub(crate) stopping: watch::Sender<bool>,
}

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
            Some(mut command) => start(host, &mut command).map_err(|error| {
                let advice = "a long script must come on standard input";
                (
                    NOT_STARTED,
                    format!("cannot start the command: {error:#}; {advice}"),
                )
            }),
            None => {
                let shells = shell::CANDIDATES.join(", ");
                Err((
                    NOT_FOUND,
                    format!("shell not found; the image needs one of {shells}"),
                ))
            }
        };
        let (group, running) = match started {
            Ok(started) => started,
            Err((status, message)) => {
                tokio::spawn(async move { output.refuse(status, &message).await });
                return None;
            }
        };
        let (stdin, sent) = spool();
        let (attached, attachment) = watch::channel(());
        tokio::spawn(run(Arc::clone(host), running, sent, output, attachment));
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

/// A shell that was started, and our ends of its pipes.
struct Running {
    group: Group,
    exit: oneshot::Receiver<ExitStatus>,
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

fn start(host: &Host, command: &mut std::process::Command) -> Result<(Group, Running)> {
    let (child, group, exit) = host.processes.start(command)?;
    let pipes = |child: Child| -> Result<_> {
        let stdin = OwnedFd::from(child.stdin.context("no pipe for standard input")?);
        let stdout = OwnedFd::from(child.stdout.context("no pipe for standard output")?);
        let stderr = OwnedFd::from(child.stderr.context("no pipe for standard error")?);
        Ok(Running {
            group,
            exit,
            stdin: pipe::Sender::from_owned_fd(stdin)?,
            stdout: pipe::Receiver::from_owned_fd(stdout)?,
            stderr: pipe::Receiver::from_owned_fd(stderr)?,
        })
    };
    match pipes(child) {
        Ok(running) => Ok((group, running)),
        Err(error) => {
            host.processes.signal(group, Signal::KILL);
            Err(error)
        }
    }
}

/// Serves a command until its shell has ended and the client knows, or until the client has gone.
async fn run(
    host: Arc<Host>,
    running: Running,
    sent: spool::Reader,
    output: Output,
    mut attachment: watch::Receiver<()>,
) {
    let Running {
        group,
        exit,
        stdin,
        mut stdout,
        mut stderr,
    } = running;
    let (exited, exit_seen) = watch::channel(false);
    let shell = async {
        let status = exit.await;
        exited.send_replace(true);
        status
    };
    let work = async {
        let (status, ..) = tokio::join!(
            shell,
            forward(&mut stdout, &output, Stream::Stdout, exit_seen.clone()),
            forward(&mut stderr, &output, Stream::Stderr, exit_seen.clone()),
        );
        status
    };
    let gone = async { while attachment.changed().await.is_ok() {} };
    let mut stdin = Some(stdin);
    let feeding = async {
        match feed(&mut stdin, &sent).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    let end = tokio::select! {
        status = work => End::Exited(status),
        () = gone => End::Unattended,
        error = feeding => End::NotFed(error),
    };

    tokio::spawn(discard(stdout));
    tokio::spawn(discard(stderr));
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
    // Only now: a command that was cut off must not meet the end of its input before SIGTERM.
    drop(stdin);
}

/// How a command came to its end.
enum End {
    Exited(Result<ExitStatus, oneshot::error::RecvError>),
    /// The client has gone.
    Unattended,
    /// What the client sent could not be kept.
    NotFed(io::Error),
}

/// Writes to the command what the client sends, until its end, and drops what the command does not want.
async fn feed(pipe: &mut Option<pipe::Sender>, sent: &spool::Reader) -> io::Result<()> {
    while let Some(data) = sent.read().await? {
        if let Some(open) = pipe
            && open.write_all(&data).await.is_err()
        {
            *pipe = None;
        }
    }
    *pipe = None;
    Ok(())
}

/// Sends to the client what comes out of `pipe`, until its end, or until there is enough after the shell's end.
async fn forward(
    pipe: &mut pipe::Receiver,
    output: &Output,
    stream: Stream,
    mut exited: watch::Receiver<bool>,
) -> Result<(), russh::Error> {
    let mut buffer = BytesMut::new();
    let ended = async { exited.wait_for(|exited| *exited).await.is_ok() };
    tokio::pin!(ended);
    loop {
        buffer.reserve(PIECE);
        tokio::select! {
            read = pipe.read_buf(&mut buffer) => match read {
                Ok(1..) => output.send(stream, buffer.split().freeze()).await?,
                Ok(0) | Err(_) => return Ok(()),
            },
            _ = &mut ended => break,
        }
    }
    let mut patience = LINGER;
    let mut leftover = LEFTOVER;
    while leftover > 0 {
        buffer.reserve(PIECE);
        let asked = Instant::now();
        match timeout(patience, pipe.read_buf(&mut buffer)).await {
            Ok(Ok(1..)) => (),
            Ok(Ok(0) | Err(_)) | Err(_) => break,
        }
        // Only waiting for the pipe counts. A client may be as slow as it likes.
        patience = patience.saturating_sub(asked.elapsed());
        leftover = leftover.saturating_sub(buffer.len());
        output.send(stream, buffer.split().freeze()).await?;
    }
    Ok(())
}

/// Reads `pipe` to its end for those who still write to it.
async fn discard(mut pipe: pipe::Receiver) {
    let mut nowhere = tokio::io::sink();
    // There is nobody to tell of a failure, and nothing to be done.
    tokio::io::copy(&mut pipe, &mut nowhere).await.ok();
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// The channel back to the client. Whatever is sent waits for the client's window.
pub(crate) struct Output {
    pub(crate) channel: ChannelWriteHalf<Msg>,
    pub(crate) session: Handle,
}

impl Output {
    async fn send(&self, stream: Stream, data: Bytes) -> Result<(), russh::Error> {
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

    /// Tells why there is no command, and closes.
    async fn refuse(self, status: u32, reason: &str) {
        let text = format!("fargate-agent: {reason}\n");
        let told = self.send(Stream::Stderr, text.into()).await.is_ok()
            && self.channel.exit_status(status).await.is_ok();
        self.close(told).await;
    }

    /// Gives the connection up: what the client sent for the command is lost.
    async fn abandon(&self, error: &io::Error) {
        let text =
            format!("cannot keep what the command has not read yet: {error}; is the disk full?");
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
