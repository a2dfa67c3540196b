//! One shell from its start to its end: its standard input is fed, and its output passed on.
//!
//! Two things differ from OpenSSH, because a CI job needs them:
//!
//! - The end of the shell is the end. OpenSSH waits until no process holds the output open, so a server that a script
//!   leaves running for the next stage would block the job until its timeout. Everything that the shell wrote is
//!   delivered, and so is output that follows within a moment: the `tee` of `exec > >(tee log)` writes its last lines
//!   after the shell has ended.
//! - Processes that the shell leaves behind live on and may continue to write. The agent reads and drops their output,
//!   because the next line would otherwise kill them by SIGPIPE.

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

use super::host::Host;
use super::spool::SpoolReader;
use crate::processes::ProcessGroup;

/// Bytes read from a pipe at a time: the capacity of a pipe on Linux.
pub(crate) const READ: usize = 64 * 1024;

/// Total time to wait for output after the end of the shell while another process holds it open.
const LINGER: Duration = Duration::from_millis(250);

/// Bytes to read at most after the end of the shell. A pipe holds less (1 MiB unless root raises it), so everything
/// that the shell wrote is among them.
const LEFTOVER: usize = 4 * 1024 * 1024;

/// Time between SIGTERM and SIGKILL for a shell whose client is gone.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Exit status when no shell exists; shells use it for a command that they do not find.
const NOT_FOUND: u32 = 127;

/// Exit status of a command that could not be started.
pub(crate) const NOT_STARTED: u32 = 126;

/// A shell that was started, and our ends of its pipes.
pub(crate) struct ShellProcess {
    pub(crate) group: ProcessGroup,
    exit: oneshot::Receiver<ExitStatus>,
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

/// Why no shell runs, and the exit status that reports it.
pub(crate) struct NoShell {
    pub(crate) status: u32,
    pub(crate) reason: String,
}

/// How a shell ended.
pub(crate) enum ShellEnd {
    Exited(Result<ExitStatus, oneshot::error::RecvError>),
    /// Nobody waits for it any more. It still runs.
    Abandoned,
    /// Data that the client sent was lost. The shell still runs.
    InputLost(io::Error),
}

/// A shell's standard input, held open until no process of the shell is left.
///
/// A shell that is cut off must not find the end of its input before SIGTERM, or it would run half a script.
pub(crate) struct HeldStdin(#[expect(dead_code, reason = "held, not used")] Option<pipe::Sender>);

/// Where a shell's output goes.
pub(crate) trait OutputSink {
    /// Bytes to leave free before each piece.
    const HEAD: usize;

    /// Takes the bytes in `buffer`, head included, once it has room for them.
    ///
    /// # Errors
    /// When the output can go nowhere any more.
    async fn pass(&self, stream: Stream, buffer: &mut BytesMut) -> Result<(), SinkClosed>;
}

/// The output can go nowhere any more.
pub(crate) struct SinkClosed;

impl ShellProcess {
    /// Starts a shell that runs `command`.
    pub(crate) fn for_command(host: &Host, command: &[u8]) -> Result<Self, NoShell> {
        Self::start(host, host.environment.command(command), |error| {
            format!(
                "cannot start the command: {error:#}; a long script must come on standard input"
            )
        })
    }

    /// Starts a shell that reads a script from its standard input.
    pub(crate) fn for_script(host: &Host) -> Result<Self, NoShell> {
        Self::start(host, host.environment.interpreter(), |error| {
            format!("cannot start the shell: {error:#}")
        })
    }

    fn start(
        host: &Host,
        command: Option<Command>,
        describe: impl FnOnce(anyhow::Error) -> String,
    ) -> Result<Self, NoShell> {
        let mut command = command.ok_or_else(|| NoShell {
            status: NOT_FOUND,
            reason: host.environment.no_interpreter(),
        })?;
        Self::spawn(host, &mut command).map_err(|error| NoShell {
            status: NOT_STARTED,
            reason: describe(error),
        })
    }

    fn spawn(host: &Host, command: &mut Command) -> Result<Self> {
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

    /// Serves the shell until it has ended and its output is passed on, or until `abandoned` resolves.
    pub(crate) async fn serve(
        self,
        input: &SpoolReader,
        sink: &impl OutputSink,
        abandoned: impl Future<Output = ()>,
    ) -> (ShellEnd, HeldStdin) {
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
                forward(&mut stdout, sink, Stream::Stdout, exit_seen.clone()),
                forward(&mut stderr, sink, Stream::Stderr, exit_seen.clone()),
            );
            status
        };
        let mut stdin = Some(stdin);
        let feeding = async {
            match feed(&mut stdin, input).await {
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        let end = tokio::select! {
            status = work => ShellEnd::Exited(status),
            () = abandoned => ShellEnd::Abandoned,
            error = feeding => ShellEnd::InputLost(error),
        };
        tokio::spawn(discard(stdout));
        tokio::spawn(discard(stderr));
        (end, HeldStdin(stdin))
    }
}

/// Writes the client's data to the shell until its end, and drops it once the shell has closed its input.
async fn feed(pipe: &mut Option<pipe::Sender>, input: &SpoolReader) -> io::Result<()> {
    while let Some(data) = input.read().await? {
        if let Some(open) = pipe
            && open.write_all(&data).await.is_err()
        {
            *pipe = None;
        }
    }
    *pipe = None;
    Ok(())
}

/// Passes on the output in `pipe`, until its end, or until the shell has ended and its own output is passed on.
async fn forward<S: OutputSink>(
    pipe: &mut pipe::Receiver,
    sink: &S,
    stream: Stream,
    mut exited: watch::Receiver<bool>,
) -> Result<(), SinkClosed> {
    let mut buffer = BytesMut::new();
    let ended = async { exited.wait_for(|exited| *exited).await.is_ok() };
    tokio::pin!(ended);
    loop {
        make_room(&mut buffer, S::HEAD);
        tokio::select! {
            read = pipe.read_buf(&mut buffer) => match read {
                Ok(1..) => sink.pass(stream, &mut buffer).await?,
                Ok(0) | Err(_) => return Ok(()),
            },
            _ = &mut ended => break,
        }
    }
    let mut patience = LINGER;
    let mut leftover = LEFTOVER;
    while leftover > 0 {
        make_room(&mut buffer, S::HEAD);
        let begun = Instant::now();
        let length = match timeout(patience, pipe.read_buf(&mut buffer)).await {
            Ok(Ok(length @ 1..)) => length,
            Ok(Ok(0) | Err(_)) | Err(_) => break,
        };
        // Only the time spent waiting for the pipe counts. A client may be slow.
        patience = patience.saturating_sub(begun.elapsed());
        leftover = leftover.saturating_sub(length);
        sink.pass(stream, &mut buffer).await?;
    }
    Ok(())
}

/// Empties the buffer but for an unwritten head, and reserves room for a piece.
fn make_room(buffer: &mut BytesMut, head: usize) {
    buffer.clear();
    buffer.reserve(READ);
    buffer.resize(head, 0);
}

/// Reads `pipe` to its end, for the processes that still write to it.
async fn discard(mut pipe: pipe::Receiver) {
    let mut nowhere = tokio::io::sink();
    // A failure concerns nobody, and there is nothing to do about it.
    tokio::io::copy(&mut pipe, &mut nowhere).await.ok();
}

/// The message for a client whose data was lost.
pub(crate) fn input_lost(error: &io::Error) -> String {
    format!("cannot keep input that the command has not read yet: {error}")
}
