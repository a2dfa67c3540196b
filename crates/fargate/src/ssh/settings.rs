//! The configuration of the library: keepalives, and algorithms.

use std::borrow::Cow;
use std::sync::Arc;

use russh::keys::{Algorithm, PublicKey};
use russh::{Preferred, SshId, cipher, client, kex};

use super::target::Target;

/// Silent keepalives after which a connection counts as lost.
pub(super) const KEEPALIVES: u32 = 3;

/// Messages that wait for us before the server is held back. A message is at most 32 KiB, so this bounds the
/// memory of a run whatever the job prints.
const WAITING_MESSAGES: usize = 8;

/// The configuration for a connection to this server.
pub(super) fn configuration(target: &Target, expected: Option<&PublicKey>) -> Arc<client::Config> {
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

/// Key exchanges that servers of the last ten years know, those in FIPS mode included.
///
/// The larger finite fields and those that the server picks are left out: they cost seconds of blocking computation.
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_G14_SHA256,
    kex::DH_G16_SHA512,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
