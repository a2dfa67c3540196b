//! SSH settings: identification, algorithms, windows and keepalives.

use std::time::Duration;

use fargate_wire::AGENT_SSH_ID;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::Config;
use russh::{MethodKind, MethodSet, Preferred, SshId, cipher, kex};

/// Keys that a client may try: as many as OpenSSH's server allows.
const MAX_ATTEMPTS: usize = 6;

/// Bytes that a client may send on a channel before it is answered: enough for 10 MB/s from 20 ms away.
pub(crate) const WINDOW: u32 = 256 * 1024;

/// Packets that wait to be sent. All of them are encrypted at once, so few bound the memory of a connection to some 16
/// times the maximum packet size, and still keep it busy.
const OUTGOING: usize = 16;

/// The agent asks a silent client for a sign of life this often.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(30);

/// The agent closes the connection after this many unanswered keepalives.
pub(crate) const KEEPALIVES: u32 = 3;

/// Without finite field Diffie-Hellman, which costs a server much and a client nothing to ask for.
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];

const HOST_KEYS: &[Algorithm] = &[Algorithm::Ed25519];

/// Only AES-GCM: every client supports it, and every processor of Fargate has instructions for it. The client's order
/// decides, and OpenSSH's begins with the slower ChaCha20.
const CIPHERS: &[cipher::Name] = &[cipher::AES_256_GCM, cipher::AES_128_GCM];

/// Settings of a server with this host key.
pub(crate) fn settings(host_key: PrivateKey) -> Config {
    let version = env!("CARGO_PKG_VERSION");
    Config {
        server_id: SshId::Standard(format!("{AGENT_SSH_ID}{version}").into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        // A delay would hide how long a refusal took to decide. Everything compared here is public.
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
        // A script may be silent for any time. Logging in has its own limit.
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES as usize,
        ..Config::default()
    }
}
