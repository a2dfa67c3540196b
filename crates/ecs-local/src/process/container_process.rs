//! One process of this machine in place of a container's main process.
//!
//! As in a container, SIGTERM goes to the main process alone, and the end of the main process ends all its descendants.
//! Its standard input is a pipe that stays empty: a program that reads the end of it knows that the stand-in died.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, Command};

use super::descendants::Descendants;
use crate::container_output::{ContainerOutput, OutputWriter};

/// A running process.
#[derive(Debug)]
pub(crate) struct ContainerProcess {
    child: Child,
    pid: Pid,
    /// Held open for the life of the process.
    _stdin: Option<ChildStdin>,
}

/// Starts a process in its own process group, with exactly `environment`.
pub(crate) fn spawn(
    words: &[String],
    environment: &BTreeMap<String, String>,
    output: &ContainerOutput,
) -> io::Result<ContainerProcess> {
    let mut child = command(words, environment)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        // The last resort, for the end of the runtime itself. Processes normally end by `stop`.
        .kill_on_drop(true)
        .spawn()?;
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .ok_or_else(|| io::Error::other("the process has no ID"))?;
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(drain(stdout, output.writer()));
    }
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(drain(stderr, output.writer()));
    }
    Ok(ContainerProcess {
        _stdin: child.stdin.take(),
        pid: Pid::from_raw(pid),
        child,
    })
}

/// A command with exactly `environment`, beside the PATH and HOME of this machine.
pub(crate) fn command(
    words: &[String],
    environment: &BTreeMap<String, String>,
) -> io::Result<Command> {
    let [program, arguments @ ..] = words else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the command is empty",
        ));
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/");
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(environment);
    Ok(command)
}

async fn drain(mut from: impl AsyncRead + Unpin, mut output: OutputWriter) {
    let mut buffer = vec![0; 8192];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => output.push(buffer.get(..n).unwrap_or_default()),
        }
    }
}

impl ContainerProcess {
    /// Waits for its end, and ends its process group. Cancel-safe.
    pub(crate) async fn wait(&mut self) -> i32 {
        let code = exit_code(self.child.wait().await);
        self.end_group();
        code
    }

    /// Sends SIGTERM, and when `patience` completes first, SIGKILL to all descendants.
    pub(crate) async fn stop(&mut self, patience: impl Future<Output = ()>) -> i32 {
        // Descendants outside of the group, such as the sessions of an SSH server, can be found only while it lives.
        let mut descendants = Descendants::of_process(self.pid);
        self.signal(Signal::SIGTERM);
        let code = tokio::select! {
            ended = self.child.wait() => exit_code(ended),
            () = patience => {
                descendants.add(Descendants::of_process(self.pid));
                self.signal(Signal::SIGKILL);
                exit_code(self.child.wait().await)
            }
        };
        self.end_group();
        descendants.kill();
        code
    }

    fn signal(&self, signal: Signal) {
        // After the wait for its end, another process may have its ID.
        if self.child.id().is_some()
            && let Err(error) = kill(self.pid, signal)
        {
            tracing::debug!(pid = %self.pid, %signal, %error, "cannot signal a container's process");
        }
    }

    fn end_group(&self) {
        match killpg(self.pid, Signal::SIGKILL) {
            // Usually nothing is left in the group.
            Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
            Err(error) => {
                tracing::debug!(group = %self.pid, %error, "cannot end a container's process group")
            }
        }
    }
}

/// The exit code, as container runtimes count: 128 and the signal for a killed process.
fn exit_code(ended: io::Result<ExitStatus>) -> i32 {
    match ended {
        Ok(status) => status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(error) => {
            tracing::warn!(%error, "cannot wait for a container's process");
            137
        }
    }
}
