//! One script from its start to its end, whether or not a driver is attached.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use fargate_wire::script::{FromAgent, HEAD, Stream};
use tokio::sync::watch;

use super::drivers::{DriverNumber, Drivers};
use super::log::ScriptLog;
use crate::processes::ProcessGroup;
use crate::shell::host::Host;
use crate::shell::process::{
    GRACE, HeldStdin, NOT_STARTED, NoShell, ShellEnd, ShellProcess, input_lost,
};
use crate::shell::spool::{SpoolReader, SpoolWriter, spool};

/// A script that was started.
pub(crate) struct Script {
    pub(crate) log: ScriptLog,
    pub(crate) drivers: Drivers,
    host: Arc<Host>,
    /// The shell's process group, if the shell could be started.
    group: Option<ProcessGroup>,
    input: Mutex<Input>,
    /// How long the script may run without a driver.
    patience: Duration,
    cancellation: watch::Sender<Cancellation>,
}

/// Whether a driver has ended the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancellation {
    No,
    /// Its processes are ending.
    Begun,
    /// All of them are gone, unless they are out of the agent's reach.
    Done,
}

/// The text of the script on its way to the shell.
struct Input {
    spool: SpoolWriter,
    received: u64,
}

/// The shell of a script that was started, and the text that it will read; or why there is no shell.
pub(crate) struct StartedShell(Result<(ShellProcess, SpoolReader), NoShell>);

/// A shell that still runs although no driver came back for its script.
pub(crate) struct AbandonedShell {
    host: Arc<Host>,
    group: ProcessGroup,
    stdin: HeldStdin,
}

impl Script {
    /// Starts the shell. [`Script::serve`] must follow.
    pub(crate) fn start(host: &Arc<Host>, patience: Duration) -> (Arc<Self>, StartedShell) {
        let shell = ShellProcess::for_script(host);
        let (writer, reader) = spool();
        let script = Arc::new(Self {
            log: ScriptLog::new(),
            drivers: Drivers::default(),
            host: Arc::clone(host),
            group: shell.as_ref().ok().map(|shell| shell.group),
            input: Mutex::new(Input {
                spool: writer,
                received: 0,
            }),
            patience,
            cancellation: watch::Sender::new(Cancellation::No),
        });
        (script, StartedShell(shell.map(|shell| (shell, reader))))
    }

    /// Serves the shell until a driver has acknowledged its end, or until no driver has been attached for too long.
    ///
    /// In the second case the shell may still run, and is returned: the caller ends it once no driver can attach any
    /// more.
    pub(crate) async fn serve(&self, shell: StartedShell) -> Option<AbandonedShell> {
        match shell.0 {
            Ok((shell, input)) => {
                let abandoned = self.serve_shell(shell, &input).await;
                if abandoned.is_some() {
                    return abandoned;
                }
            }
            Err(no_shell) => self.refuse(&no_shell).await,
        }
        tokio::select! {
            () = self.log.over() => (),
            () = self.abandoned() => (),
        }
        None
    }

    /// Reports why no shell runs, as a shell reports that it does not find a command.
    async fn refuse(&self, NoShell { status, reason }: &NoShell) {
        let mut piece = BytesMut::zeroed(HEAD);
        piece.extend_from_slice(format!("fargate-agent: {reason}\n").as_bytes());
        self.log.append_output(Stream::Stderr, &mut piece).await;
        self.log.complete(&FromAgent::Exited(*status)).await;
    }

    /// Serves the shell until its end is in the log, or until no driver has been attached for too long.
    async fn serve_shell(
        &self,
        shell: ShellProcess,
        input: &SpoolReader,
    ) -> Option<AbandonedShell> {
        let group = shell.group;
        let (end, stdin) = shell.serve(input, &self.log, self.abandoned()).await;
        match end {
            // An exit status blames the script. When the agent itself is stopped, the driver learns that from the end
            // of the connection instead.
            ShellEnd::Exited(Ok(status)) if !self.host.is_stopping() => {
                let completion = async {
                    // The driver starts the next script once this one has ended, so all of it must be gone.
                    let mut cancellation = self.cancellation.subscribe();
                    let settled = |step: &Cancellation| *step != Cancellation::Begun;
                    // Never fails: the sender is ours.
                    cancellation.wait_for(settled).await.ok();
                    self.log.complete(&shell_end(status)).await;
                };
                tokio::select! {
                    () = completion => (),
                    () = self.abandoned() => (),
                }
                None
            }
            ShellEnd::Exited(_) => std::future::pending().await,
            ShellEnd::Abandoned => Some(AbandonedShell {
                host: Arc::clone(&self.host),
                group,
                stdin,
            }),
            ShellEnd::InputLost(error) => {
                let failed = FromAgent::Failed(input_lost(&error));
                let told = async {
                    tokio::select! {
                        () = self.log.complete(&failed) => (),
                        () = self.abandoned() => (),
                    }
                };
                tokio::join!(told, self.host.processes.end(group, GRACE));
                None
            }
        }
    }

    /// Resolves when no driver has been attached for too long.
    async fn abandoned(&self) {
        self.drivers.absent_for(self.patience).await;
    }

    /// Attaches a driver in place of any other; returns its number and the bytes of the script received so far.
    pub(crate) fn attach(&self) -> (DriverNumber, u64) {
        let number = self.drivers.attach();
        self.log.set_attached(true);
        (number, self.input().received)
    }

    /// Notes that the driver with this number is gone.
    pub(crate) fn detach(&self, number: DriverNumber) {
        if self.drivers.detach(number) {
            self.log.set_attached(false);
        }
    }

    /// Adds the next piece of the script's text.
    pub(crate) fn write(&self, piece: &[u8]) {
        let mut input = self.input();
        input.spool.write(piece);
        input.received += piece.len() as u64;
    }

    /// Marks the end of the script's text.
    pub(crate) fn end_input(&self) {
        self.input().spool.end();
    }

    /// Ends the script: SIGTERM to all of its processes, and SIGKILL to those left after `grace`.
    pub(crate) fn cancel(&self, grace: Duration) {
        let Some(group) = self.group else { return };
        let (host, cancellation) = (Arc::clone(&self.host), self.cancellation.clone());
        self.cancellation.send_if_modified(|step| {
            let is_first = *step == Cancellation::No;
            if is_first {
                *step = Cancellation::Begun;
            }
            is_first
        });
        tokio::spawn(async move {
            host.processes.end(group, grace).await;
            cancellation.send_replace(Cancellation::Done);
        });
    }

    fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AbandonedShell {
    /// Ends the shell and everything it started.
    pub(crate) async fn end(self) {
        self.host.processes.end(self.group, GRACE).await;
        drop(self.stdin);
    }
}

/// The last frame of the log of a script whose shell ended with `status`.
fn shell_end(status: ExitStatus) -> FromAgent<'static> {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    match number(status.signal()) {
        Some(signal) => FromAgent::Signalled(signal),
        None => FromAgent::Exited(number(status.code()).unwrap_or(NOT_STARTED)),
    }
}
