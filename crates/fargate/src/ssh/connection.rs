//! One connection to a task's SSH server, logged in.

use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fargate_wire::AGENT_SSH_ID;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpUserTimeout;
use russh::client::{self, AuthResult, ChannelOpenHandle, DisconnectReason, Handle, Msg, Session};
use russh::keys::{PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, Disconnect, Names};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connect_error::{ConnectError, network, refusal};
use super::keys::KeyPair;
use super::login_limit::LimitedStream;
use super::settings::{KEEPALIVES, configuration};
use super::target::Target;
use crate::error::{Error, Result};
use crate::text::plain;

/// Longest silence that Linux takes, in milliseconds: it reads the number as a signed one (tcp(7): TCP_USER_TIMEOUT).
const LONGEST_SILENCE: u32 = i32::MAX.cast_unsigned();

/// A connection that is logged in.
pub(crate) struct Connection {
    pub(super) handle: Handle<Client>,
    seen: Arc<Seen>,
    /// How long the server may take to open a channel.
    pub(super) answer_timeout: Duration,
}

/// Facts about the server from the library's callbacks, shared with the connection.
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
    /// The first failure.
    pub(crate) async fn open(target: &Target, key: &KeyPair) -> Result<Self, ConnectError> {
        let reached = timeout(target.reach_timeout, TcpStream::connect(target.address)).await;
        let stream = reached
            .map_err(|_| ConnectError::Silent)?
            .map_err(network)?;
        // Without it every request waits for the server's delayed acknowledgement.
        stream.set_nodelay(true).map_err(network)?;
        // The library checks nothing while it writes, and TCP alone would wait for a quarter of an hour.
        let silence = (target.keepalive_interval * KEEPALIVES).as_millis();
        let silence =
            u32::try_from(silence).map_or(LONGEST_SILENCE, |silence| silence.min(LONGEST_SILENCE));
        setsockopt(&stream, TcpUserTimeout, &silence).map_err(|error| network(error.into()))?;
        let (stream, allowance) = LimitedStream::new(stream);
        let login = timeout(target.connect_timeout, Self::log_in(stream, target, key)).await;
        match login {
            Ok(Ok(connection)) => {
                allowance.lift();
                Ok(connection)
            }
            _ if allowance.is_spent() => Err(ConnectError::Flood),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(ConnectError::Silent),
        }
    }

    async fn log_in(
        stream: LimitedStream,
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
            // The library returns the same when the connection is lost before the answer.
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
            _ => Err(Error::system("could not save the task's SSH host key")),
        }
    }

    /// Whether the server is our own agent, which can do more.
    pub(crate) fn is_agent(&self) -> bool {
        self.seen.get().is_agent
    }

    /// Whether the server announced that it leaves, so that no connection will succeed again.
    pub(crate) fn has_left(&self) -> bool {
        self.seen.get().left
    }

    /// Why the connection ended, as far as the library knows.
    pub(super) fn lost(&self) -> String {
        self.seen
            .get()
            .lost
            .unwrap_or_else(|| "the connection ended".to_owned())
    }
}

/// The library's callbacks.
#[derive(Debug)]
pub(super) struct Client {
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
            // A dropped reply refuses the channel.
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

fn same_key(one: &PublicKey, other: &PublicKey) -> bool {
    one.key_data() == other.key_data()
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(russh::keys::HashAlg::Sha256).to_string()
}
