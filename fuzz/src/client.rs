//! One client's connection to the agent, in memory.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use fargate_agent::fuzzing::Agent;
use fargate_wire::script::{Attach, SUBSYSTEM, ToAgent};
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Preferred, cipher, client, compression, kex, mac};
use tokio::io::{
    AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, sink, split,
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::yield_now;
use tokio::time::timeout;

/// Time within which a connection must end after the client has hung up.
const LIMIT: Duration = Duration::from_secs(20);

/// The first packets of a driver that logs in.
static GREETING: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| packets(&record_login(Encryption::Negotiated)));

/// All bytes of a driver until it is logged in, without encryption.
static LOGIN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let login = record_login(Encryption::None);
    let logged_in = connect_and_send(Encryption::None, &login);
    assert!(logged_in, "the recorded bytes do not log in");
    login
});

static KEY: LazyLock<PrivateKey> = LazyLock::new(new_key);
static HOST_KEY: LazyLock<PrivateKey> = LazyLock::new(new_key);

fn new_key() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap()
}

/// Whether the connection is encrypted. Without encryption the agent decodes exactly the bytes that the fuzzer made up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Negotiated,
    None,
}

impl Encryption {
    /// The algorithms to offer in place of the default.
    fn algorithms(self) -> Option<Preferred> {
        (self == Self::None).then(|| Preferred {
            kex: vec![kex::NONE].into(),
            key: vec![Algorithm::Ed25519].into(),
            cipher: vec![cipher::NONE].into(),
            mac: vec![mac::NONE].into(),
            compression: vec![compression::NONE].into(),
            ..Preferred::DEFAULT
        })
    }
}

/// A client that has not logged in.
///
/// It sends some packets of a driver, as many as the first byte says, and then the rest of the input.
pub fn before_login(input: &[u8]) {
    let Some((&known, rest)) = input.split_first() else {
        return;
    };
    let known = usize::from(known) % (GREETING.len() + 1);
    let mut sent = GREETING[..known].concat();
    sent.extend_from_slice(rest);
    connect_and_send(Encryption::Negotiated, &sent);
}

/// A client that has logged in.
///
/// It sends some messages of a driver, as many as the first byte says, and then packets with the rest of the input.
pub fn after_login(input: &[u8]) {
    let Some((&known, mut rest)) = input.split_first() else {
        return;
    };
    let mut sent = LOGIN.clone();
    let known = usize::from(known) % 5;
    let messages = [open_channel(), request_subsystem(), attach(), open_window()];
    for message in messages.iter().take(known) {
        packet(&mut sent, message);
    }
    while let Some((length, more)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(more.len());
        let (payload, more) = more.split_at(length);
        packet(&mut sent, payload);
        rest = more;
    }
    connect_and_send(Encryption::None, &sent);
}

/// A driver that is attached to a script, and then sends any bytes as frames.
pub fn attached_driver(input: &[u8]) {
    let mut sent = LOGIN.clone();
    for message in [
        open_channel(),
        request_subsystem(),
        attach(),
        open_window(),
        data(input),
    ] {
        packet(&mut sent, &message);
    }
    connect_and_send(Encryption::None, &sent);
}

/// The number that russh's server gives the first channel.
const CHANNEL: u32 = 2;

fn open_channel() -> Vec<u8> {
    let mut message = vec![90];
    string(&mut message, b"session");
    for number in [CHANNEL, 1 << 20, 1 << 15] {
        message.extend(number.to_be_bytes());
    }
    message
}

fn request_subsystem() -> Vec<u8> {
    let mut message = vec![98];
    message.extend(CHANNEL.to_be_bytes());
    string(&mut message, b"subsystem");
    message.push(1);
    string(&mut message, SUBSYSTEM.as_bytes());
    message
}

fn attach() -> Vec<u8> {
    let attach = Attach {
        script: [7; 16],
        resumed: false,
        received: 0,
        patience: Duration::from_millis(1),
    };
    data(&ToAgent::Attach(attach).encode())
}

fn open_window() -> Vec<u8> {
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

/// Appends a string (RFC 4251, section 5).
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

/// Cuts recorded bytes into the identification line and the packets after it.
fn packets(mut sent: &[u8]) -> Vec<Vec<u8>> {
    let line = sent.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut packets = vec![sent[..line].to_vec()];
    sent = &sent[line..];
    while let Some(length) = sent.first_chunk() {
        let end = 4 + usize::try_from(u32::from_be_bytes(*length)).unwrap();
        // From the first encrypted packet on, their lengths cannot be read.
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
    // Rust ignores SIGPIPE at the start of a program, and libFuzzer's main does not. Writing to a pipe without a reader
    // must be an error, not the end of the process. tokio's handler stays after the listener is dropped.
    drop(signal(SignalKind::pipe()).unwrap());
    drop(entered);
    runtime
}

fn agent(encryption: Encryption) -> Agent {
    let shell = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
    let algorithms = encryption.algorithms();
    Agent::new(KEY.public_key(), HOST_KEY.clone(), shell, algorithms).unwrap()
}

/// Sends all bytes to an agent, hangs up, and waits until it has noticed. Returns whether the client logged in.
fn connect_and_send(encryption: Encryption, sent: &[u8]) -> bool {
    let runtime = runtime();
    runtime.block_on(async {
        let agent = agent(encryption);
        let (client, server) = duplex(1 << 16);
        let (mut reader, mut writer) = split(client);
        let speaking = async {
            writer.write_all(sent).await.ok();
            // Time for the agent to act on these bytes.
            for _ in 0..32 {
                yield_now().await;
            }
            writer.shutdown().await.ok();
        };
        let listening = async { tokio::io::copy(&mut reader, &mut sink()).await.ok() };
        let connection = async {
            let all = async { tokio::join!(agent.serve(server), speaking, listening) };
            let (logged_in, ..) = timeout(LIMIT, all)
                .await
                .expect("the connection did not end");
            agent.kill_children().await;
            logged_in
        };
        tokio::select! {
            biased;
            collected = agent.collect_children() => panic!("SIGCHLD cannot be received: {collected:?}"),
            logged_in = connection => logged_in,
        }
    })
}

/// Accepts every host key.
struct AnyHostKey;

impl client::Handler for AnyHostKey {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// Forwards and records bytes.
///
/// Without a key exchange russh sends a message about new keys that it does not accept itself.
async fn forward(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    encryption: Encryption,
    record: Option<UnboundedSender<Vec<u8>>>,
) {
    let mut new_keys = Vec::new();
    packet(&mut new_keys, &[21]);
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mut piece = buffer[..length].to_vec();
        let found = piece
            .windows(new_keys.len())
            .position(|part| part == new_keys);
        if let (Encryption::None, Some(start)) = (encryption, found) {
            piece.drain(start..start + new_keys.len());
        }
        to.write_all(&piece).await.unwrap();
        if let Some(record) = &record {
            record.send(piece).ok();
        }
    }
}

/// Records the bytes of a client until it is logged in.
fn record_login(encryption: Encryption) -> Vec<u8> {
    runtime().block_on(async {
        let (client, near) = duplex(1 << 16);
        let (far, server) = duplex(1 << 16);
        let (from_client, to_client) = split(near);
        let (from_server, to_server) = split(far);
        let (record, mut recorded) = unbounded_channel();
        tokio::spawn(forward(from_client, to_server, encryption, Some(record)));
        tokio::spawn(forward(from_server, to_client, encryption, None));
        tokio::spawn(async move { agent(encryption).serve(server).await });
        let config = client::Config {
            preferred: encryption.algorithms().unwrap_or(Preferred::DEFAULT),
            ..client::Config::default()
        };
        let mut session = client::connect_stream(Arc::new(config), client, AnyHostKey)
            .await
            .unwrap();
        let key = PrivateKeyWithHashAlg::new(Arc::new(KEY.clone()), None);
        let login = session.authenticate_publickey("root", key).await.unwrap();
        assert!(login.success());
        let mut bytes = Vec::new();
        while let Ok(piece) = recorded.try_recv() {
            bytes.extend(piece);
        }
        bytes
    })
}
