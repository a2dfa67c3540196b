//! One shell from its start to its end: its standard input fed, its output passed on.
//!
//! Two things are different from what OpenSSH does, because a CI job needs them so:
//!
//! - It has ended when the shell has. OpenSSH waits until nobody holds the output open any more, so a server that a
//!   script leaves behind for the next stage would hold up the job until its timeout. What the shell had written is
//!   delivered in full, and so is what comes at once after it (the `tee` of `exec > >(tee log)` writes its last lines
//!   when the shell is already gone).
//! - What is left behind lives on, and may go on writing: its output is read and dropped, or its next line would be
//!   its death by SIGPIPE.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::BytesMut;
use fargate_wire::script::Stream;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::attendance::Attendance;
use crate::processes::{Group, Processes};
use crate::run::Runs;
use crate::script::Output;
use crate::shell::Environment;
use crate::spool;

/// Bytes read from a pipe at a time: the capacity of a pipe on Linux.
pub(crate) const PIECE: usize = 64 * 1024;

/// How long to wait in all for what comes after the end of the shell while something else holds its output open.
const LINGER: Duration = Duration::from_millis(250);

/// Bytes to take at most after the end of the shell. More than a pipe can hold (1 MiB unless root raises it), so
/// that what the shell wrote is among them.
const LEFTOVER: usize = 4 * 1024 * 1024;

/// Time between SIGTERM and SIGKILL for a shell whose client is gone.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// What shells share.
pub(crate) struct Host {
    pub(crate) processes: Processes,
    pub(crate) environment: Environment,
    pub(crate) attendance: Attendance,
    pub(crate) runs: Runs,
    /// Whether the agent is about to leave.
    pub(crate) stopping: watch::Sender<bool>,
}

/// A shell that was started, and our ends of its pipes.
pub(crate) struct Execution {
    pub(crate) group: Group,
    exit: oneshot::Receiver<ExitStatus>,
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

/// How a shell came to its end.
pub(crate) enum End {
    Exited(Result<ExitStatus, oneshot::error::RecvError>),
    /// Nobody wants it any more.
    Unattended,
    /// What the client sent could not be kept.
    NotFed(io::Error),
}

/// A shell's standard input after its end, to be held open until nothing is left of the shell: one that was cut off
/// must not meet the end of its input before SIGTERM, or it would run half a script.
pub(crate) struct Stdin(#[expect(dead_code, reason = "held, not used")] Option<pipe::Sender>);

/// Who gets the output.
pub(crate) enum Destination<'a> {
    Client(&'a Output),
    Log(&'a crate::log::Log),
}

/// The output can go nowhere any more.
struct Gone;

impl Destination<'_> {
    /// Bytes to leave free before each piece.
    fn head(&self) -> usize {
        match self {
            Self::Client(_) => 0,
            Self::Log(_) => fargate_wire::script::HEAD,
        }
    }

    /// Takes what is in `buffer`, head included, once there is room for it.
    async fn pass(&self, stream: Stream, buffer: &mut BytesMut) -> Result<(), Gone> {
        match self {
            Self::Client(output) => output
                .send(stream, buffer.split().freeze())
                .await
                .map_err(|_| Gone),
            Self::Log(log) => {
                log.append_output(stream, buffer).await;
                Ok(())
            }
        }
    }
}

impl Execution {
    /// Starts a shell.
    pub(crate) fn start(host: &Host, command: &mut Command) -> Result<Self> {
        let (child, group, exit) = host.processes.start(command)?;
        let pipes = |child: Child| -> Result<_> {
            let stdin = OwnedFd::from(child.stdin.context("no pipe for standard input")?);
            let stdout = OwnedFd::from(child.stdout.context("no pipe for standard output")?);
            let stderr = OwnedFd::from(child.stderr.context("no pipe for standard error")?);
            Ok(Self {
                group,
                exit,
                stdin: pipe::Sender::from_owned_fd(stdin)?,
                stdout: pipe::Receiver::from_owned_fd(stdout)?,
                stderr: pipe::Receiver::from_owned_fd(stderr)?,
            })
        };
        pipes(child).inspect_err(|_| host.processes.signal(group, Signal::KILL))
    }

    /// Serves the shell until it has ended and its output is passed on, or until `unwanted`.
    pub(crate) async fn attend(
        self,
        sent: &spool::Reader,
        destination: &Destination<'_>,
        unwanted: impl Future<Output = ()>,
    ) -> (End, Stdin) {
        let Self {
            exit,
            stdin,
            mut stdout,
            mut stderr,
            ..
        } = self;
        let (exited, exit_seen) = watch::channel(false);
        let shell = async {
            let status = exit.await;
            exited.send_replace(true);
            status
        };
        let work = async {
            let (status, ..) = tokio::join!(
                shell,
                forward(&mut stdout, destination, Stream::Stdout, exit_seen.clone()),
                forward(&mut stderr, destination, Stream::Stderr, exit_seen.clone()),
            );
            status
        };
        let mut stdin = Some(stdin);
        let feeding = async {
            match feed(&mut stdin, sent).await {
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        let end = tokio::select! {
            status = work => End::Exited(status),
            () = unwanted => End::Unattended,
            error = feeding => End::NotFed(error),
        };
        tokio::spawn(discard(stdout));
        tokio::spawn(discard(stderr));
        (end, Stdin(stdin))
    }
}

/// Writes to the shell what the client sends, until its end, and drops what the shell does not want.
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

/// Passes on what comes out of `pipe`, until its end, or until there is enough after the shell's end.
async fn forward(
    pipe: &mut pipe::Receiver,
    destination: &Destination<'_>,
    stream: Stream,
    mut exited: watch::Receiver<bool>,
) -> Result<(), Gone> {
    let mut buffer = BytesMut::new();
    let ended = async { exited.wait_for(|exited| *exited).await.is_ok() };
    tokio::pin!(ended);
    loop {
        make_room(&mut buffer, destination.head());
        tokio::select! {
            read = pipe.read_buf(&mut buffer) => match read {
                Ok(1..) => destination.pass(stream, &mut buffer).await?,
                Ok(0) | Err(_) => return Ok(()),
            },
            _ = &mut ended => break,
        }
    }
    let mut patience = LINGER;
    let mut leftover = LEFTOVER;
    while leftover > 0 {
        make_room(&mut buffer, destination.head());
        let asked = Instant::now();
        let length = match timeout(patience, pipe.read_buf(&mut buffer)).await {
            Ok(Ok(length @ 1..)) => length,
            Ok(Ok(0) | Err(_)) | Err(_) => break,
        };
        // Only waiting for the pipe counts. A client may be as slow as it likes.
        patience = patience.saturating_sub(asked.elapsed());
        leftover = leftover.saturating_sub(length);
        destination.pass(stream, &mut buffer).await?;
    }
    Ok(())
}

/// Makes the buffer one with nothing but a head that is still to be written, and room for a piece.
fn make_room(buffer: &mut BytesMut, head: usize) {
    buffer.clear();
    buffer.reserve(PIECE);
    buffer.resize(head, 0);
}

/// Reads `pipe` to its end for those who still write to it.
async fn discard(mut pipe: pipe::Receiver) {
    let mut nowhere = tokio::io::sink();
    // There is nobody to tell of a failure, and nothing to be done.
    tokio::io::copy(&mut pipe, &mut nowhere).await.ok();
}
