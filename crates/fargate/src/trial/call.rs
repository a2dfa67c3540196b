//! One call of the driver, as the runner makes it: a process group of its own, nothing on standard input,
//! output to the job log as it comes, and an end in any case.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;

use crate::signals::Shutdown;

use super::failure::Failure;
use super::log::Log;

/// From SIGTERM to SIGKILL. A runner's default is 10 minutes; here somebody sits and waits.
const GRACEFUL_KILL_TIMEOUT: Duration = Duration::from_secs(60);

/// From SIGKILL to giving up (the runner's, which is not what its documentation says).
const FORCE_KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// What of the environment differs from our own; without a value the variable is taken away.
pub(super) type Environment = Vec<(String, Option<String>)>;

/// What to execute.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// The working directory.
    pub(super) folder: PathBuf,
    pub(super) environment: Environment,
    /// Where the driver leaves a script's own exit code.
    pub(super) code_file: PathBuf,
}

/// Where standard output goes; standard error is logged in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stdout {
    Logged,
    Returned,
}

impl Call {
    /// Executes it until it has exited and closed its output, and returns that if it was asked for. When
    /// `interrupt` comes first, its group is told to stop, and killed if it does not or if the person insists.
    ///
    /// # Errors
    ///
    /// When it failed or was interrupted. A call that was told to stop may well have exited with 0, which counts
    /// as success of the call; the job is canceled all the same, or its time over.
    pub(super) async fn execute(
        &self,
        log: &mut Log,
        stdout: Stdout,
        interrupt: impl Future<Output = Failure>,
        stop: &Shutdown,
    ) -> Result<Vec<u8>, Failure> {
        let not_started =
            |error: std::io::Error| Failure::System(format!("failed to start command: {error}"));
        // One pipe for both streams keeps their order.
        let (logged, to_log) = pipe_pair().map_err(not_started)?;
        let (answered, to_answer) = pipe_pair().map_err(not_started)?;
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
        // The writer that is not used ends here, so that its reader sees the end at once.
        command.stdout(match stdout {
            Stdout::Returned => to_answer,
            Stdout::Logged => {
                drop(to_answer);
                to_log.try_clone().map_err(not_started)?
            }
        });
        let mut child = command.stderr(to_log).spawn().map_err(not_started)?;
        // It holds the pipes' other ends, which would never close.
        drop(command);
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .unwrap_or_default();

        let ended = async {
            let (logged, answer, status) =
                tokio::join!(pass_on(logged, log), collect(answered), child.wait());
            let ended = logged.and(status).and_then(|status| Ok((status, answer?)));
            ended.map_err(|error| {
                Failure::System(format!("failed to read the output of the command: {error}"))
            })
        };
        let mut ended = std::pin::pin!(ended);
        tokio::select! {
            biased;
            ended = &mut ended => {
                let (status, answer): (ExitStatus, _) = ended?;
                Failure::check(status, &self.code_file)?;
                Ok(answer)
            }
            why = interrupt => {
                signal(group, Signal::SIGTERM);
                tokio::select! {
                    biased;
                    _ = &mut ended => return Err(why),
                    () = tokio::time::sleep(GRACEFUL_KILL_TIMEOUT) => {}
                    _ = stop.insisted() => {}
                }
                signal(group, Signal::SIGKILL);
                match tokio::time::timeout(FORCE_KILL_TIMEOUT, ended).await {
                    Ok(_) => Err(why),
                    Err(_) => Err(Failure::System(format!(
                        "failed to kill process PID={group}, likely process is dormant"
                    ))),
                }
            }
        }
    }
}

fn signal(group: i32, signal: Signal) {
    if let Err(error) = killpg(Pid::from_raw(group), signal) {
        tracing::debug!("could not send {signal} to process group {group}: {error}");
    }
}

fn pipe_pair() -> std::io::Result<(pipe::Receiver, std::io::PipeWriter)> {
    let (reader, writer) = std::io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, writer))
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

async fn collect(mut from: pipe::Receiver) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    from.read_to_end(&mut kept).await?;
    Ok(kept)
}
