//! A hostile SSH server in the place of a task's.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fargate_wire::script::{FromAgent, SUBSYSTEM, Stream};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, Disconnect, Pty, Sig, SshId};
use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::fargate;

/// What it does instead of running a script.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Opens so many channels to the driver, and then ends the script well.
    OpenChannels(usize),
    /// Says that it is an agent, and sends output as fast as it is taken, whatever was acknowledged.
    Flood,
    /// Says that it is an agent, sends one byte of output, and closes the connection.
    Drip,
    /// Ends the script by a signal of this name.
    Signal(String),
    /// Ends the script with this status, as an agent or not.
    Exit { as_agent: bool, status: u32 },
    /// Ends the script with status 3 as an agent that knows nothing but scripts and commands.
    OldAgent,
    /// Leaves, with these words.
    Leave(String),
    /// Logs the driver in, and never answers when it opens a channel. As an agent, or not.
    Mute { as_agent: bool },
    /// Says that it is an agent, takes the script, and does nothing more, whatever it is told.
    Idle,
    /// Says that it is an agent, and takes the script on the first connection. It drops that one, and all others when a
    /// channel is opened, or does not answer then.
    Vanish { answers: bool },
    /// Ends the script well, and then sends a byte every 0.3 s, for ever.
    Trickle,
    /// Sends without end before anybody has logged in.
    Flooding,
}

impl Deed {
    fn poses_as_agent(&self) -> bool {
        matches!(
            self,
            Self::Flood
                | Self::Drip
                | Self::Mute { as_agent: true }
                | Self::Exit { as_agent: true, .. }
                | Self::OldAgent
                | Self::Idle
                | Self::Vanish { .. }
        )
    }
}

/// How long the driver stayed away each time after a connection was closed.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    closed: Option<Instant>,
    pub(super) all: Vec<Duration>,
}

#[derive(Clone)]
struct Hostile {
    deed: Deed,
    /// How many connections came before this one.
    earlier: usize,
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
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.deed {
            Deed::Vanish { answers: true } if self.earlier > 0 => {
                return session.disconnect(Disconnect::ProtocolError, "", "");
            }
            Deed::Vanish { answers: false } if self.earlier == 0 => {}
            Deed::Vanish { answers: false } | Deed::Mute { .. } => {
                // Dropped, it would say no.
                std::mem::forget(reply);
                return Ok(());
            }
            _ => {}
        }
        *self.channel.lock().unwrap() = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // The driver expects a process group behind these words.
        let command = String::from_utf8_lossy(command);
        let words = command.split("echo fargate-script-").nth(1);
        let nonce = words.and_then(|rest| rest.split(':').next());
        if let (Deed::Trickle, Some(nonce)) = (&self.deed, nonce) {
            session.data(
                id,
                format!("fargate-script-{nonce}:99999999\n").into_bytes(),
            )?;
        }
        self.begin(id, session)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if matches!(self.deed, Deed::OldAgent) && name != SUBSYSTEM {
            return session.channel_failure(id);
        }
        self.begin(id, session)
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
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
        Deed::Exit {
            as_agent: true,
            status,
        } => {
            attached().await.ok();
            let end = FromAgent::Exited(status).encode();
            outgoing.data_bytes(end).await.ok();
        }
        Deed::OldAgent => {
            attached().await.ok();
            let end = FromAgent::Exited(3).encode();
            outgoing.data_bytes(end).await.ok();
        }
        Deed::Exit { status, .. } => {
            outgoing.exit_status(status).await.ok();
            outgoing.close().await.ok();
        }
        Deed::Vanish { .. } => {
            attached().await.ok();
            let begun = FromAgent::Output(Stream::Stdout, b"begun\n").encode();
            outgoing.data_bytes(begun).await.ok();
            sleep(Duration::from_millis(20)).await;
            server
                .disconnect(Disconnect::ProtocolError, String::new(), String::new())
                .await
                .ok();
        }
        Deed::Idle => {
            attached().await.ok();
            let begun = FromAgent::Output(Stream::Stdout, b"begun\n").encode();
            outgoing.data_bytes(begun).await.ok();
            std::future::pending().await
        }
        Deed::Trickle => {
            outgoing.exit_status(0).await.ok();
            while outgoing.data_bytes(&b"."[..]).await.is_ok() {
                sleep(Duration::from_millis(300)).await;
            }
        }
        Deed::Mute { .. } | Deed::Flooding => {}
        Deed::Leave(words) => {
            server
                .disconnect(Disconnect::ByApplication, words, String::new())
                .await
                .ok();
        }
    }
}

/// A job that was prepared, and the hostile server in the place of its task's.
pub(super) fn taken_over(deed: Deed) -> (ManagerHost, Arc<Mutex<Pauses>>) {
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
            let mut earlier = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Deed::Flooding = deed {
                    tokio::spawn(async move {
                        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.ok();
                        // Messages to be ignored, of 32 KB each (RFC 4253, section 11.2).
                        let mut ignored = vec![0; 32 * 1024];
                        ignored[..6].copy_from_slice(&[0, 0, 0x7f, 0xfc, 4, 2]);
                        while stream.write_all(&ignored).await.is_ok() {}
                    });
                    continue;
                }
                let mut pauses = noted.lock().unwrap();
                if let Some(closed) = pauses.closed.take() {
                    pauses.all.push(closed.elapsed());
                }
                let hostile = Hostile {
                    deed: deed.clone(),
                    earlier,
                    pauses: Arc::clone(&noted),
                    channel: Arc::default(),
                };
                earlier += 1;
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
