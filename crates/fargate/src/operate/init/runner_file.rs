//! Where the runner's entry goes: a new `config.toml`, the end of one that exists, or a file beside it.

use std::path::{Path, PathBuf};

use super::files::File;
use super::runner_toml::RunnerEntry;
use crate::error::{Error, Result};

/// Readable by its owner alone: the token is in it.
const SECRET: u32 = 0o600;

/// The file with the runner's entry.
pub(super) struct RunnerFile {
    pub(super) file: File,
    pub(super) place: Place,
}

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A `config.toml` where there was none.
    New,
    /// The `config.toml` that exists, with the entry at its end.
    Extended,
    /// The entry alone, which a person has to add.
    Beside,
}

impl RunnerFile {
    /// Decides. A `config.toml` that exists belongs to its other runners, so it changes by `force` alone, at its end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(super) fn plan(
        entry: &RunnerEntry<'_>,
        concurrent: u32,
        config_toml: &Path,
        force: bool,
    ) -> Result<Self> {
        let secret = |path: PathBuf, text: String, place| Self {
            file: File {
                path,
                text,
                mode: SECRET,
                // A config.toml that exists is readable by those who read it now.
                keeps_mode: place == Place::Extended,
            },
            place,
        };
        if !config_toml.exists() {
            return Ok(secret(
                config_toml.to_owned(),
                entry.file(concurrent),
                Place::New,
            ));
        }
        if !force {
            let beside = config_toml.with_file_name("fargate-runner.toml");
            return Ok(secret(beside, entry.part(), Place::Beside));
        }
        let failed =
            |error| Error::system(format!("could not read {}: {error}", config_toml.display()));
        let found = std::fs::read_to_string(config_toml).map_err(failed)?;
        let text = format!("{}\n\n{}", found.trim_end(), entry.part());
        Ok(secret(config_toml.to_owned(), text, Place::Extended))
    }
}
