//! One shell from its start to its end: its standard input is fed, and its output passed on.
//!
//! Two things differ from OpenSSH, because a CI job needs them:
//!
//! - The end of the shell is the end. OpenSSH waits until no process holds the output open, so a server that a script
//!   leaves running for the next stage would block the job until its timeout. Everything that the shell wrote is
//!   delivered, and so is output that follows within a second: the `tee` of `exec > >(tee log)` writes its last lines
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
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout};

use super::host::Host;
use super::output_pipes::OutputPipes;
use super::spool::SpoolReader;
use crate::processes::ProcessGroup;

/// Bytes read at a time of output that is dropped.
const DISCARDED: usize = 8 * 1024;

/// Bytes read from a pipe at a time: the capacity of a pipe on Linux.
pub(crate) const READ: usize = 64 * 1024;

/// Total time to wait for output after the end of the shell while another process holds it open.
const LINGER: Duration = Duration::from_secs(1);

/// Time for the end of a shell whose further input is lost: it may not need any.
const WITHOUT_INPUT: Duration = Duration::from_secs(1);

/// Bytes to read at most after the end of the shell. The two pipes hold less (1 MiB each unless root raises it), so
/// everything that the shell wrote is among them.
const LEFTOVER: usize = 4 * 1024 * 1024;

/// Time between SIGTERM and SIGKILL for a shell whose client is gone.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Exit status when no shell exists; shells use it for a command that they do not find.
pub(crate) const NOT_FOUND: u32 = 127;

/// Exit status of a command that could not be started.
pub(crate) const NOT_STARTED: u32 = 126;

/// A shell that was started, and our ends of its pipes.
pub(crate) struct ShellProcess {
    pub(crate) group: ProcessGroup,
    exit: oneshot::Receiver<ExitStatus>,
    stdin: pipe::Sender,
    output: OutputPipes,
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
    /// Data that the client sent was lost, and the shell waits for it.
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
                output: OutputPipes::new(stdout, stderr)?,
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
            mut output,
            ..
        } = self;
        let (exited, exit_seen) = watch::channel(false);
        let shell = async {
            let status = exit.await;
            exited.send_replace(true);
            status
        };
        let work = async {
            let (status, _) = tokio::join!(shell, forward(&mut output, sink, exit_seen.clone()));
            status
        };
        let mut stdin = Some(stdin);
        let end = tokio::select! {
            status = work => ShellEnd::Exited(status),
            () = abandoned => ShellEnd::Abandoned,
            error = lose_input(&mut stdin, input, exit_seen.clone()) => ShellEnd::InputLost(error),
        };
        tokio::spawn(discard(output));
        (end, HeldStdin(stdin))
    }
}

/// Feeds the shell. Returns once data is missing that the shell waits for.
async fn lose_input(
    pipe: &mut Option<pipe::Sender>,
    input: &SpoolReader,
    mut exited: watch::Receiver<bool>,
) -> io::Error {
    if let Err(error) = feed(pipe, input).await {
        let ended = exited.wait_for(|exited| *exited);
        if timeout(WITHOUT_INPUT, ended).await.is_err() {
            return error;
        }
    }
    std::future::pending().await
}

/// Writes the client's data to the shell until its end, or until the shell has closed its input.
async fn feed(pipe: &mut Option<pipe::Sender>, input: &SpoolReader) -> io::Result<()> {
    while let Some(data) = input.read().await? {
        if let Some(open) = pipe
            && open.write_all(&data).await.is_err()
        {
            // Whatever follows is dropped.
            input.abandon();
            break;
        }
    }
    *pipe = None;
    Ok(())
}

/// Passes on the output until its end, or until the shell has ended and its own output is passed on.
async fn forward<S: OutputSink>(
    output: &mut OutputPipes,
    sink: &S,
    mut exited: watch::Receiver<bool>,
) -> Result<(), SinkClosed> {
    let mut buffer = vec![0; READ];
    let ended = async { exited.wait_for(|exited| *exited).await.is_ok() };
    tokio::pin!(ended);
    loop {
        let read = tokio::select! {
            read = output.read(&mut buffer) => read,
            _ = &mut ended => break,
        };
        match read {
            Some((stream, length)) => pass(sink, stream, buffer.get(..length)).await?,
            None => return Ok(()),
        }
        // Neither reading nor a log without a driver waits for anything, and other connections need their turn.
        consume_budget().await;
    }
    let mut patience = LINGER;
    let mut leftover = LEFTOVER;
    while leftover > 0 {
        let begun = Instant::now();
        let Ok(Some((stream, length))) = timeout(patience, output.read(&mut buffer)).await else {
            break;
        };
        // Only the time spent waiting for the pipes counts. A client may be slow.
        patience = patience.saturating_sub(begun.elapsed());
        leftover = leftover.saturating_sub(length);
        pass(sink, stream, buffer.get(..length)).await?;
        consume_budget().await;
    }
    Ok(())
}

/// Passes on a piece of output, with room for a head before it.
async fn pass<S: OutputSink>(
    sink: &S,
    stream: Stream,
    output: Option<&[u8]>,
) -> Result<(), SinkClosed> {
    let output = output.unwrap_or_default();
    let mut piece = BytesMut::with_capacity(S::HEAD + output.len());
    piece.resize(S::HEAD, 0);
    piece.extend_from_slice(output);
    sink.pass(stream, &mut piece).await
}

/// Reads the pipes to their end, for the processes that still write to them.
async fn discard(mut output: OutputPipes) {
    let mut buffer = vec![0; DISCARDED];
    while output.read(&mut buffer).await.is_some() {
        // Other tasks have their turn beside a process that never stops.
        tokio::task::yield_now().await;
    }
}

/// The message for a client whose data was lost.
pub(crate) fn input_lost(error: &io::Error) -> String {
    format!("cannot keep input that the command has not read yet: {error}")
}
