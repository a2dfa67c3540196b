//! Scripts that outlive their connection: what goes on of them whether or not a driver is there.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fargate_wire::script::{Attach, FromAgent, RunId};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::execution::{Destination, End, Execution, GRACE, Host};
use crate::log::Log;
use crate::processes::Group;
use crate::script::{NOT_FOUND, NOT_STARTED, not_kept};
use crate::shell;
use crate::spool::{self, spool};

/// All scripts that there were.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<RunId, Known>>);

enum Known {
    Run(Arc<Run>),
    /// Over. Kept, so that what comes late does not start it again.
    Over,
}

/// One script.
pub(crate) struct Run {
    pub(crate) log: Log,
    /// The shell's process group, if it could be started.
    group: Option<Group>,
    input: Mutex<Input>,
    /// The attached driver's number, and how many there were.
    attachments: watch::Sender<Attachments>,
    /// How long it may go on without a driver.
    patience: Duration,
    cancelled: watch::Sender<bool>,
}

/// The script itself, on its way to the shell.
struct Input {
    spool: spool::Writer,
    received: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Attachments {
    current: Option<u64>,
    count: u64,
}

impl Runs {
    /// Attaches a driver to the script that it names, in place of any other driver, and starts it if it is new.
    /// Returns it with the driver's number and the bytes of the script that are there, or why there is no such
    /// script.
    pub(crate) fn attach(
        &self,
        host: &Arc<Host>,
        attach: &Attach,
    ) -> Result<(Arc<Run>, u64, u64), &'static str> {
        let mut runs = self.runs();
        let run = match runs.get(&attach.run) {
            Some(Known::Run(run)) => Arc::clone(run),
            Some(Known::Over) => {
                return Err("the agent has ended the script, since no driver came back for it");
            }
            None if attach.resumed || attach.received > 0 => {
                return Err("the agent does not know the script");
            }
            None if *host.stopping.borrow() => return Err("the agent is about to leave"),
            None => {
                let run = Run::start(host, attach);
                runs.insert(attach.run, Known::Run(Arc::clone(&run)));
                run
            }
        };
        if !run.log.has(attach.received) {
            return Err("the driver has another count of the script's output than the agent");
        }
        let number = run.attach();
        let received = run.input().received;
        Ok((run, number, received))
    }

    fn forget(&self, run: &RunId) {
        self.runs().insert(*run, Known::Over);
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn start(host: &Arc<Host>, attach: &Attach) -> Arc<Self> {
        let started = match shell::interpreter(&host.environment) {
            Some(mut command) => Execution::start(host, &mut command)
                .map_err(|error| (NOT_STARTED, format!("cannot start the shell: {error:#}"))),
            None => Err((NOT_FOUND, shell::missing())),
        };
        let (spool, sent) = spool();
        let run = Arc::new(Self {
            log: Log::new(),
            group: started.as_ref().ok().map(|execution| execution.group),
            input: Mutex::new(Input { spool, received: 0 }),
            attachments: watch::Sender::default(),
            patience: attach.patience,
            cancelled: watch::Sender::new(false),
        });
        tokio::spawn({
            let (host, run, id) = (Arc::clone(host), Arc::clone(&run), attach.run);
            async move {
                match started {
                    Ok(execution) => run.serve(&host, &id, execution, sent).await,
                    Err((status, reason)) => run.refuse(status, &reason).await,
                }
                tokio::select! {
                    () = run.log.over() => (),
                    () = run.unattended() => (),
                }
                host.runs.forget(&id);
            }
        });
        run
    }

    /// Tells the driver why there is no shell, as a shell would that does not find a command.
    async fn refuse(&self, status: u32, reason: &str) {
        let text = format!("fargate-agent: {reason}\n");
        let mut piece = bytes::BytesMut::zeroed(fargate_wire::script::HEAD);
        piece.extend_from_slice(text.as_bytes());
        self.log
            .append_output(fargate_wire::script::Stream::Stderr, &mut piece)
            .await;
        self.log.complete(&FromAgent::Exited(status)).await;
    }

    /// Serves the shell until its end is in the log, or until no driver has been there for too long.
    async fn serve(&self, host: &Host, id: &RunId, execution: Execution, sent: spool::Reader) {
        let group = execution.group;
        let (end, stdin) = execution
            .attend(&sent, &Destination::Log(&self.log), self.unattended())
            .await;
        match end {
            // An exit status blames the script. Whoever stops the agent stops its scripts, and that the driver is
            // to learn from the connection.
            End::Exited(Ok(status)) if !*host.stopping.borrow() => {
                let rest = async {
                    if *self.cancelled.borrow() {
                        // The driver goes on with the next script when it knows that this one has ended, all of it.
                        host.processes.gone(group).await;
                    }
                    self.log.complete(&ended(status)).await;
                };
                tokio::select! {
                    () = rest => (),
                    () = self.unattended() => (),
                }
            }
            End::Exited(_) => std::future::pending().await,
            End::Unattended => {
                // At once: a driver that came back now would wait for an end that is never told.
                host.runs.forget(id);
                host.processes.end(group, GRACE).await;
            }
            End::NotFed(error) => {
                let failed = FromAgent::Failed(not_kept(&error));
                tokio::join!(self.log.complete(&failed), host.processes.end(group, GRACE),);
            }
        }
        drop(stdin);
    }

    fn attach(&self) -> u64 {
        let mut number = 0;
        self.attachments.send_modify(|attachments| {
            attachments.count += 1;
            number = attachments.count;
            attachments.current = Some(number);
        });
        self.log.attach(true);
        number
    }

    /// The driver with this number has gone.
    pub(crate) fn detach(&self, number: u64) {
        let was_current = self.attachments.send_if_modified(|attachments| {
            let is_current = attachments.current == Some(number);
            if is_current {
                attachments.current = None;
            }
            is_current
        });
        if was_current {
            self.log.attach(false);
        }
    }

    /// Whether the driver with this number is the one that counts.
    pub(crate) fn is_attached(&self, number: u64) -> bool {
        self.attachments.borrow().current == Some(number)
    }

    /// Resolves when another driver has come in place of the one with this number.
    pub(crate) async fn superseded(&self, number: u64) {
        let mut attachments = self.attachments.subscribe();
        // The sender is ours.
        attachments
            .wait_for(|attachments| attachments.count > number)
            .await
            .ok();
    }

    /// Resolves when there has been no driver for too long.
    async fn unattended(&self) {
        let mut attachments = self.attachments.subscribe();
        loop {
            attachments
                .wait_for(|attachments| attachments.current.is_none())
                .await
                .ok();
            let back = attachments.wait_for(|attachments| attachments.current.is_some());
            if timeout(self.patience, back).await.is_err() {
                return;
            }
        }
    }

    /// Takes the next piece of the script.
    pub(crate) fn write(&self, piece: &[u8]) {
        let mut input = self.input();
        input.spool.write(piece);
        input.received += piece.len() as u64;
    }

    /// The script has no more bytes.
    pub(crate) fn end_of_input(&self) {
        self.input().spool.end();
    }

    /// Ends the script.
    pub(crate) fn cancel(&self, host: &Arc<Host>, grace: Duration) {
        self.cancelled.send_replace(true);
        if let Some(group) = self.group {
            let host = Arc::clone(host);
            tokio::spawn(async move { host.processes.end(group, grace).await });
        }
    }

    fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the driver is told of a shell's end.
fn ended(status: ExitStatus) -> FromAgent<'static> {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    match number(status.signal()) {
        Some(signal) => FromAgent::Signalled(signal),
        None => FromAgent::Exited(number(status.code()).unwrap_or(NOT_STARTED)),
    }
}
