//! The SSH server inside a job's containers.
//!
//! The author of a job chooses its image, which may have no SSH server, no git and no package manager, and often
//! contains little more than a shell. The driver therefore brings its own server, one static binary that it puts into
//! the container. It does one thing: for the holder of the one private key it runs commands (SSH's `exec`) and scripts
//! (a subsystem of its own), and reports exactly how they ended. A person may run a shell on a terminal. It refuses
//! everything else that SSH offers.
//!
//! Its promises, and the modules that keep them:
//!
//! - Only the key in [`fargate_wire::PUBLIC_KEY_VARIABLE`] may log in (`server::authorized_key`). Connections that have
//!   not logged in are few and end soon (`server::listener`).
//! - Bytes pass unchanged, with stdout and stderr apart, in bounded memory however slow either end is
//!   (`shell::process`, `shell::spool`, `script::log`, `server::transport`).
//! - A command or script has ended when its shell has ended, whatever it left running (`shell::process`).
//! - When the client of a command is lost, the command's whole process group is ended, and never takes a truncated
//!   standard input for a complete one (`command`).
//! - A terminal belongs to its client, and ends no process but those of its session (`terminal`).
//! - When the driver of a script is lost, the script continues for a while. A driver that comes back gets all of its
//!   output and its end, once (`script`).
//! - It reports the task's metadata (`task::metadata`).
//! - It exits when no driver comes any more (`task::lifetime`).
//! - No zombie stays, whoever started it (`processes`).
//! - The names of a task's services resolve to the task itself (`task::hosts`).

mod client_channel;
mod command;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod process_table;
mod processes;
mod scratch_file;
mod script;
mod server;
mod shell;
mod signals;
mod task;
mod terminal;

use std::future::Future;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

pub use task::install::install;

use server::authorized_key::AuthorizedKey;
use server::host_key;
use server::listener::{self, ServerOptions};
use task::hosts::HostNames;
use task::lifetime::Limits;

/// The command line of `fargate-agent serve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// File with the SSH host key. Without one the agent makes a new key at each start.
    pub host_key: Option<PathBuf>,
    /// Whether this is the helper's container, which runs GitLab's own scripts: git, cache and artifacts.
    pub helper: bool,
    /// Exit when standard input ends, for a parent that may be killed before it can stop the agent.
    pub until_stdin_closes: bool,
}

impl Default for Arguments {
    /// All addresses at [`fargate_wire::AGENT_PORT`], because the driver is outside of the task.
    ///
    /// The task's security group decides who else can connect, and the key decides who can log in.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, fargate_wire::AGENT_PORT)),
            host_key: None,
            helper: false,
            until_stdin_closes: false,
        }
    }
}

/// Runs `fargate-agent serve` until it is stopped or reaches a limit of its lifetime.
///
/// It reads the key from the environment, listens, and prints one line on standard output that ends with the bound
/// address. It serves until SIGTERM or SIGINT arrives (or standard input ends), until no driver has been connected for
/// too long, or until the job's deadline. Then it ends all commands and scripts, and returns the number of the signal
/// if one stopped it: the caller's exit status has to tell.
///
/// It collects every child of the calling process, and inherits its descendants' orphans. Call it once, in a process
/// that starts no other children. Commands get the environment of that process without the agent's own variables.
///
/// # Errors
/// When the key or a limit is missing or wrong, the host key cannot be read, or the address cannot be bound.
pub async fn run(arguments: Arguments) -> Result<Option<i32>> {
    let options = ServerOptions {
        authorized_key: AuthorizedKey::from_environment()?,
        host_key: match &arguments.host_key {
            Some(file) => host_key::read(file)?,
            None => host_key::generate()?,
        },
        helper: arguments.helper,
        limits: Limits::from_environment()?,
    };
    let stop = stop_requests(arguments.until_stdin_closes)?;
    if arguments.helper {
        HostNames::from_environment().provide();
    }
    let socket = listen(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = socket
        .local_addr()
        .context("cannot read the bound address")?;
    let version = env!("CARGO_PKG_VERSION");
    // Standard output may be closed.
    writeln!(
        std::io::stdout(),
        "fargate-agent {version} listening on {address}"
    )
    .ok();
    let mut signal = None;
    let stopped = async { signal = stop.await };
    listener::serve(socket, options, stopped).await?;
    Ok(signal)
}

/// Listens. All addresses of IPv6 are those of IPv4, too, and the only ones where the machine has no IPv6 at all.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && !is_taken(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::AddrInUse
}

/// Resolves when the process is asked to stop, with the number of the signal if that was one. Requests count from the
/// call on, not from the first poll.
fn stop_requests(until_stdin_closes: bool) -> Result<impl Future<Output = Option<i32>>> {
    let (term, int) = (SignalKind::terminate(), SignalKind::interrupt());
    let mut terminate = signal(term).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(int).context("cannot listen for SIGINT")?;
    let stdin_end = until_stdin_closes.then(stdin_end);
    Ok(async move {
        let stdin_ended = async {
            match stdin_end {
                Some(end) => end.await.unwrap_or(()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => Some(term.as_raw_value()),
            _ = interrupt.recv() => Some(int.as_raw_value()),
            () = stdin_ended => None,
        }
    })
}

/// Resolves when standard input ends.
///
/// It reads on a thread of its own: standard input may be something that cannot be polled, and the runtime must be able
/// to shut down meanwhile.
fn stdin_end() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut discarded = [0; 64];
        while matches!(std::io::stdin().read(&mut discarded), Ok(1..)) {}
        // The receiver is gone when the agent exits for another reason.
        ended.send(()).ok();
    });
    end
}
