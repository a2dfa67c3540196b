//! The SSH host key: by it the driver knows the agent again.

use std::path::Path;

use anyhow::{Context, Result};
use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, PrivateKey};

/// Makes a new one.
pub(crate) fn make() -> Result<PrivateKey> {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).context("cannot make a host key")
}

/// Reads one in OpenSSH's form.
pub(crate) fn read(file: &Path) -> Result<PrivateKey> {
    PrivateKey::read_openssh_file(file)
        .with_context(|| format!("cannot use {} as the host key", file.display()))
}
