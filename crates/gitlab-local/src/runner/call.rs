//! One call of the driver, as the runner makes it: a process group of its own, nothing on standard input, output to the
//! job log as it comes, and a bound for the end.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::cancellation::Cancellation;
use crate::job_log::JobLog;
use crate::runner::driver::Environment;
use crate::runner::failure::JobFailure;
use crate::transfer::Receiver;

/// Time from SIGTERM to SIGKILL. A runner's default is 10 minutes; here a person waits.
const GRACEFUL_KILL_TIMEOUT: Duration = Duration::from_secs(60);

/// Time from SIGKILL to giving up: the runner's own, which differs from its documentation.
const FORCE_KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// One call of a driver.
#[derive(Debug, Clone)]
pub(crate) struct DriverCall {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// The working directory.
    pub(crate) folder: PathBuf,
    pub(crate) environment: Environment,
    /// The file to which the driver writes a script's own exit code.
    pub(crate) code_file: PathBuf,
}

/// Where standard output goes; standard error is logged in any case.
#[derive(Debug)]
pub(crate) enum Stdout<'a> {
    Logged,
    Returned,
    /// Files are taken out of it, and the rest is logged.
    Received(&'a mut Receiver),
}

impl DriverCall {
    /// Executes the call until it has exited and closed its output. Returns its standard output where that is not
    /// logged. When `interrupt` comes first, its process group is ended.
    ///
    /// # Errors
    ///
    /// When the call failed or was interrupted. To the runner, an interrupted call that exits with 0 is a success; the
    /// job is cancelled, or its time over, all the same.
    pub(crate) async fn execute(
        &self,
        log: &mut JobLog,
        stdout: Stdout<'_>,
        interrupt: impl Future<Output = JobFailure>,
        cancellation: &Cancellation,
    ) -> Result<Vec<u8>, JobFailure> {
        let process = self
            .start(matches!(stdout, Stdout::Logged))
            .map_err(|error| JobFailure::System(format!("failed to start command: {error}")))?;
        let group = process.group;
        let mut ended = std::pin::pin!(process.end(log, stdout));
        tokio::select! {
            biased;
            ended = &mut ended => {
                let (status, answer) = ended.map_err(|error| {
                    JobFailure::System(format!("failed to read the output of the command: {error}"))
                })?;
                JobFailure::check(status, &self.code_file)?;
                Ok(answer)
            }
            reason = interrupt => match end_group(group, ended, cancellation).await {
                true => Err(reason),
                false => Err(JobFailure::System(format!(
                    "failed to kill process PID={group}, likely process is dormant"
                ))),
            },
        }
    }

    fn start(&self, is_logged: bool) -> io::Result<Process> {
        // One pipe for both streams keeps their order.
        let (logged, to_log) = pipe_pair()?;
        let (answered, to_answer) = pipe_pair()?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .process_group(0);
        for (key, value) in &self.environment {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        // The unused writer is dropped here, so that its reader sees the end at once.
        command.stdout(match is_logged {
            false => to_answer,
            true => {
                drop(to_answer);
                to_log.try_clone()?
            }
        });
        // The command is dropped on return: it holds the pipes' other ends, which would never close.
        let child = command.stderr(to_log).spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Process {
            child,
            group: group.unwrap_or_default(),
            logged,
            answered,
        })
    }
}

/// A call under way.
struct Process {
    child: Child,
    group: i32,
    logged: pipe::Receiver,
    answered: pipe::Receiver,
}

impl Process {
    /// Waits for the exit and for the end of both outputs.
    async fn end(
        mut self,
        log: &mut JobLog,
        stdout: Stdout<'_>,
    ) -> io::Result<(ExitStatus, Vec<u8>)> {
        if let Stdout::Received(receiver) = stdout {
            let received = receive(self.logged, self.answered, log, receiver);
            let (received, status) = tokio::join!(received, self.child.wait());
            return received.and(Ok((status?, Vec::new())));
        }
        let (logged, answer, status) = tokio::join!(
            copy_to_log(self.logged, log),
            collect(self.answered),
            self.child.wait()
        );
        logged?;
        Ok((status?, answer?))
    }
}

/// Sends SIGTERM to a process group, and SIGKILL when it does not end in time or the job is aborted. Returns whether
/// the group ended.
async fn end_group(
    group: i32,
    mut ended: impl Future + Unpin,
    cancellation: &Cancellation,
) -> bool {
    signal(group, Signal::SIGTERM);
    tokio::select! {
        biased;
        _ = &mut ended => return true,
        () = tokio::time::sleep(GRACEFUL_KILL_TIMEOUT) => {}
        () = cancellation.aborted() => {}
    }
    signal(group, Signal::SIGKILL);
    tokio::time::timeout(FORCE_KILL_TIMEOUT, ended)
        .await
        .is_ok()
}

fn signal(group: i32, signal: Signal) {
    if let Err(error) = killpg(Pid::from_raw(group), signal) {
        tracing::debug!("could not send {signal} to process group {group}: {error}");
    }
}

fn pipe_pair() -> io::Result<(pipe::Receiver, io::PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, writer))
}

/// Copies a pipe to the log until its last writer is gone.
async fn copy_to_log(mut from: pipe::Receiver, log: &mut JobLog) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            count => log.raw(buffer.get(..count).unwrap_or_default()).await,
        }
    }
}

/// Copies both pipes to the log until their last writers are gone, and takes files out of the second.
async fn receive(
    mut logged: pipe::Receiver,
    mut answered: pipe::Receiver,
    log: &mut JobLog,
    receiver: &mut Receiver,
) -> io::Result<()> {
    let (mut complaints, mut output) = (vec![0; 16 * 1024], vec![0; 64 * 1024]);
    let (mut is_logging, mut is_answering) = (true, true);
    while is_logging || is_answering {
        tokio::select! {
            count = logged.read(&mut complaints), if is_logging => match count? {
                0 => is_logging = false,
                count => log.raw(complaints.get(..count).unwrap_or_default()).await,
            },
            count = answered.read(&mut output), if is_answering => match count? {
                0 => is_answering = false,
                count => {
                    let rest = receiver.take(output.get(..count).unwrap_or_default())?;
                    log.raw(&rest).await;
                }
            },
        }
    }
    Ok(())
}

async fn collect(mut from: pipe::Receiver) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    from.read_to_end(&mut kept).await?;
    Ok(kept)
}
