//! An SSH server that is not what prepare saw: the job may be root in its container, and put one of its own in the
//! place of the real one, which has the host key.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fargate_wire::script::{FromAgent, Stream};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, Disconnect, Sig, SshId};
use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, wait_until};
use tokio::time::sleep;

use crate::fargate;

/// What it does instead of running a script.
#[derive(Debug, Clone)]
enum Deed {
    /// Opens so many channels to the driver, and then ends the script well.
    OpenChannels(usize),
    /// Says that it is an agent, and sends output as fast as it is taken, whatever was acknowledged.
    Flood,
    /// Says that it is an agent, sends one byte of output, and closes the connection.
    Drip,
    /// Ends the script by a signal of this name.
    Signal(String),
    /// Leaves, with these words.
    Leave(String),
    /// Logs the driver in, and never answers when it opens a channel. As an agent, or not.
    Mute { as_agent: bool },
}

impl Deed {
    fn poses_as_agent(&self) -> bool {
        matches!(
            self,
            Self::Flood | Self::Drip | Self::Mute { as_agent: true }
        )
    }
}

/// How long the driver stayed away each time after a connection was closed.
#[derive(Debug, Default)]
struct Pauses {
    closed: Option<Instant>,
    all: Vec<Duration>,
}

#[derive(Clone)]
struct Hostile {
    deed: Deed,
    pauses: Arc<Mutex<Pauses>>,
    channel: Arc<Mutex<Option<Channel<Msg>>>>,
}

impl Handler for Hostile {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Deed::Mute { .. } = self.deed {
            // Dropped, it would say no.
            std::mem::forget(reply);
            return Ok(());
        }
        *self.channel.lock().unwrap() = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.begin(id, session)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.begin(id, session)
    }
}

impl Hostile {
    fn begin(&self, id: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        let channel = self.channel.lock().unwrap().take().unwrap();
        tokio::spawn(act(self.clone(), channel, session.handle()));
        Ok(())
    }
}

/// Does it, until the driver is gone.
async fn act(hostile: Hostile, channel: Channel<Msg>, server: Handle) {
    let (mut incoming, outgoing) = channel.split();
    tokio::spawn(async move { while incoming.wait().await.is_some() {} });
    let attached = || outgoing.data_bytes(FromAgent::Attached { received: 0 }.encode());
    match hostile.deed {
        Deed::OpenChannels(many) => {
            let opening: Vec<_> = (0..many)
                .map(|_| {
                    let server = server.clone();
                    tokio::spawn(async move {
                        server
                            .channel_open_forwarded_tcpip("a", 1, "b", 2)
                            .await
                            .is_ok()
                    })
                })
                .collect();
            let mut opened = 0;
            for each in opening {
                opened += usize::from(each.await.unwrap());
            }
            outgoing
                .data_bytes(format!("opened {opened}\n").into_bytes())
                .await
                .ok();
            outgoing.exit_status(0).await.ok();
            outgoing.close().await.ok();
        }
        Deed::Flood => {
            attached().await.ok();
            let piece = FromAgent::Output(Stream::Stdout, &[b'x'; 30_000]).encode();
            while outgoing.data_bytes(piece.clone()).await.is_ok() {}
        }
        Deed::Drip => {
            attached().await.ok();
            let byte = FromAgent::Output(Stream::Stdout, b".").encode();
            outgoing.data_bytes(byte).await.ok();
            // So that the byte arrives.
            sleep(Duration::from_millis(20)).await;
            hostile.pauses.lock().unwrap().closed = Some(Instant::now());
            server
                .disconnect(Disconnect::ProtocolError, String::new(), String::new())
                .await
                .ok();
        }
        Deed::Signal(name) => {
            let signal = Sig::Custom(name);
            server
                .exit_signal_request(outgoing.id(), signal, false, String::new(), String::new())
                .await
                .ok();
            outgoing.close().await.ok();
        }
        Deed::Mute { .. } => {}
        Deed::Leave(words) => {
            server
                .disconnect(Disconnect::ByApplication, words, String::new())
                .await
                .ok();
        }
    }
}

/// A job that was prepared, and the hostile server in the place of its task's.
fn taken_over(deed: Deed) -> (ManagerHost, Arc<Mutex<Pauses>>) {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
    let host_key = key.public_key().to_openssh().unwrap();
    let (address, pauses) = listen(deed, key);
    let file = manager.records().pop().unwrap();
    let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    record["login"]["address"] = json!(address.ip().to_string());
    record["login"]["port"] = json!(address.port());
    record["login"]["host_key"] = json!(host_key);
    std::fs::write(&file, record.to_string().as_bytes()).unwrap();
    (manager, pauses)
}

/// Serves on a thread that ends with the test's process.
fn listen(deed: Deed, key: PrivateKey) -> (SocketAddr, Arc<Mutex<Pauses>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let pauses = Arc::<Mutex<Pauses>>::default();
    let noted = Arc::clone(&pauses);
    let id = if deed.poses_as_agent() {
        "SSH-2.0-fargate-agent_0.1.0"
    } else {
        "SSH-2.0-OpenSSH_9.2"
    };
    let config = Arc::new(Config {
        server_id: SshId::Standard(id.into()),
        keys: vec![key],
        inactivity_timeout: None,
        ..Config::default()
    });
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let mut pauses = noted.lock().unwrap();
                if let Some(closed) = pauses.closed.take() {
                    pauses.all.push(closed.elapsed());
                }
                let hostile = Hostile {
                    deed: deed.clone(),
                    pauses: Arc::clone(&noted),
                    channel: Arc::default(),
                };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = run_stream(config, stream, hostile).await {
                        session.await.ok();
                    }
                });
            }
        });
    });
    (address, pauses)
}

/// Memory that a run may take in a build for tests, in KiB; what it takes in peace is about half.
const MEMORY: u64 = 40 * 1024;

#[test]
fn channels_that_nobody_asked_for_are_refused_and_cost_nothing() {
    let (manager, _) = taken_over(Deed::OpenChannels(20_000));
    let mut run = manager.start_run("echo never run");
    run.read_until("opened 0\n");
    let peak = run.peak_memory_kib();
    assert!(peak < MEMORY, "{peak} KiB");
    run.finish().exits(0);
}

#[test]
fn an_agent_that_sends_more_than_it_may_is_given_up_before_it_fills_the_memory() {
    let (manager, _) = taken_over(Deed::Flood);
    // Nobody reads what comes, as when the runner is slow.
    let mut run = manager.start_run("echo never run");
    let mut peak = 0;
    wait_until("the run is over", || {
        peak = run.peak_memory_kib().max(peak);
        assert!(peak < MEMORY, "{peak} KiB");
        run.is_over()
    });
    run.finish()
        .exits(22)
        .complains(&["sends more than it may"]);
}

#[test]
fn an_agent_that_drops_every_connection_does_not_keep_the_manager_busy() {
    let (manager, pauses) = taken_over(Deed::Drip);
    let _run = manager.start_run("echo never run");
    wait_until("it has come again some times", || {
        pauses.lock().unwrap().all.len() >= 5
    });
    let pauses = pauses.lock().unwrap();
    let shortest = pauses.all.iter().min().unwrap();
    assert!(*shortest >= Duration::from_millis(90), "{pauses:?}");
}

#[test]
fn a_server_that_opens_no_channel_holds_nobody() {
    for as_agent in [true, false] {
        let (manager, _) = taken_over(Deed::Mute { as_agent });
        let mut run = manager.start_run("echo never run");
        std::thread::sleep(Duration::from_secs(1));
        let begun = Instant::now();
        run.signal(nix::sys::signal::Signal::SIGTERM);
        run.finish().exits(22).complains(&["stopped by SIGTERM"]);
        assert!(begun.elapsed() < Duration::from_secs(3), "it is deaf");

        manager.configure_ssh("ConnectTimeout = \"2s\"\nReconnectTimeout = \"5s\"");
        let begun = Instant::now();
        manager
            .run("echo never run")
            .exits(22)
            .complains(&["has not answered for 2 s"]);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn what_it_says_stays_on_its_line() {
    let steering = "\u{1b}[2J\u{1b}[1;1H\nJob succeeded\n";
    let (manager, _) = taken_over(Deed::Signal(format!("{steering}{}", "X".repeat(100_000))));
    let outcome = manager.run("echo never run").exits(11);
    let told = outcome.err();
    let first = told.lines().next();
    assert_eq!(
        first,
        Some("ERROR: the script was killed by an unknown signal")
    );
    assert!(told.len() < 1000 && !told.contains('\u{1b}'), "{told}");

    let (manager, _) = taken_over(Deed::Leave(format!("{steering}{}", "X".repeat(100_000))));
    let outcome = manager.run("echo never run").exits(22);
    let told = outcome.err();
    assert!(
        told.contains("closed it: \\u{1b}[2J\\u{1b}[1;1H Job succeeded"),
        "{told}"
    );
    assert!(told.len() < 20_000 && !told.contains('\u{1b}'), "{told}");
    assert!(
        !told.lines().any(|line| line.starts_with("Job succeeded")),
        "{told}"
    );
}
