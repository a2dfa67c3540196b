//! The SSH server inside a job's containers.
//!
//! A job's image is somebody else's: it may have no SSH server, no git and no package manager, and often has
//! nothing but a shell. So the driver brings its own server along, one static binary that it puts into the
//! container. It does one thing: it runs commands (SSH `exec`) and scripts (a subsystem of its own) for whoever
//! holds the one private key, and tells exactly how they ended. Everything else that SSH offers is refused.
//!
//! What it promises, and where:
//!
//! - Only the key in [`fargate_wire::PUBLIC_KEY_VARIABLE`] may log in ([`AuthorizedKey`]); connections that
//!   have not logged in are few and end soon (`server`).
//! - Bytes pass unchanged, stdout apart from stderr, in bounded memory however slow either end is (`execution`,
//!   `spool`, `log`, `transport`).
//! - A command has ended when its shell has ended, whatever it left running (`execution`).
//! - A command whose client is gone is ended with all of its process group, and never sees a truncated
//!   standard input as a whole one (`script`).
//! - A script whose driver is gone goes on for a while, and a driver that comes back gets all of its output and its
//!   end, once (`run`, `attachment`, `log`).
//! - It says what ECS says of the task within it (`metadata`).
//! - It does not stay for ever when nobody comes any more (`attendance`).
//! - No zombie stays, no matter who started it (`processes`).
//! - The names of a task's services lead to the task itself, in all of its containers (`hosts`).

mod attachment;
mod attendance;
mod authorized_key;
mod connection;
mod execution;
mod helper;
mod host_key;
mod hosts;
mod install;
mod log;
mod metadata;
mod processes;
mod run;
mod scratch;
mod script;
mod server;
mod shell;
mod signals;
mod spool;
mod transport;

use std::future::Future;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

pub use install::install;

use attendance::Limits;
use authorized_key::AuthorizedKey;
use hosts::HostNames;
use server::Options;

/// What `fargate-agent serve` can be told on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The SSH host key; without one the agent makes its own, anew each time.
    pub host_key: Option<PathBuf>,
    /// Whether this is the container that runs what is not the job author's: git, cache and artifacts.
    pub helper: bool,
    /// Leave when standard input ends: for a parent that may be killed without a chance to stop the agent.
    pub until_stdin_closes: bool,
}

impl Default for Arguments {
    /// All addresses at [`fargate_wire::AGENT_PORT`], because the driver reaches the agent from outside of its
    /// task. The task's security group says who else does, and the key decides who gets in.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], fargate_wire::AGENT_PORT)),
            host_key: None,
            helper: false,
            until_stdin_closes: false,
        }
    }
}

/// The whole of `fargate-agent serve`: takes the key from the environment, listens, says so in one line on standard
/// output that ends with the bound address, and serves until SIGTERM or SIGINT comes (or standard input ends),
/// or until there is no driver for too long or the job has run out of time. It then ends what runs and returns `Ok`.
///
/// It collects every child of the calling process, and inherits its descendants' orphans: call it in a process
/// that starts no others, and once.
///
/// # Errors
/// When the key or a limit is missing or wrong, the host key cannot be read, or the address cannot be bound.
pub async fn run(arguments: Arguments) -> Result<()> {
    let options = Options {
        authorized_key: AuthorizedKey::from_environment()?,
        host_key: match &arguments.host_key {
            Some(file) => host_key::read(file)?,
            None => host_key::make()?,
        },
        helper: arguments.helper,
        host_names: HostNames::from_environment(),
        limits: Limits::from_environment()?,
    };
    let stop = stop_requests(arguments.until_stdin_closes)?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener
        .local_addr()
        .context("cannot ask for the address listened on")?;
    if !arguments.helper {
        options.host_names.settle().await;
    }
    let version = env!("CARGO_PKG_VERSION");
    // Nobody needs to be reading: a closed standard output is no reason not to serve.
    writeln!(
        std::io::stdout(),
        "fargate-agent {version} listening on {address}"
    )
    .ok();
    server::serve(listener, options, stop).await
}

/// Resolves when the process is asked to stop. Requests count from the call on, not from the first poll.
fn stop_requests(until_stdin_closes: bool) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stdin_end = until_stdin_closes.then(stdin_end);
    Ok(async move {
        let stdin_ended = async {
            match stdin_end {
                Some(end) => end.await.unwrap_or(()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
            () = stdin_ended => (),
        }
    })
}

/// Resolves when standard input ends. On a thread of its own, because not everything that may be standard
/// input can be polled, and because it must not keep the runtime from shutting down.
fn stdin_end() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut discarded = [0; 64];
        while matches!(std::io::stdin().read(&mut discarded), Ok(1..)) {}
        // Nobody listens any more when the agent is leaving for another reason.
        ended.send(()).ok();
    });
    end
}
