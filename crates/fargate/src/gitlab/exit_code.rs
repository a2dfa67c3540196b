//! The exit code of a `custom` call, by blame.

use std::path::PathBuf;

use super::environment::{
    BUILD_EXIT_CODE_FILE, BUILD_FAILURE_EXIT_CODE, SYSTEM_FAILURE_EXIT_CODE, exit_code, path,
};
use crate::error::{Blame, Result};

/// What the runner wants to hear, from the environment of every `custom` call.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    build_failure: u8,
    system_failure: u8,
    exit_code_file: Option<PathBuf>,
}

impl Runner {
    /// Reads the runner's variables.
    ///
    /// # Errors
    ///
    /// [`Blame::Usage`] when one is missing or no exit code: then this is no call of a runner.
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            build_failure: exit_code(BUILD_FAILURE_EXIT_CODE)?,
            system_failure: exit_code(SYSTEM_FAILURE_EXIT_CODE)?,
            exit_code_file: path(BUILD_EXIT_CODE_FILE),
        })
    }

    /// The code a `custom` call exits with. Also leaves a script's own code where the runner looks for it,
    /// and nothing there otherwise: the runner never clears that file, so an earlier stage's code would be
    /// taken for this one's.
    pub(crate) fn report(&self, blame: Option<Blame>) -> u8 {
        let script = match blame {
            Some(Blame::Script(code)) => Some(code),
            _ => None,
        };
        let written = match (&self.exit_code_file, script) {
            (Some(file), Some(code)) => std::fs::write(file, format!("{code}\n")),
            (Some(file), None) => match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            (None, _) => Ok(()),
        };
        if let Err(error) = written {
            tracing::warn!("could not write {BUILD_EXIT_CODE_FILE}: {error}");
        }
        match blame {
            None => 0,
            Some(Blame::Script(_) | Blame::Job) => self.build_failure,
            Some(Blame::System | Blame::Stopped(_) | Blame::Usage) => self.system_failure,
        }
    }
}
