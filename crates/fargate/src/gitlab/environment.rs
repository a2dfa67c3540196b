//! The environment of a `custom` call: every variable of GitLab Runner's that the driver reads, by name.
//!
//! Names and meanings are those of GitLab Runner 19.4's custom executor. The author of the `.gitlab-ci.yml` can set
//! `CUSTOM_ENV_*`, so each of those values is checked before it reaches a path or a decision. The job response file is
//! GitLab's own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Blame, Error, Result, json_fault};

pub(super) const BUILD_FAILURE_EXIT_CODE: &str = "BUILD_FAILURE_EXIT_CODE";
pub(super) const SYSTEM_FAILURE_EXIT_CODE: &str = "SYSTEM_FAILURE_EXIT_CODE";
pub(super) const BUILD_EXIT_CODE_FILE: &str = "BUILD_EXIT_CODE_FILE";
pub(super) const JOB_RESPONSE_FILE: &str = "JOB_RESPONSE_FILE";
pub(super) const SHORT_TOKEN: &str = "CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN";
pub(super) const JOB_ID: &str = "CUSTOM_ENV_CI_JOB_ID";
pub(super) const PROJECT_FOLDER: &str = "CUSTOM_ENV_CI_PROJECT_DIR";
pub(super) const DEBUG_SERVICES: &str = "CUSTOM_ENV_CI_DEBUG_SERVICES";

/// Set by `fargate try --keep`, whose task outlives it. Not part of GitLab Runner's contract.
pub(crate) const KEPT: &str = "FARGATE_TRY_KEEPS_TASK";

/// An exit code that the runner expects.
pub(super) fn exit_code(name: &str) -> Result<u8> {
    let value = std::env::var(name).ok();
    match value.as_deref().map(str::parse::<u8>) {
        Some(Ok(code)) if code != 0 => Ok(code),
        _ => Err(Error::new(
            Blame::Usage,
            match value {
                Some(value) => format!("{name} is \"{value}\", which is not a failure's exit code"),
                None => format!("{name} is not set"),
            },
        )
        .advise(
            "`fargate custom` is called by GitLab Runner's custom executor, which sets it. To run a job by hand, \
             use `fargate try`.",
        )),
    }
}

/// A path, when it is set and not empty.
pub(super) fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Whether the job's task outlives its runner, as `fargate try --keep` asks of its stages.
pub(crate) fn is_kept() -> bool {
    std::env::var_os(KEPT).is_some()
}

/// The folder that the runner made for this attempt at the job, and removes after its cleanup.
pub(crate) fn job_folder() -> Option<PathBuf> {
    let file = path(JOB_RESPONSE_FILE).filter(|file| file.is_absolute())?;
    file.parent().map(Path::to_owned)
}

/// The project's folder in the task, once the runner knows it.
pub(crate) fn project_folder() -> Option<String> {
    variable(PROJECT_FOLDER)
}

/// Whether the job log shows the services' output.
///
/// As in the runner itself, the variable counts wherever it was set, the runner's own configuration included. A value
/// that is not a boolean counts as absent.
pub(crate) fn debugs_services() -> bool {
    variable(DEBUG_SERVICES).is_some_and(|value| is_true(&value))
}

/// Whether the runner takes a value for true (Go: strconv.ParseBool).
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// Reads the job response file.
pub(super) fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    let content = std::fs::read(file).map_err(|error| {
        Error::system(format!(
            "could not read {JOB_RESPONSE_FILE} {}: {error}",
            file.display()
        ))
    })?;
    serde_json::from_slice(&content).map_err(|error| {
        Error::system(format!(
            "could not understand {JOB_RESPONSE_FILE} {}: {}",
            file.display(),
            json_fault(&error)
        ))
    })
}

/// A `CUSTOM_ENV_*` value; invalid UTF-8 is kept recognisable, so that it is refused and not dropped.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)
        .map(OsString::into_encoded_bytes)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runner_takes_for_true() {
        for value in ["1", "t", "T", "true", "TRUE", "True"] {
            assert!(is_true(value), "{value}");
        }
        for value in ["0", "false", "yes", "on", "tRuE", " true", "2"] {
            assert!(!is_true(value), "{value}");
        }
    }
}
