//! The listener: takes connections, bounds those that have not logged in, and ends all of them at the end.

use std::future::Future;
use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fargate_wire::AGENT_SSH_ID;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Config, run_stream};
use russh::{Disconnect, MethodKind, MethodSet, Preferred, SshId, cipher, kex};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::attendance::{Attendance, Leaving, Limits};
use crate::authorized_key::AuthorizedKey;
use crate::connection::Connection;
use crate::execution::Host;
use crate::hosts::HostNames;
use crate::processes::Processes;
use crate::run::Runs;
use crate::shell::Environment;
use crate::transport::Transport;

/// Time a client has to log in. The driver needs milliseconds.
const LOGIN_GRACE: Duration = Duration::from_secs(20);

/// Connections that may be open without having logged in; more are closed at once. Each costs some 50 KB.
const MAX_LOGINS: usize = 32;

/// Keys a client may try: as many as OpenSSH's server allows.
const MAX_ATTEMPTS: usize = 6;

/// Bytes a client may send on a channel before it is answered: enough for 10 MB/s from 20 ms away.
const WINDOW: u32 = 256 * 1024;

/// Bytes to read ahead at most: what a client may send on 64 channels before it is answered.
const AHEAD: usize = 64 * WINDOW as usize;

/// Packets that wait to be sent. Few, because they are encrypted all at once: this bounds the memory of a
/// connection to some 16 times the maximum packet size, and is enough to keep it busy.
const OUTGOING: usize = 16;

/// A client that is silent is asked for a sign of life this often, and is gone after so many unanswered ones.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVES: u32 = 3;

/// Time between SIGTERM and SIGKILL for commands when the agent is told to stop. ECS gives a container 30 s in
/// all, and on Fargate Spot two minutes.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Time for clients to take notice that the agent leaves.
const FAREWELL: Duration = Duration::from_secs(1);

/// Pause after a failure to accept a connection, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the agent must be told.
#[derive(Debug)]
pub(crate) struct Options {
    /// The key that may log in.
    pub(crate) authorized_key: AuthorizedKey,
    /// Who it is to those that log in.
    pub(crate) host_key: PrivateKey,
    /// Whether it runs what is not the job author's.
    pub(crate) helper: bool,
    /// What leads to the task itself.
    pub(crate) host_names: HostNames,
    /// When to leave.
    pub(crate) limits: Limits,
}

/// Serves `listener` until `shutdown` resolves, or it is time to leave by itself. Then all process groups that were started and still have members
/// get SIGTERM, and SIGKILL five seconds later; clients are disconnected with a reason and without an exit
/// status, because that would blame their script. Orphans left behind by commands that have ended count too.
///
/// It collects every child of the calling process,
/// and inherits its descendants' orphans: call it in a process that starts no others, and once. The environment
/// of that process, without the key, is that of all commands.
///
/// # Errors
/// When the operating system refuses what is needed to begin. Nothing a client does is an error.
pub(crate) async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let environment = if options.helper {
        Environment::of_helper()?
    } else {
        Environment::of_container()
    };
    let task = options.authorized_key.fingerprint();
    let server = Server {
        config: Arc::new(config(options.host_key)),
        key: Arc::new(options.authorized_key),
        host: Arc::new(Host {
            processes: Processes::new()?,
            environment,
            attendance: Attendance::new(options.limits, &task, options.helper)?,
            runs: Runs::default(),
            stopping: watch::Sender::new(false),
        }),
        leaving: watch::Sender::new(None),
    };
    let host = Arc::clone(&server.host);
    let serving = async {
        let mut connections = JoinSet::new();
        let leaving = tokio::select! {
            () = server.accept(&listener, &mut connections) => Leaving::Told,
            () = shutdown => Leaving::Told,
            leaving = server.host.attendance.over() => leaving,
        };
        drop(listener);
        server.stop(connections, leaving).await;
    };
    let naming = async {
        if options.helper {
            options.host_names.spread().await;
        }
        std::future::pending().await
    };
    tokio::select! {
        biased;
        collecting = host.processes.collect() => collecting,
        () = serving => Ok(()),
        () = naming => Ok(()),
    }
}

#[derive(Clone)]
struct Server {
    config: Arc<Config>,
    key: Arc<AuthorizedKey>,
    host: Arc<Host>,
    /// Set when connections are to be closed, with the reason.
    leaving: watch::Sender<Option<Leaving>>,
}

impl Server {
    /// Takes connections for ever.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        let logins = Arc::new(Semaphore::new(MAX_LOGINS));
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Without a permit the stream is dropped, and so closed.
                        if let Ok(login) = Arc::clone(&logins).try_acquire_owned() {
                            let server = self.clone();
                            connections.spawn(async move {
                                // What goes wrong with one client is that client's matter.
                                server.attend(stream, login).await.ok();
                            });
                        }
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
    async fn attend(&self, stream: TcpStream, login: OwnedSemaphorePermit) -> Result<()> {
        // Answers are small, and somebody waits for them.
        stream.set_nodelay(true)?;
        // russh asks for no sign of life while it writes, and TCP alone would wait for a quarter of an hour.
        let silence = u32::try_from((KEEPALIVE * KEEPALIVES).as_millis())?;
        set_tcp_user_timeout(&stream, silence)?;
        // russh has no way to end a session that is stuck, in the middle of a key exchange for one. Closing
        // its socket does end it.
        let stream = stream.into_std()?;
        let line = stream.try_clone()?;
        let transport = Transport::new(TcpStream::from_std(stream)?, AHEAD);

        let (logged_in, login_seen) = oneshot::channel();
        let connection = Connection::new(Arc::clone(&self.host), Arc::clone(&self.key), logged_in);
        let greeting = async {
            let session = run_stream(Arc::clone(&self.config), transport, connection).await?;
            Ok::<_, russh::Error>((session, login_seen))
        };
        let started = tokio::time::Instant::now();
        let (mut session, login_seen) = timeout(LOGIN_GRACE, greeting).await??;
        let left = LOGIN_GRACE.saturating_sub(started.elapsed());
        if !matches!(timeout(left, login_seen).await, Ok(Ok(()))) {
            line.shutdown(Shutdown::Both)?;
            return Ok(session.await?);
        }
        drop(login);
        let _present = self.host.attendance.enter();

        let mut leaving = self.leaving.subscribe();
        let reason = tokio::select! {
            ended = &mut session => return Ok(ended?),
            leaving = leaving.wait_for(Option::is_some) => match leaving.ok().and_then(|leaving| *leaving) {
                Some(leaving) => leaving.to_string(),
                None => return Ok(()),
            },
        };
        let farewell = async {
            let handle = session.handle();
            let told = handle.disconnect(Disconnect::ByApplication, reason, String::new());
            if told.await.is_ok() {
                session.await.ok();
            }
        };
        timeout(FAREWELL, farewell).await.ok();
        Ok(line.shutdown(Shutdown::Both)?)
    }

    /// Ends all commands, and then all connections.
    async fn stop(&self, mut connections: JoinSet<()>, leaving: Leaving) {
        self.host.stopping.send_replace(true);
        self.host.processes.end_all(STOP_GRACE).await;
        self.leaving.send_replace(Some(leaving));
        let closed = async { while connections.join_next().await.is_some() {} };
        // Those that have not logged in are not told anything.
        timeout(FAREWELL, closed).await.ok();
    }
}

pub(crate) fn config(host_key: PrivateKey) -> Config {
    let version = env!("CARGO_PKG_VERSION");
    Config {
        server_id: SshId::Standard(format!("{AGENT_SSH_ID}{version}").into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        // A delay is to hide what a refusal took to decide. All that is compared here is public.
        auth_rejection_time: Duration::ZERO,
        keys: vec![host_key],
        window_size: WINDOW,
        event_buffer_size: OUTGOING,
        preferred: Preferred {
            kex: KEY_EXCHANGES.into(),
            key: HOST_KEYS.into(),
            cipher: CIPHERS.into(),
            ..Preferred::DEFAULT
        },
        max_auth_attempts: MAX_ATTEMPTS,
        // A script may be silent for as long as it likes. Logging in has its own bound.
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES as usize,
        ..Config::default()
    }
}

/// Without finite field Diffie-Hellman, which costs a server much and a client nothing to ask for.
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];

const HOST_KEYS: &[Algorithm] = &[Algorithm::Ed25519];

/// Only AES-GCM, which every processor Fargate runs on has instructions for, and every client can do. The
/// client's order decides, and OpenSSH's begins with the slower ChaCha20.
const CIPHERS: &[cipher::Name] = &[cipher::AES_256_GCM, cipher::AES_128_GCM];
