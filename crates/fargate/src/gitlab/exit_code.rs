//! The exit code of a `custom` call, by blame.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::environment::{
    BUILD_EXIT_CODE_FILE, BUILD_FAILURE_EXIT_CODE, SYSTEM_FAILURE_EXIT_CODE, exit_code, path,
};
use crate::error::{Blame, Result};

/// The exit codes that the runner expects, from the environment of every `custom` call.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    build_failure: u8,
    system_failure: u8,
    exit_code_file: Option<PathBuf>,
}

impl Runner {
    /// A runner's variables, for tests of whole processes.
    #[cfg(test)]
    pub(crate) const ENVIRONMENT: [(&'static str, &'static str); 2] = [
        (BUILD_FAILURE_EXIT_CODE, "11"),
        (SYSTEM_FAILURE_EXIT_CODE, "12"),
    ];

    /// Reads the runner's variables.
    ///
    /// # Errors
    ///
    /// [`Blame::Usage`] when one is missing or is not an exit code: no runner made this call.
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            build_failure: exit_code(BUILD_FAILURE_EXIT_CODE)?,
            system_failure: exit_code(SYSTEM_FAILURE_EXIT_CODE)?,
            exit_code_file: path(BUILD_EXIT_CODE_FILE),
        })
    }

    /// Returns the exit code of a `custom` call, and writes a script's own code to the runner's file.
    ///
    /// Otherwise the file is removed: the runner never clears it, and would take an earlier stage's code for this
    /// one's.
    pub(crate) fn report(&self, blame: Option<Blame>) -> u8 {
        let script = match blame {
            Some(Blame::Script(code)) => Some(code),
            _ => None,
        };
        let written = match (&self.exit_code_file, script) {
            // A full disk leaves an empty file, in which the runner would look for a code.
            (Some(file), Some(code)) => {
                std::fs::write(file, format!("{code}\n")).inspect_err(|_| drop(remove(file)))
            }
            (Some(file), None) => remove(file),
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

/// Removes a file that may be gone already.
fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
