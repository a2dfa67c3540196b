//! `fargate.toml`.

use std::path::{Path, PathBuf};

use crate::config::{CleanupConfig, Config};
use crate::error::Result;

/// The configuration, whole or as far as it can be read.
#[derive(Debug)]
pub(in super::super) struct Configuration {
    pub(in super::super) file: PathBuf,
    /// Whether there is such a file.
    pub(in super::super) exists: bool,
    pub(in super::super) whole: Result<Config>,
    /// `[TaskMetadata] Directory`, also of a file with wrong values elsewhere.
    pub(in super::super) metadata_directory: Option<PathBuf>,
}

impl Configuration {
    pub(super) fn read(file: &Path) -> Self {
        let lenient = CleanupConfig::load(file).ok();
        Self {
            file: file.to_owned(),
            exists: file.exists(),
            whole: Config::load(file),
            metadata_directory: lenient.map(|config| config.metadata_directory),
        }
    }
}
