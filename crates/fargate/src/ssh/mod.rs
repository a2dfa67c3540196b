//! SSH: the one place that knows the library.
//!
//! One connection per stage, with the job's own key and the host key that prepare saw. Nothing is read from
//! the user's SSH configuration, so a manager's own keys and known hosts play no part.

mod channel;
mod command;
mod remainder;
mod resume;
mod script;
mod shell;

use std::borrow::Cow;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fargate_wire::AGENT_SSH_ID;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpUserTimeout;
use russh::client::{self, AuthResult, ChannelOpenHandle, DisconnectReason, Handle, Msg, Session};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{
    Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
};
use russh::{Channel, Disconnect, Names, Preferred, SshId, cipher, kex};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) use self::resume::{Attended, ResumableScript};
pub(crate) use self::script::Ended;
use crate::error::{Error, Result};
use crate::text::plain;

/// Silent keepalives after which a connection counts as lost.
const KEEPALIVES: u32 = 3;

/// Messages that wait for us before the server is held back. A message is at most 32 KiB, so this bounds the
/// memory of a run whatever the job prints.
const WAITING_MESSAGES: usize = 8;

/// A fresh key pair of one job.
#[derive(Debug, Clone)]
pub(crate) struct KeyPair(PrivateKey);

impl KeyPair {
    /// Makes an Ed25519 pair: no measurable time, and accepted by every server since 2014.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub(crate) fn generate() -> Result<Self> {
        PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519)
            .map(Self)
            .map_err(|error| Error::system(format!("could not make the job's SSH key: {error}")))
    }

    /// Reads what [`KeyPair::private`] gave.
    ///
    /// # Errors
    ///
    /// When it is no private key.
    pub(crate) fn parse(private: &str) -> Result<Self> {
        PrivateKey::from_openssh(private)
            .map(Self)
            .map_err(|error| {
                Error::system(format!("the job's record holds no usable SSH key: {error}"))
            })
    }

    /// The private half, for the job's record and nothing else.
    ///
    /// # Errors
    ///
    /// When it cannot be written in OpenSSH's form.
    pub(crate) fn private(&self) -> Result<String> {
        self.0
            .to_openssh(LineEnding::LF)
            .map(|pem| pem.to_string())
            .map_err(|error| Error::system(format!("could not write the job's SSH key: {error}")))
    }

    /// The public half as a line of `authorized_keys`, without line end.
    ///
    /// # Errors
    ///
    /// When it cannot be written in OpenSSH's form.
    pub(crate) fn public(&self) -> Result<String> {
        self.0
            .public_key()
            .to_openssh()
            .map_err(|error| Error::system(format!("could not write the job's SSH key: {error}")))
    }
}

/// `BYTES` random bytes in hexadecimal.
pub(crate) fn random_hex<const BYTES: usize>() -> String {
    use std::fmt::Write;
    rand::random::<[u8; BYTES]>()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nothing listens on the port.
    #[error("connection refused")]
    Refused,
    /// Nothing answered in time.
    #[error("no answer")]
    Silent,
    /// The server's key is not the one that prepare saw.
    #[error("its host key is {found}, and prepare saw {expected}")]
    OtherHost {
        /// Fingerprint of the key it showed.
        found: String,
        /// Fingerprint of the key that was pinned.
        expected: String,
    },
    /// The server does not take our key.
    #[error("it does not accept the job's key for user {0}")]
    KeyRefused(String),
    /// Anything else: what the network or the server said.
    #[error("{0}")]
    Other(String),
}

impl ConnectError {
    /// Whether the server answered, and is not the one that is sought or does not know us.
    pub(crate) fn is_of_stranger(&self) -> bool {
        matches!(self, Self::OtherHost { .. } | Self::KeyRefused(_))
    }
}

/// Where to connect, and how patiently.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Address and port of the SSH server.
    pub(crate) address: SocketAddr,
    /// User to log in as.
    pub(crate) username: String,
    /// The server's key in OpenSSH's form, when it is known already.
    pub(crate) host_key: Option<String>,
    /// Bound of reaching the port. While a task starts its packets are dropped rather than refused, and a new
    /// attempt gets through sooner than the system's repetition of an old one.
    pub(crate) reach_timeout: Duration,
    /// Bound of the rest: agreeing on keys and logging in.
    pub(crate) connect_timeout: Duration,
    /// How often a silent connection is checked; it counts as lost after three unanswered checks.
    pub(crate) keepalive_interval: Duration,
}

/// A connection that is logged in.
pub(crate) struct Connection {
    handle: Handle<Client>,
    seen: Arc<Seen>,
    /// How long the server may take to open a channel.
    answer_timeout: Duration,
}

/// What the library tells us about the server, for the other side of the connection's task.
#[derive(Debug, Default)]
struct Seen(Mutex<SeenFacts>);

#[derive(Debug, Default, Clone)]
struct SeenFacts {
    host_key: Option<PublicKey>,
    is_agent: bool,
    lost: Option<String>,
    left: bool,
}

impl Seen {
    fn get(&self) -> SeenFacts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, change: impl FnOnce(&mut SeenFacts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Connection {
    /// Connects, checks the server's key and logs in.
    ///
    /// # Errors
    ///
    /// With the first thing that went wrong.
    pub(crate) async fn open(target: &Target, key: &KeyPair) -> Result<Self, ConnectError> {
        let reached = timeout(target.reach_timeout, TcpStream::connect(target.address)).await;
        let stream = reached
            .map_err(|_| ConnectError::Silent)?
            .map_err(network)?;
        // Without it every request waits for the server's delayed acknowledgement.
        stream.set_nodelay(true).map_err(network)?;
        // The library checks nothing while it writes, and TCP alone would wait for a quarter of an hour.
        let silence = (target.keepalive_interval * KEEPALIVES).as_millis();
        let silence = u32::try_from(silence).unwrap_or(u32::MAX);
        setsockopt(&stream, TcpUserTimeout, &silence).map_err(|error| network(error.into()))?;
        timeout(target.connect_timeout, Self::log_in(stream, target, key))
            .await
            .unwrap_or(Err(ConnectError::Silent))
    }

    async fn log_in(
        stream: TcpStream,
        target: &Target,
        key: &KeyPair,
    ) -> Result<Self, ConnectError> {
        let expected = target
            .host_key
            .as_deref()
            .map(PublicKey::from_openssh)
            .transpose()
            .map_err(|error| {
                ConnectError::Other(format!(
                    "the job's record holds no usable host key: {error}"
                ))
            })?;
        let seen = Arc::<Seen>::default();
        let client = Client {
            seen: Arc::clone(&seen),
            expected: expected.clone(),
        };
        let connected =
            client::connect_stream(configuration(target, expected.as_ref()), stream, client).await;
        let mut handle = connected.map_err(|error| match (&expected, seen.get().host_key) {
            (Some(expected), Some(found)) if !same_key(expected, &found) => {
                ConnectError::OtherHost {
                    found: fingerprint(&found),
                    expected: fingerprint(expected),
                }
            }
            _ => refusal(error),
        })?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key.0.clone()), None);
        match handle
            .authenticate_publickey(target.username.as_str(), key)
            .await
        {
            Ok(AuthResult::Success) => Ok(Self {
                handle,
                seen,
                answer_timeout: target.connect_timeout,
            }),
            // What the library says, too, when the connection is lost before the answer.
            Ok(AuthResult::Failure {
                remaining_methods, ..
            }) if remaining_methods.is_empty() && handle.is_closed() => {
                let why = seen.get().lost;
                Err(ConnectError::Other(why.unwrap_or_else(|| {
                    "it was closed during the login".to_owned()
                })))
            }
            Ok(AuthResult::Failure { .. }) => {
                Err(ConnectError::KeyRefused(target.username.clone()))
            }
            Err(error) => Err(refusal(error)),
        }
    }

    /// The server's key in OpenSSH's form.
    ///
    /// # Errors
    ///
    /// When it cannot be written in that form.
    pub(crate) fn host_key(&self) -> Result<String> {
        match self.seen.get().host_key.map(|key| key.to_openssh()) {
            Some(Ok(key)) => Ok(key),
            _ => Err(Error::system(
                "could not write down the task's SSH host key",
            )),
        }
    }

    /// Whether the server is our own agent, which can do more.
    pub(crate) fn is_agent(&self) -> bool {
        self.seen.get().is_agent
    }

    /// Whether the server said that it leaves: there will be nobody to connect to again.
    pub(crate) fn has_left(&self) -> bool {
        self.seen.get().left
    }

    /// Why the connection ended, as far as the library knows.
    fn lost(&self) -> String {
        self.seen
            .get()
            .lost
            .unwrap_or_else(|| "the connection ended".to_owned())
    }
}

/// The library's callbacks.
#[derive(Debug)]
struct Client {
    seen: Arc<Seen>,
    expected: Option<PublicKey>,
}

/// Channels are ours to open. The library would take every one that the server opens, and keep it: a server that is
/// the job's could fill the manager's memory with them.
macro_rules! refuse_channels {
    ($($opened:ident($($detail:ty),*);)*) => {$(
        fn $opened(
            &mut self,
            _channel: Channel<Msg>,
            $(_: $detail,)*
            reply: ChannelOpenHandle,
            _session: &mut Session,
        ) -> impl Future<Output = Result<(), Self::Error>> + Send {
            // Dropped, it says no.
            drop(reply);
            ready(Ok(()))
        }
    )*};
}

impl client::Handler for Client {
    type Error = russh::Error;

    refuse_channels! {
        server_channel_open_session();
        server_channel_open_direct_tcpip(&str, u32, &str, u32);
        server_channel_open_direct_streamlocal(&str);
        server_channel_open_forwarded_tcpip(&str, u32, &str, u32);
        server_channel_open_forwarded_streamlocal(&str);
        server_channel_open_agent_forward();
        server_channel_open_x11(&str, u32);
    }

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        self.seen.note(|seen| seen.host_key = Some(key.clone()));
        Ok(self
            .expected
            .as_ref()
            .is_none_or(|expected| same_key(expected, key)))
    }

    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        _names: &Names,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let is_agent = session.remote_sshid().starts_with(AGENT_SSH_ID.as_bytes());
        self.seen.note(|seen| seen.is_agent = is_agent);
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<Self::Error>,
    ) -> Result<(), Self::Error> {
        let why = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let left = matches!(info.reason_code, Disconnect::ByApplication);
                self.seen.note(|seen| seen.left = left);
                format!("the task's SSH server closed it: {}", plain(&info.message))
            }
            DisconnectReason::Error(error) => refusal(error).to_string(),
        };
        self.seen.note(|seen| seen.lost = Some(why));
        Ok(())
    }
}

fn configuration(target: &Target, expected: Option<&PublicKey>) -> Arc<client::Config> {
    // A server with several host keys shows the one that the client prefers: it must be the pinned one's kind.
    let keys = match expected.map(PublicKey::algorithm) {
        // RSA has several names, by the hash of its signatures. SHA-1 is none that proves anything.
        Some(Algorithm::Rsa { .. }) | None => {
            let proves =
                |algorithm: &&Algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None });
            Preferred::DEFAULT
                .key
                .iter()
                .filter(proves)
                .cloned()
                .collect()
        }
        Some(algorithm) => Cow::Owned(vec![algorithm]),
    };
    Arc::new(client::Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-fargate_",
            env!("CARGO_PKG_VERSION")
        ))),
        keepalive_interval: Some(target.keepalive_interval),
        keepalive_max: KEEPALIVES as usize,
        channel_buffer_size: WAITING_MESSAGES,
        nodelay: true,
        preferred: Preferred {
            key: keys,
            // AES first: with the processor's instructions it is a fifth quicker than ChaCha20 (docs/performance.md).
            cipher: Cow::Borrowed(&[
                cipher::AES_128_GCM,
                cipher::AES_256_GCM,
                cipher::CHACHA20_POLY1305,
                cipher::AES_256_CTR,
                cipher::AES_128_CTR,
            ]),
            kex: Cow::Borrowed(KEY_EXCHANGES),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    })
}

/// What servers of the last ten years can do, those in FIPS mode included. Not the larger finite fields, nor any that the
/// server picks: they cost us seconds of computing, in which nothing else happens.
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_G14_SHA256,
    kex::DH_G16_SHA512,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

fn same_key(one: &PublicKey, other: &PublicKey) -> bool {
    one.key_data() == other.key_data()
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(russh::keys::HashAlg::Sha256).to_string()
}

fn network(error: std::io::Error) -> ConnectError {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        std::io::ErrorKind::TimedOut => ConnectError::Silent,
        _ => ConnectError::Other(error.to_string()),
    }
}

fn refusal(error: russh::Error) -> ConnectError {
    match error {
        russh::Error::IO(error) => network(error),
        russh::Error::KeepaliveTimeout => ConnectError::Other("it no longer answers".to_owned()),
        russh::Error::HUP | russh::Error::Disconnect => {
            ConnectError::Other("it was closed by the other side".to_owned())
        }
        other => ConnectError::Other(other.to_string()),
    }
}
