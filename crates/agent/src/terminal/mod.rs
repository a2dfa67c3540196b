//! A terminal: a command or a shell that a person types into, on a pseudo-terminal of its own.
//!
//! It belongs to its client. When the client is lost, the kernel hangs the terminal up, and the processes of its
//! session are ended; what has left the session lives on, as it may belong to a script. When the shell ends, the
//! session is over: the kernel hangs up what is left in the foreground.

mod modes;
mod pty;
mod request;

use std::os::unix::ffi::OsStrExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fargate_wire::NO_TERMINALS_VARIABLE;
use fargate_wire::script::Stream;
use rustix::process::Signal;
use tokio::sync::{oneshot, watch};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use self::pty::Pty;
pub(crate) use self::request::{TerminalRequest, WindowSize};
use crate::client_channel::ClientChannel;
use crate::processes::ProcessGroup;
use crate::shell::host::Host;
use crate::shell::process::{GRACE, NOT_FOUND, NOT_STARTED, NoShell, OutputSink};
use crate::shell::spool::{SpoolReader, SpoolWriter, spool};

/// Bytes read from a terminal at a time: the kernel holds hardly more.
const READ: usize = 8 * 1024;

/// How long to wait for more output after the end of the shell, each time. The kernel hangs the terminal up then.
const LINGER: Duration = Duration::from_millis(200);

/// Bytes to read at most after the end of the shell.
const LEFTOVER: usize = 256 * 1024;

/// What a terminal reads as the end of its input: Ctrl-D.
const END_OF_INPUT: &[u8] = &[4];

/// Whether the task's operator lets people open terminals (`[SSH] Interactive` when the task started).
pub(crate) fn are_allowed() -> bool {
    std::env::var_os(NO_TERMINALS_VARIABLE).is_none()
}

/// The client's side of a terminal. Dropping it means that the client is gone.
pub(crate) struct RunningTerminal {
    host: Arc<Host>,
    pty: Arc<Pty>,
    group: ProcessGroup,
    input: SpoolWriter,
    connected: watch::Sender<()>,
}

impl RunningTerminal {
    /// Starts `command`, or a shell where there is none, on a terminal as the client asks for. Its output and its end
    /// go to `channel`, and so does the reason when it cannot be started.
    pub(crate) fn start(
        host: &Arc<Host>,
        request: &TerminalRequest,
        command: Option<&[u8]>,
        channel: ClientChannel,
    ) -> Option<Self> {
        let (pty, group, exit) = match open(host, request, command) {
            Ok(opened) => opened,
            Err(NoShell { status, reason }) => {
                tokio::spawn(async move { channel.refuse(status, &reason).await });
                return None;
            }
        };
        let pty = Arc::new(pty);
        let (input, reader) = spool();
        let (connected, connection) = watch::channel(());
        let session = Session {
            host: Arc::clone(host),
            pty: Arc::clone(&pty),
            group,
        };
        tokio::spawn(session.serve(exit, reader, channel, connection));
        Some(Self {
            host: Arc::clone(host),
            pty,
            group,
            input,
            connected,
        })
    }

    /// Passes on what the client types.
    pub(crate) fn write(&self, data: &[u8]) {
        self.input.write(data);
    }

    /// Passes on the end of the client's input, as Ctrl-D.
    pub(crate) fn end_input(&self) {
        self.input.write(END_OF_INPUT);
    }

    /// Changes the size of the terminal's window.
    pub(crate) fn resize(&self, size: WindowSize) {
        self.pty.resize(size);
    }

    /// Sends a signal to the processes in the foreground.
    pub(crate) fn signal(&self, signal: Signal) {
        if !self.pty.signal(signal) {
            self.host.processes.signal(self.group, signal);
        }
    }

    /// Whether the client has been sent the end.
    pub(crate) fn has_ended(&self) -> bool {
        self.connected.is_closed()
    }
}

/// Opens a terminal and starts the program on it.
fn open(
    host: &Host,
    request: &TerminalRequest,
    command: Option<&[u8]>,
) -> Result<(Pty, ProcessGroup, oneshot::Receiver<ExitStatus>), NoShell> {
    let environment = &host.environment;
    let shell = environment.shell().ok_or_else(|| NoShell {
        status: NOT_FOUND,
        reason: environment.no_interpreter(),
    })?;
    let not_started = |error: std::io::Error| NoShell {
        status: NOT_STARTED,
        reason: format!("cannot open a terminal: {error}"),
    };
    let pty = Pty::open(request).map_err(not_started)?;
    let name = shell.as_os_str().as_bytes();
    let arguments: Vec<&[u8]> = match command {
        Some(command) => vec![name, b"-c", command],
        None => vec![name],
    };
    let variables = environment.variables_with("TERM", &request.term);
    let pid = pty
        .spawn(shell, &arguments, &variables)
        .map_err(not_started)?;
    let (group, exit) = host.processes.adopt(pid);
    Ok((pty, group, exit))
}

/// A terminal whose program runs.
struct Session {
    host: Arc<Host>,
    pty: Arc<Pty>,
    group: ProcessGroup,
}

impl Session {
    /// Serves the terminal until its program has ended and the client knows, or until the client is gone.
    async fn serve(
        self,
        exit: oneshot::Receiver<ExitStatus>,
        input: SpoolReader,
        channel: ClientChannel,
        mut connection: watch::Receiver<()>,
    ) {
        let Self { host, pty, group } = self;
        let client_gone = async { while connection.changed().await.is_ok() {} };
        let ended = tokio::select! {
            ended = pass_output(&pty, exit, &channel) => ended,
            () = client_gone => None,
            never = feed(&pty, &input) => match never {},
        };
        match ended {
            // When the agent itself is stopped, the client learns that from the end of the connection instead.
            Some(status) if !host.is_stopping() => channel.finish(status).await,
            Some(_) => {}
            None => {
                // The last holder of the terminal hangs it up.
                drop(pty);
                host.processes.end_session(group, GRACE).await;
            }
        }
    }
}

/// Passes on the output until the program has ended; returns its status, or nothing when the client is gone.
async fn pass_output(
    pty: &Pty,
    exit: oneshot::Receiver<ExitStatus>,
    channel: &ClientChannel,
) -> Option<ExitStatus> {
    let mut buffer = vec![0; READ];
    tokio::pin!(exit);
    let status = loop {
        tokio::select! {
            read = pty.read(&mut buffer) => match read {
                0 => break exit.await,
                length => pass(channel, buffer.get(..length)).await?,
            },
            status = &mut exit => break status,
        }
        consume_budget().await;
    };
    let mut leftover = LEFTOVER;
    while leftover > 0 {
        match timeout(LINGER, pty.read(&mut buffer)).await {
            Err(_) | Ok(0) => break,
            Ok(length) => {
                leftover = leftover.saturating_sub(length);
                pass(channel, buffer.get(..length)).await?;
            }
        }
    }
    status.ok()
}

async fn pass(channel: &ClientChannel, output: Option<&[u8]>) -> Option<()> {
    let mut piece = BytesMut::from(output.unwrap_or_default());
    channel.pass(Stream::Stdout, &mut piece).await.ok()
}

/// Passes on what the client types, for ever. What nobody reads any more is lost.
async fn feed(pty: &Pty, input: &SpoolReader) -> std::convert::Infallible {
    while let Ok(Some(data)) = input.read().await {
        if !pty.write_all(&data).await {
            break;
        }
    }
    input.abandon();
    std::future::pending().await
}
