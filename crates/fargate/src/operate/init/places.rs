//! Where the files go.

use std::path::PathBuf;

/// The places of the files.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) fargate_toml: PathBuf,
    pub(super) config_toml: PathBuf,
    /// Whether that `config.toml` calls a driver with that `fargate.toml` already.
    pub(super) is_called: bool,
}
