//! One call of the driver, as the runner makes it: a process group of its own, nothing on standard input,
//! output to the job log as it comes, and an end in any case.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;

use crate::stop::Stop;

use super::log::Log;

/// From SIGTERM to SIGKILL. A runner's default is 10 minutes; here somebody sits and waits.
const GRACEFUL_KILL_TIMEOUT: Duration = Duration::from_secs(60);

/// From SIGKILL to giving up (the runner's, which is not what its documentation says).
const FORCE_KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The most of a `config` answer that is kept.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// What of the environment differs from our own; without a value the variable is taken away.
pub(super) type Environment = Vec<(String, Option<String>)>;

/// What to execute.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<std::ffi::OsString>,
    /// The working directory.
    pub(super) folder: PathBuf,
    pub(super) environment: Environment,
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Ended<I> {
    pub(super) status: ExitStatus,
    /// Its standard output, where that was asked for.
    pub(super) answer: Vec<u8>,
    /// Why it was told to stop, if it was.
    pub(super) interrupted: Option<I>,
}

/// Why a call has no exit status. The texts are the runner's.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("failed to start command: {0}")]
    NotStarted(std::io::Error),
    #[error("failed to read the output of the command: {0}")]
    NotRead(std::io::Error),
    #[error("failed to kill process PID={0}, likely process is dormant")]
    Dormant(i32),
}

impl Call {
    /// Executes it until it has exited and closed its output. When `interrupt` comes first, its group is told
    /// to stop, and killed if it does not or if the person insists.
    ///
    /// `keep_answer`: standard output is returned and not logged.
    pub(super) async fn execute<I>(
        &self,
        log: &mut Log,
        keep_answer: bool,
        interrupt: impl Future<Output = I>,
        stop: &Stop,
    ) -> Result<Ended<I>, CallError> {
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
                None => command.env_remove(OsStr::new(key)),
            };
        }
        // The writer that is not used ends here, so that its reader sees the end at once.
        let stdout = match keep_answer {
            true => to_answer,
            false => {
                drop(to_answer);
                to_log.try_clone().map_err(CallError::NotStarted)?
            }
        };
        command.stdout(stdout).stderr(to_log);
        let mut child = command.spawn().map_err(CallError::NotStarted)?;
        // It holds the pipes' other ends, which would never close.
        drop(command);
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .unwrap_or_default();

        let mut interrupted = None;
        let ended = async {
            let (logged, answer, status) =
                tokio::join!(pass_on(logged, log), collect(answered), child.wait());
            logged
                .and(status)
                .and_then(|status| Ok((status, answer?)))
                .map_err(CallError::NotRead)
        };
        let mut ended = std::pin::pin!(ended);
        let result = tokio::select! {
            biased;
            ended = &mut ended => ended,
            why = interrupt => {
                interrupted = Some(why);
                match terminate(pid) {
                    Ok(()) => tokio::select! {
                        biased;
                        ended = &mut ended => ended,
                        () = tokio::time::sleep(GRACEFUL_KILL_TIMEOUT) => kill(pid, &mut ended).await,
                        _ = stop.insisted() => kill(pid, &mut ended).await,
                    },
                    Err(error) => {
                        tracing::debug!("could not signal process group {pid}: {error}");
                        kill(pid, &mut ended).await
                    }
                }
            }
        };
        let (status, answer) = result?;
        Ok(Ended {
            status,
            answer,
            interrupted,
        })
    }
}

fn terminate(group: i32) -> nix::Result<()> {
    killpg(Pid::from_raw(group), Signal::SIGTERM)
}

async fn kill<T>(
    group: i32,
    ended: &mut (impl Future<Output = Result<T, CallError>> + Unpin),
) -> Result<T, CallError> {
    if let Err(error) = killpg(Pid::from_raw(group), Signal::SIGKILL) {
        tracing::debug!("could not kill process group {group}: {error}");
    }
    tokio::time::timeout(FORCE_KILL_TIMEOUT, ended)
        .await
        .unwrap_or(Err(CallError::Dormant(group)))
}

fn pipe_pair() -> Result<(pipe::Receiver, std::io::PipeWriter), CallError> {
    let (reader, writer) = std::io::pipe().map_err(CallError::NotStarted)?;
    let reader = pipe::Receiver::from_owned_fd(reader.into()).map_err(CallError::NotStarted)?;
    Ok((reader, writer))
}

/// Logs what comes until nobody can write any more.
async fn pass_on(mut from: pipe::Receiver, log: &mut Log) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            count => log.raw(buffer.get(..count).unwrap_or_default()).await,
        }
    }
}

/// Keeps what comes, up to the limit.
async fn collect(mut from: pipe::Receiver) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(kept),
            count => {
                let count = count.min(ANSWER_LIMIT - kept.len());
                kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
            }
        }
    }
}
