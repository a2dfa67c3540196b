//! The SSH host key, by which the driver recognises the agent.

use std::path::Path;

use anyhow::{Context, Result};
use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, PrivateKey};

/// Makes a new host key.
pub(crate) fn generate() -> Result<PrivateKey> {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).context("cannot make a host key")
}

/// Reads a host key in OpenSSH's format.
pub(crate) fn read(file: &Path) -> Result<PrivateKey> {
    PrivateKey::read_openssh_file(file)
        .with_context(|| format!("cannot use {} as the host key", file.display()))
}
