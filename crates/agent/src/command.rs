//! A command (SSH's `exec`), whose client is connected from its start to its end.
//!
//! When the client is lost, the command is ended. Its standard input stays open until then: a shell that found the end
//! of half a script would run it.

use std::sync::Arc;

use rustix::process::Signal;
use tokio::sync::watch;

use crate::client_channel::ClientChannel;
use crate::processes::ProcessGroup;
use crate::shell::host::Host;
use crate::shell::process::{GRACE, NoShell, ShellEnd, ShellProcess};
use crate::shell::spool::{SpoolReader, SpoolWriter, spool};

/// The client's side of a command. Dropping it means that the client is gone.
pub(crate) struct RunningCommand {
    host: Arc<Host>,
    group: ProcessGroup,
    stdin: SpoolWriter,
    connected: watch::Sender<()>,
}

impl RunningCommand {
    /// Starts `command`; its output and its end go to `channel`, and so does the reason when it cannot be started.
    pub(crate) fn start(host: &Arc<Host>, command: &[u8], channel: ClientChannel) -> Option<Self> {
        let shell = match ShellProcess::for_command(host, command) {
            Ok(shell) => shell,
            Err(NoShell { status, reason }) => {
                tokio::spawn(async move { channel.refuse(status, &reason).await });
                return None;
            }
        };
        let group = shell.group;
        let (stdin, input) = spool();
        let (connected, connection) = watch::channel(());
        tokio::spawn(serve(Arc::clone(host), shell, input, channel, connection));
        Some(Self {
            host: Arc::clone(host),
            group,
            stdin,
            connected,
        })
    }

    /// Passes on standard input.
    pub(crate) fn write(&self, data: &[u8]) {
        self.stdin.write(data);
    }

    /// Ends standard input.
    pub(crate) fn end_input(&self) {
        self.stdin.end();
    }

    /// Sends a signal to the whole process group.
    pub(crate) fn signal(&self, signal: Signal) {
        self.host.processes.signal(self.group, signal);
    }

    /// Whether the client has been sent the command's end.
    pub(crate) fn has_ended(&self) -> bool {
        self.connected.is_closed()
    }
}

/// Serves a command until its shell has ended and the client knows, or until the client is gone.
async fn serve(
    host: Arc<Host>,
    shell: ShellProcess,
    input: SpoolReader,
    channel: ClientChannel,
    mut connection: watch::Receiver<()>,
) {
    let group = shell.group;
    let client_gone = async { while connection.changed().await.is_ok() {} };
    let (end, stdin) = shell.serve(&input, &channel, client_gone).await;
    match end {
        // An exit status blames the script. When the agent itself is stopped, the client learns that from the end of
        // the connection instead.
        ShellEnd::Exited(Ok(status)) if !host.is_stopping() => channel.finish(status).await,
        ShellEnd::Exited(_) => (),
        ShellEnd::Abandoned => host.processes.end(group, GRACE).await,
        ShellEnd::InputLost(error) => {
            channel.disconnect(&error).await;
            host.processes.end(group, GRACE).await;
        }
    }
    drop(stdin);
}
