//! The variables of a job as the runner has them: those that GitLab sent, between its own.
//!
//! A job may override the runner's variables that come before GitLab's, and not those that come after.

use std::time::Duration;

use crate::runner::feature_flags::FEATURE_FLAGS;
use crate::variables::Variables;

/// The version of GitLab Runner that is played.
pub const RUNNER_VERSION: &str = "19.4.0";

/// Where the job's files are in its environment; unknown until `config` has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BuildPaths {
    pub(crate) builds: String,
    /// `<builds>/<group>/<project>`
    pub(crate) project: String,
}

/// What the runner knows about a job beside the variables that GitLab sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunnerFacts<'a> {
    pub(crate) short_token: &'a str,
    /// The expanded name of the job's image.
    pub(crate) image: Option<&'a str>,
    pub(crate) timeout: Duration,
    pub(crate) paths: &'a BuildPaths,
    /// `CI_JOB_STATUS`
    pub(crate) status: &'static str,
}

/// All variables of a job, expanded.
pub(crate) fn job_variables(sent: &Variables, facts: &RunnerFacts<'_>) -> Variables {
    let paths = facts.paths;
    let mut all = Variables::default();
    for flag in FEATURE_FLAGS {
        all.put(flag.name, flag.default.to_string());
    }
    if let Some(image) = facts.image {
        all.put("CI_JOB_IMAGE", image);
    }
    all.put("CI_RUNNER_SHORT_TOKEN", facts.short_token);
    all.put("CI_BUILDS_DIR", &paths.builds);
    all.put("CI_PROJECT_DIR", &paths.project);
    all.put("CI_CONCURRENT_ID", "0");
    all.put("CI_CONCURRENT_PROJECT_ID", "0");
    all.put("CI_SERVER", "yes");
    all.put("CI_JOB_STATUS", facts.status);
    all.put("CI_JOB_TIMEOUT", facts.timeout.as_secs().to_string());
    all.extend(sent.iter().cloned());
    all.put("CI_SHARED_ENVIRONMENT", "true");
    all.put("CI_RUNNER_VERSION", RUNNER_VERSION);
    all.put("CI_RUNNER_REVISION", "gitlab-local");
    let platform = format!("{}/{}", std::env::consts::OS, go_architecture());
    all.put("CI_RUNNER_EXECUTABLE_ARCH", platform);
    all.put("RUNNER_TEMP_PROJECT_DIR", format!("{}.tmp", paths.project));
    all.expanded_by_runner()
}

/// This machine's architecture by its name in Go.
fn go_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests;
