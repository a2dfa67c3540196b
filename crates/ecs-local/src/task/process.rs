//! One process that stands in for a container's main process.
//!
//! As in a container, SIGTERM goes to the main process alone, and when that has ended everything it started ends with
//! it. Its standard input is a pipe that nobody writes to: a program that reads its end knows that the stand-in died.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, Command};

use super::descendants::Descendants;
use super::output::{Output, Writer};

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: Pid,
    /// Held open for the life of the process.
    _stdin: Option<ChildStdin>,
}

/// Starts a process in its own process group, with exactly `environment`.
pub(super) fn spawn(
    command: &[String],
    environment: &BTreeMap<String, String>,
    output: &Output,
) -> io::Result<Process> {
    let mut child = prepare(command, environment)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        // Only the last resort, when the runtime itself goes: `stop` is how processes end.
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
    Ok(Process {
        _stdin: child.stdin.take(),
        pid: Pid::from_raw(pid),
        child,
    })
}

/// A command with exactly `environment`, and what every program needs of this machine's.
pub(super) fn prepare(
    command: &[String],
    environment: &BTreeMap<String, String>,
) -> io::Result<Command> {
    let [program, arguments @ ..] = command else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the command is empty",
        ));
    };
    let mut prepared = Command::new(program);
    prepared.args(arguments).env_clear().current_dir("/");
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            prepared.env(name, value);
        }
    }
    prepared.envs(environment);
    Ok(prepared)
}

async fn drain(mut from: impl AsyncRead + Unpin, mut output: Writer) {
    let mut buffer = vec![0; 8192];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => output.push(buffer.get(..n).unwrap_or_default()),
        }
    }
}

impl Process {
    /// Waits for its end and ends what it left behind. Cancel-safe.
    pub(super) async fn wait(&mut self) -> i32 {
        let code = exit_code(self.child.wait().await);
        self.end_group();
        code
    }

    /// SIGTERM; SIGKILL for all of it when `patience` has run out.
    pub(super) async fn stop(&mut self, patience: impl Future<Output = ()>) -> i32 {
        // Those that left the group, such as the sessions of an SSH server, can only be found while it lives.
        let mut started = Descendants::of(self.pid);
        self.signal(Signal::SIGTERM);
        let code = tokio::select! {
            ended = self.child.wait() => exit_code(ended),
            () = patience => {
                started.add(Descendants::of(self.pid));
                self.signal(Signal::SIGKILL);
                exit_code(self.child.wait().await)
            }
        };
        self.end_group();
        started.kill();
        code
    }

    fn signal(&self, signal: Signal) {
        // Once it has been waited for, its ID may be another's.
        if self.child.id().is_some()
            && let Err(error) = kill(self.pid, signal)
        {
            tracing::debug!(pid = %self.pid, %signal, %error, "cannot signal a container's process");
        }
    }

    fn end_group(&self) {
        match killpg(self.pid, Signal::SIGKILL) {
            // Nothing was left, the usual case.
            Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
            Err(error) => {
                tracing::debug!(group = %self.pid, %error, "cannot end a container's process group")
            }
        }
    }
}

/// As container runtimes count: the code, or 128 and the signal.
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
