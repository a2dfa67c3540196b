//! One connection of a client to the agent, in memory.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use fargate_wire::script::{Attach, SUBSYSTEM, ToAgent};
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::server::{Config, run_stream};
use russh::{Preferred, cipher, client, compression, kex, mac};
use tokio::io::{
    AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, sink, split,
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::attendance::{Attendance, Limits};
use crate::authorized_key::AuthorizedKey;
use crate::connection::Connection;
use crate::execution::Host;
use crate::processes::Processes;
use crate::run::Runs;
use crate::server;
use crate::shell::Environment;

/// Whatever the client says, the connection has ended soon after it hung up.
const LIMIT: Duration = Duration::from_secs(20);

/// What a driver says first, one packet after the other.
static GREETING: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| packets(&record(false)));

/// What a driver says until it is logged in, without encryption.
static LOGIN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let login = record(true);
    assert!(visit(true, &login), "what was recorded does not log in");
    login
});

static KEY: LazyLock<PrivateKey> = LazyLock::new(new_key);
static HOST_KEY: LazyLock<PrivateKey> = LazyLock::new(new_key);

fn new_key() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap()
}

/// A client that has not logged in: some packets of a driver's, as many as the first byte says, and then the rest as it
/// is.
pub fn stranger(input: &[u8]) {
    let Some((&known, rest)) = input.split_first() else {
        return;
    };
    let known = usize::from(known) % (GREETING.len() + 1);
    let mut sent = GREETING[..known].concat();
    sent.extend_from_slice(rest);
    visit(false, &sent);
}

/// A client that has logged in: what the first byte says, and then packets of any content. Nothing is encrypted, so that
/// the fuzzer's bytes are what the agent makes sense of.
pub fn guest(input: &[u8]) {
    let Some((&known, mut rest)) = input.split_first() else {
        return;
    };
    let mut sent = LOGIN.clone();
    let known = usize::from(known) % 5;
    let messages = [open(), request(), attach(), window()];
    for message in messages.iter().take(known) {
        packet(&mut sent, message);
    }
    while let Some((length, more)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(more.len());
        let (payload, more) = more.split_at(length);
        packet(&mut sent, payload);
        rest = more;
    }
    visit(true, &sent);
}

/// A driver that is attached to a script, and then sends any frames.
pub fn driver(input: &[u8]) {
    let mut sent = LOGIN.clone();
    for message in [open(), request(), attach(), window(), data(input)] {
        packet(&mut sent, &message);
    }
    visit(true, &sent);
}

/// The number that russh's server gives to the first channel.
const CHANNEL: u32 = 2;

fn open() -> Vec<u8> {
    let mut message = vec![90];
    string(&mut message, b"session");
    for number in [CHANNEL, 1 << 20, 1 << 15] {
        message.extend(number.to_be_bytes());
    }
    message
}

fn request() -> Vec<u8> {
    let mut message = vec![98];
    message.extend(CHANNEL.to_be_bytes());
    string(&mut message, b"subsystem");
    message.push(1);
    string(&mut message, SUBSYSTEM.as_bytes());
    message
}

fn attach() -> Vec<u8> {
    let attach = Attach {
        run: [7; 16],
        resumed: false,
        received: 0,
        patience: Duration::from_millis(1),
    };
    data(&ToAgent::Attach(attach).encode())
}

fn window() -> Vec<u8> {
    let mut message = vec![93];
    message.extend(CHANNEL.to_be_bytes());
    message.extend((1u32 << 20).to_be_bytes());
    message
}

fn data(bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![94];
    message.extend(CHANNEL.to_be_bytes());
    string(&mut message, bytes);
    message
}

fn string(message: &mut Vec<u8>, bytes: &[u8]) {
    message.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    message.extend_from_slice(bytes);
}

/// Appends an SSH packet without encryption (RFC 4253, section 6).
fn packet(sent: &mut Vec<u8>, payload: &[u8]) {
    let padding = 11 - payload.len() % 8;
    let length = 1 + payload.len() + padding;
    sent.extend(u32::try_from(length).unwrap().to_be_bytes());
    sent.push(u8::try_from(padding).unwrap());
    sent.extend_from_slice(payload);
    sent.extend(std::iter::repeat_n(0, padding));
}

/// The identification, and the packets after it.
fn packets(mut sent: &[u8]) -> Vec<Vec<u8>> {
    let line = sent.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut packets = vec![sent[..line].to_vec()];
    sent = &sent[line..];
    while let Some(length) = sent.first_chunk() {
        let end = 4 + usize::try_from(u32::from_be_bytes(*length)).unwrap();
        // From the first encrypted packet on they cannot be told apart.
        let Some((packet, rest)) = sent.split_at_checked(end) else {
            break;
        };
        packets.push(packet.to_vec());
        sent = rest;
    }
    packets
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let entered = runtime.enter();
    // As Rust's own start of a program sees to, and libFuzzer's does not: writing to a pipe that nobody reads is an error,
    // and not the end. The handler stays when what listens is dropped.
    drop(signal(SignalKind::pipe()).unwrap());
    drop(entered);
    runtime
}

/// The agent's settings; without encryption, when all is to be seen.
fn settings(plain: bool) -> Config {
    let config = server::config(HOST_KEY.clone());
    Config {
        preferred: if plain { in_plain() } else { config.preferred },
        ..config
    }
}

fn in_plain() -> Preferred {
    Preferred {
        kex: vec![kex::NONE].into(),
        key: vec![Algorithm::Ed25519].into(),
        cipher: vec![cipher::NONE].into(),
        mac: vec![mac::NONE].into(),
        compression: vec![compression::NONE].into(),
        ..Preferred::DEFAULT
    }
}

fn host() -> Arc<Host> {
    Arc::new(Host {
        processes: Processes::new().unwrap(),
        environment: Environment::of_container(),
        attendance: Attendance::new(Limits::default(), "fuzz", false).unwrap(),
        runs: Runs::default(),
        stopping: watch::Sender::new(false),
    })
}

fn connection(host: &Arc<Host>, logged_in: oneshot::Sender<()>) -> Connection {
    let key = AuthorizedKey::parse(&KEY.public_key().to_openssh().unwrap()).unwrap();
    Connection::new(Arc::clone(host), Arc::new(key), logged_in)
}

/// Says all of `sent` to the agent, hangs up, and waits until it has noticed. Returns whether that logged in.
fn visit(plain: bool, sent: &[u8]) -> bool {
    let runtime = runtime();
    runtime.block_on(async {
        let host = host();
        let (client, server) = duplex(1 << 16);
        let (logged_in, login) = oneshot::channel();
        let connection = connection(&host, logged_in);
        let serving = async {
            let session = run_stream(Arc::new(settings(plain)), server, connection).await;
            if let Ok(session) = session {
                session.await.ok();
            }
        };
        let (mut reader, mut writer) = split(client);
        let speaking = async {
            writer.write_all(sent).await.ok();
            // Some time for what was said to have its effects.
            for _ in 0..32 {
                yield_now().await;
            }
            writer.shutdown().await.ok();
        };
        let listening = async { tokio::io::copy(&mut reader, &mut sink()).await.ok() };
        let all = async {
            let over = timeout(LIMIT, async { tokio::join!(serving, speaking, listening) }).await;
            assert!(over.is_ok(), "the connection did not end");
            host.processes.end_all(Duration::ZERO).await;
        };
        tokio::select! {
            biased;
            collected = host.processes.collect() => collected.unwrap(),
            () = all => (),
        }
        login.await.is_ok()
    })
}

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// Passes on what is said. Without a key exchange russh says that there are new keys, and does not want to hear it.
async fn pass(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    plain: bool,
    heard: Option<UnboundedSender<Vec<u8>>>,
) {
    let mut new_keys = Vec::new();
    packet(&mut new_keys, &[21]);
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mut piece = buffer[..length].to_vec();
        let found = piece
            .windows(new_keys.len())
            .position(|part| part == new_keys);
        if let (true, Some(start)) = (plain, found) {
            piece.drain(start..start + new_keys.len());
        }
        to.write_all(&piece).await.unwrap();
        if let Some(heard) = &heard {
            heard.send(piece).ok();
        }
    }
}

/// What a client says until it is logged in.
fn record(plain: bool) -> Vec<u8> {
    runtime().block_on(async {
        let (client, near) = duplex(1 << 16);
        let (far, server) = duplex(1 << 16);
        let (from_client, to_client) = split(near);
        let (from_server, to_server) = split(far);
        let (said, mut heard) = unbounded_channel();
        tokio::spawn(pass(from_client, to_server, plain, Some(said)));
        tokio::spawn(pass(from_server, to_client, plain, None));
        let host = host();
        let serving = run_stream(
            Arc::new(settings(plain)),
            server,
            connection(&host, oneshot::channel().0),
        );
        tokio::spawn(async move { serving.await.unwrap().await });
        let config = client::Config {
            preferred: if plain {
                in_plain()
            } else {
                Preferred::DEFAULT
            },
            ..client::Config::default()
        };
        let mut session = client::connect_stream(Arc::new(config), client, Trusting)
            .await
            .unwrap();
        let key = PrivateKeyWithHashAlg::new(Arc::new(KEY.clone()), None);
        assert!(
            session
                .authenticate_publickey("root", key)
                .await
                .unwrap()
                .success()
        );
        let mut recorded = Vec::new();
        while let Ok(piece) = heard.try_recv() {
            recorded.extend(piece);
        }
        recorded
    })
}
