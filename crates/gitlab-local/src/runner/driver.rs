//! A custom executor driver: how it is called, and what its `config` answers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::Deserialize;

/// Variables of a process's environment that differ from our own; one without a value is removed.
pub type Environment = Vec<(String, Option<String>)>;

/// A custom executor driver.
#[derive(Debug, Clone)]
pub struct Driver {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments before the stage's name. Paths are absolute: calls are made from private folders.
    pub arguments: Vec<OsString>,
    /// The environment of the runner's process, where it differs from ours.
    pub environment: Environment,
}

/// The answer of a driver's `config`; unknown keys are ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigReply {
    pub(crate) driver: DriverName,
    pub(crate) hostname: Option<String>,
    pub(crate) builds_dir: Option<String>,
    pub(crate) shell: Option<String>,
    /// Environment of the later calls of this attempt.
    pub(crate) job_env: BTreeMap<String, String>,
}

/// The name that a driver gives itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DriverName {
    pub(crate) name: String,
    pub(crate) version: String,
}
