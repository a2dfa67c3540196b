//! A job's key pair, and random numbers.

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};

use crate::error::{Error, Result};

/// A fresh key pair of one job.
#[derive(Debug, Clone)]
pub(crate) struct KeyPair(pub(super) PrivateKey);

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
