//! The listener: accepts connections, bounds those that have not logged in, and closes all of them when the agent
//! exits.

use std::future::Future;
use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use russh::Disconnect;
use russh::keys::PrivateKey;
use russh::server::{Config, run_stream};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::authorized_key::AuthorizedKey;
use super::logins::{Login, Logins};
use super::session::ClientSession;
use super::settings::{KEEPALIVE, KEEPALIVES, WINDOW, settings};
use super::transport::Transport;
use crate::script::registry::Scripts;
use crate::shell::environment::ShellEnvironment;
use crate::shell::host::Host;
use crate::task::lifetime::{ExitReason, Lifetime, Limits};

/// Time that a client has to log in: as long as the driver tries by default (`ConnectTimeout`). It needs milliseconds.
const LOGIN_GRACE: Duration = Duration::from_secs(10);

/// Bytes to read ahead at most: the bytes that a client may send on 64 channels before it is answered.
const AHEAD: usize = 64 * WINDOW as usize;

/// Time between SIGTERM and SIGKILL for commands and scripts when the agent exits. ECS gives a container of ours 10 s
/// in all (`stopTimeout`).
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Time for clients to notice that the agent exits.
const FAREWELL: Duration = Duration::from_secs(1);

/// Pause after a failure to accept a connection, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a server needs to know before it starts.
#[derive(Debug)]
pub(crate) struct ServerOptions {
    /// The key that may log in.
    pub(crate) authorized_key: AuthorizedKey,
    /// The key that identifies the server.
    pub(crate) host_key: PrivateKey,
    /// Whether this is the helper's container.
    pub(crate) helper: bool,
    /// When the agent exits by itself.
    pub(crate) limits: Limits,
}

/// Serves `listener` until `shutdown` resolves or a limit of the agent's lifetime is reached.
///
/// Then all process groups that were started and still have members get SIGTERM, and SIGKILL five seconds later.
/// Clients are disconnected with a reason and without an exit status, which would blame their script. Orphans of
/// commands that have ended count too.
///
/// It collects every child of the calling process, and inherits its descendants' orphans.
///
/// # Errors
/// When child processes cannot be collected, or the helper cannot be equipped.
pub(crate) async fn serve(
    listener: TcpListener,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let environment = if options.helper {
        ShellEnvironment::of_helper()?
    } else {
        ShellEnvironment::of_container()
    };
    let task = options.authorized_key.fingerprint();
    let host = Arc::new(Host::new(environment)?);
    let server = Server {
        config: Arc::new(settings(options.host_key)),
        key: Arc::new(options.authorized_key),
        scripts: Arc::new(Scripts::new(Arc::clone(&host))),
        lifetime: Arc::new(Lifetime::new(options.limits, &task, options.helper)?),
        host: Arc::clone(&host),
        exiting: watch::Sender::new(None),
    };
    let serving = async {
        let mut connections = JoinSet::new();
        let reason = tokio::select! {
            () = server.accept(&listener, &mut connections) => ExitReason::Stopped,
            () = shutdown => ExitReason::Stopped,
            reason = server.lifetime.over() => reason,
        };
        drop(listener);
        server.stop(connections, reason).await;
    };
    tokio::select! {
        biased;
        collecting = host.processes.collect() => collecting,
        () = serving => Ok(()),
    }
}

#[derive(Clone)]
struct Server {
    config: Arc<Config>,
    key: Arc<AuthorizedKey>,
    host: Arc<Host>,
    scripts: Arc<Scripts>,
    lifetime: Arc<Lifetime>,
    /// Set when connections must close, with the reason.
    exiting: watch::Sender<Option<ExitReason>>,
}

impl Server {
    /// Accepts connections for ever.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        let logins = Logins::default();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => {
                        let (server, login) = (self.clone(), logins.enter(client.ip()));
                        connections.spawn(async move {
                            // An error on one connection does not concern the others.
                            server.serve_client(stream, login).await.ok();
                        });
                    }
                    Err(error) => {
                        let message = format!("fargate-agent: cannot accept a connection: {error}\n");
                        std::io::stderr().write_all(message.as_bytes()).ok();
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => (),
            }
        }
    }

    /// Serves one client from its first byte to its last.
    async fn serve_client(&self, stream: TcpStream, mut login: Login) -> Result<()> {
        // Answers are small, and a client waits for each.
        stream.set_nodelay(true)?;
        // russh sends no keepalives while it writes, and TCP alone would wait for a quarter of an hour.
        let silence = u32::try_from((KEEPALIVE * KEEPALIVES).as_millis())?;
        set_tcp_user_timeout(&stream, silence)?;
        // russh cannot end a session that is stuck, for example in the middle of a key exchange. Closing its socket
        // does.
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let transport = Transport::new(TcpStream::from_std(stream)?, AHEAD);

        let (logged_in, login_seen) = oneshot::channel();
        let client = ClientSession::new(
            Arc::clone(&self.scripts),
            Arc::clone(&self.lifetime),
            Arc::clone(&self.key),
            logged_in,
        );
        let greeting = async {
            let session = run_stream(Arc::clone(&self.config), transport, client).await?;
            Ok::<_, russh::Error>((session, login_seen))
        };
        let deadline = Instant::now() + LOGIN_GRACE;
        let greeted = tokio::select! {
            greeted = timeout_at(deadline, greeting) => greeted,
            () = login.lost() => return Ok(()),
        };
        let (mut session, login_seen) = greeted??;
        let has_logged_in = tokio::select! {
            seen = timeout_at(deadline, login_seen) => matches!(seen, Ok(Ok(()))),
            () = login.lost() => false,
        };
        if !has_logged_in {
            socket.shutdown(Shutdown::Both)?;
            return Ok(session.await?);
        }
        drop(login);
        let _connected = self.lifetime.driver_connected();

        let mut exiting = self.exiting.subscribe();
        let reason = tokio::select! {
            ended = &mut session => return Ok(ended?),
            reason = exiting.wait_for(Option::is_some) => match reason.ok().and_then(|reason| *reason) {
                Some(reason) => reason.to_string(),
                None => return Ok(()),
            },
        };
        let farewell = async {
            let handle = session.handle();
            let sent = handle.disconnect(Disconnect::ByApplication, reason, String::new());
            if sent.await.is_ok() {
                session.await.ok();
            }
        };
        timeout(FAREWELL, farewell).await.ok();
        Ok(socket.shutdown(Shutdown::Both)?)
    }

    /// Ends all commands and scripts, and then all connections.
    async fn stop(&self, mut connections: JoinSet<()>, reason: ExitReason) {
        self.host.stop();
        self.host.processes.end_all(STOP_GRACE).await;
        self.exiting.send_replace(Some(reason));
        let closed = async { while connections.join_next().await.is_some() {} };
        // Clients that have not logged in get no reason.
        timeout(FAREWELL, closed).await.ok();
    }
}
