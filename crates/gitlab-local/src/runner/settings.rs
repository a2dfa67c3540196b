//! The variables with which a job sets up its runner (`common/build_settings.go` of GitLab Runner).
//!
//! A value that the runner cannot read has no effect. The runner says so, and a trial does it in the runner's words.
//! `tests/runner_variables.txt` lists all variables, and what becomes of each in a trial.

use crate::runner::failure::JobFailure;
use crate::variables::{Variables, go_bool};

/// The runner's bounds of `GET_SOURCES_ATTEMPTS` and its like.
const ATTEMPTS: [i64; 2] = [1, 10];

/// How a variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// With the value that stands for none.
    Switch(bool),
    /// With the value that stands for none, where the runner names it.
    Number(i64),
    /// Tries of a stage.
    Attempts,
}

/// The variables that the runner reads as something else than a text.
const SETTINGS: &[(&str, Kind)] = &[
    ("AFTER_SCRIPT_IGNORE_ERRORS", Kind::Switch(true)),
    ("ARTIFACT_DOWNLOAD_ATTEMPTS", Kind::Attempts),
    ("CACHE_REQUEST_TIMEOUT", Kind::Number(10)),
    ("CI_DEBUG_SERVICES", Kind::Switch(false)),
    ("CI_DEBUG_TRACE", Kind::Switch(false)),
    ("EXECUTOR_JOB_SECTION_ATTEMPTS", Kind::Attempts),
    ("GET_SOURCES_ATTEMPTS", Kind::Attempts),
    ("GIT_CHECKOUT", Kind::Switch(true)),
    ("GIT_LFS_SKIP_SMUDGE", Kind::Switch(false)),
    ("GIT_SUBMODULE_DEPTH", Kind::Number(20)),
    ("GIT_SUBMODULE_FORCE_HTTPS", Kind::Switch(false)),
    ("RESTORE_CACHE_ATTEMPTS", Kind::Attempts),
    ("SECRETS_RETRIEVAL_ATTEMPTS", Kind::Attempts),
];

/// A line for each variable whose value the runner cannot read.
pub(super) fn warnings(variables: &Variables) -> Vec<String> {
    let strategy = variables.value("GIT_STRATEGY");
    let is_known = matches!(strategy, "" | "clone" | "fetch" | "none" | "empty");
    let strategy = (!is_known).then(|| {
        format!(
            "GIT_STRATEGY: expected either 'clone', 'fetch', 'none' or 'empty' got {strategy:?}, using default value \
             'fetch'"
        )
    });
    let settings = SETTINGS.iter();
    let settings = settings.filter_map(|(name, kind)| warning(name, variables.value(name), *kind));
    strategy.into_iter().chain(settings).collect()
}

fn warning(name: &str, value: &str, kind: Kind) -> Option<String> {
    let unreadable = |expected: &str, default: &dyn std::fmt::Display| {
        format!("{name}: expected {expected} got {value:?}, using default value: {default}")
    };
    match kind {
        _ if value.is_empty() => None,
        Kind::Switch(default) => match go_bool(value) {
            None => Some(unreadable("bool", &default)),
            Some(_) => None,
        },
        Kind::Number(default) => match value.parse::<i64>() {
            Err(_) => Some(unreadable("int", &default)),
            Ok(_) => None,
        },
        Kind::Attempts => match (value.parse::<i64>(), attempts_of(value)) {
            (Err(_), _) => Some(unreadable("int", &1)),
            (Ok(wish), bound) if wish != bound => {
                let [least, most] = ATTEMPTS;
                Some(format!(
                    "{name}: number of attempts out of the range [{least}, {most}], clamping to: {bound}"
                ))
            }
            (Ok(_), _) => None,
        },
    }
}

/// How often a stage is tried at most, by the variable `key`.
pub(super) fn attempts(variables: &Variables, key: &str) -> i64 {
    attempts_of(variables.value(key))
}

fn attempts_of(value: &str) -> i64 {
    let [least, most] = ATTEMPTS;
    value.parse().unwrap_or(1).clamp(least, most)
}

/// Whether the runner can make a script of the variables for sources.
///
/// # Errors
///
/// With the runner's words when it cannot.
pub(super) fn check_sources(variables: &Variables) -> Result<(), JobFailure> {
    let brings_nothing = matches!(variables.value("GIT_STRATEGY"), "none" | "empty");
    match variables.value("GIT_SUBMODULE_STRATEGY") {
        "" | "none" | "normal" | "recursive" => Ok(()),
        _ if brings_nothing => Ok(()),
        _ => Err(JobFailure::System(
            "unknown GIT_SUBMODULE_STRATEGY".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests;
