//! The variables that GitLab and the runner set for every job.
//!
//! GitLab sends its own with the job; the runner puts some before those, which a job may override, and some
//! after, which it may not.

use std::time::{Duration, SystemTime};

use super::checkout::{Checkout, Commit, slug};
use super::pipeline::Job;
use super::variables::Variables;

/// The version of GitLab Runner whose behaviour a trial shows.
pub(super) const RUNNER_VERSION: &str = "19.4.0";

/// The short token of the runner that a trial stands for.
pub(super) const SHORT_TOKEN: &str = "fargatetry";

/// The server of a job that came from none.
pub(super) const SERVER: &str = "https://gitlab.invalid";

/// Ids of project and pipeline: there is one of each, and they mean nothing elsewhere.
pub(super) const PROJECT_ID: u64 = 1;

/// Feature flags with the defaults of that version that scripts or drivers may look at.
const FEATURE_FLAGS: &[(&str, bool)] = &[
    ("FF_ENABLE_BASH_EXIT_CODE_CHECK", false),
    ("FF_ENABLE_JOB_CLEANUP", false),
    ("FF_POSIXLY_CORRECT_ESCAPES", false),
    ("FF_SCRIPT_SECTIONS", false),
    ("FF_TIMESTAMPS", true),
    ("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", true),
    ("FF_USE_LEGACY_BASH_EVAL", false),
];

/// Who the job is and where it comes from.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub(super) id: u64,
    pub(super) job: &'a Job,
    pub(super) checkout: &'a Checkout,
    /// The file the job is read from, as it was named.
    pub(super) file: String,
}

impl Origin<'_> {
    /// The project's last name, and what stands before it.
    pub(super) fn project_name(&self) -> (&str, &str) {
        let project = self.checkout.project.as_str();
        let (namespace, name) = project.rsplit_once('/').unwrap_or(("", project));
        (name, namespace)
    }

    /// What GitLab itself would send, before the variables of the file.
    pub(super) fn gitlab_variables(&self) -> Variables {
        let Self {
            id, job, checkout, ..
        } = self;
        let (name, namespace) = self.project_name();
        let url = format!("{SERVER}/{}", checkout.project);
        let host = SERVER.trim_start_matches("https://");
        let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let mut all = Variables::default();
        let mut set = |key: &str, value: &str| all.put(key, value);
        set("CI", "true");
        set("GITLAB_CI", "true");
        set("CI_API_V4_URL", &format!("{SERVER}/api/v4"));
        set("CI_CONFIG_PATH", &self.file);
        set("CI_DEFAULT_BRANCH", "main");
        set("CI_JOB_ID", &id.to_string());
        set("CI_JOB_NAME", &job.name);
        set("CI_JOB_NAME_SLUG", &slug(&job.name));
        set("CI_JOB_STAGE", &job.stage);
        set("CI_JOB_STARTED_AT", &started);
        set("CI_JOB_URL", &format!("{url}/-/jobs/{id}"));
        set("CI_NODE_TOTAL", "1");
        set("CI_PIPELINE_CREATED_AT", &started);
        set("CI_PIPELINE_ID", &id.to_string());
        set("CI_PIPELINE_IID", "1");
        set("CI_PIPELINE_SOURCE", "push");
        set("CI_PIPELINE_URL", &format!("{url}/-/pipelines/{id}"));
        set("CI_PROJECT_ID", &PROJECT_ID.to_string());
        set("CI_PROJECT_NAME", name);
        set("CI_PROJECT_NAMESPACE", namespace);
        set("CI_PROJECT_PATH", &checkout.project);
        set("CI_PROJECT_PATH_SLUG", &slug(&checkout.project));
        set("CI_PROJECT_TITLE", name);
        set("CI_PROJECT_URL", &url);
        set("CI_REPOSITORY_URL", &format!("{url}.git"));
        set("CI_RUNNER_DESCRIPTION", "fargate try");
        set("CI_RUNNER_ID", "1");
        set("CI_RUNNER_TAGS", "[]");
        set("CI_SERVER_HOST", host);
        set("CI_SERVER_NAME", "GitLab");
        set("CI_SERVER_PORT", "443");
        set("CI_SERVER_PROTOCOL", "https");
        set("CI_SERVER_URL", SERVER);
        if let Some(commit) = &checkout.commit {
            commit_variables(commit, &checkout.reference, &mut set);
        }
        all
    }
}

fn commit_variables(commit: &Commit, reference: &str, set: &mut impl FnMut(&str, &str)) {
    let title = commit.message.lines().next().unwrap_or_default();
    set("CI_COMMIT_SHA", &commit.sha);
    set(
        "CI_COMMIT_SHORT_SHA",
        commit.sha.get(..8).unwrap_or(&commit.sha),
    );
    set("CI_COMMIT_REF_NAME", reference);
    set("CI_COMMIT_REF_SLUG", &slug(reference));
    set("CI_COMMIT_BRANCH", reference);
    set("CI_COMMIT_AUTHOR", &commit.author);
    set("CI_COMMIT_TIMESTAMP", &commit.timestamp);
    set("CI_COMMIT_MESSAGE", &commit.message);
    set("CI_COMMIT_TITLE", title);
}

/// Where the job's files are in the task; unknown until `config` has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) builds: String,
    /// `<builds>/<group>/<project>`
    pub(super) project: String,
}

/// Puts the runner's variables around those that GitLab sent, and expands all of them.
pub(super) fn with_the_runners(
    sent: &Variables,
    image: Option<&str>,
    timeout: Duration,
    paths: &Paths,
    status: &str,
) -> Variables {
    let mut all = Variables::default();
    for (flag, default) in FEATURE_FLAGS {
        all.put(flag, default.to_string());
    }
    if let Some(image) = image {
        all.put("CI_JOB_IMAGE", image);
    }
    all.put("CI_RUNNER_SHORT_TOKEN", SHORT_TOKEN);
    all.put("CI_BUILDS_DIR", &paths.builds);
    all.put("CI_PROJECT_DIR", &paths.project);
    all.put("CI_CONCURRENT_ID", "0");
    all.put("CI_CONCURRENT_PROJECT_ID", "0");
    all.put("CI_SERVER", "yes");
    all.put("CI_JOB_STATUS", status);
    all.put("CI_JOB_TIMEOUT", timeout.as_secs().to_string());
    all.extend(sent.iter().cloned());
    all.put("CI_SHARED_ENVIRONMENT", "true");
    all.put("CI_RUNNER_VERSION", RUNNER_VERSION);
    all.put("CI_RUNNER_REVISION", "fargate-try");
    // As Go names them.
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    all.put(
        "CI_RUNNER_EXECUTABLE_ARCH",
        format!("{}/{architecture}", std::env::consts::OS),
    );
    all.put("RUNNER_TEMP_PROJECT_DIR", format!("{}.tmp", paths.project));
    all.expanded()
}

#[cfg(test)]
mod tests {
    use super::super::variables::Variable;
    use super::*;

    #[test]
    fn the_runners_variables_stand_before_and_after_the_jobs() {
        let mut sent = Variables::default();
        sent.extend([
            Variable::new("CI_RUNNER_SHORT_TOKEN", "mine"),
            Variable::new("CI_RUNNER_VERSION", "mine"),
            Variable::new("OUT", "$CI_PROJECT_DIR/out"),
        ]);
        let paths = Paths {
            builds: "/builds".into(),
            project: "/builds/a/b".into(),
        };
        let minute = Duration::from_secs(60);
        let all = with_the_runners(&sent, Some("debian:12"), minute, &paths, "running");
        for (key, value) in [
            ("CI_RUNNER_SHORT_TOKEN", "mine"),
            ("CI_RUNNER_VERSION", RUNNER_VERSION),
            ("OUT", "/builds/a/b/out"),
            ("RUNNER_TEMP_PROJECT_DIR", "/builds/a/b.tmp"),
            ("CI_JOB_IMAGE", "debian:12"),
            ("CI_JOB_TIMEOUT", "60"),
        ] {
            assert_eq!(all.value(key), value, "{key}");
        }
        // Before `config` has answered, paths are unknown.
        let early = with_the_runners(&sent, None, minute, &Paths::default(), "running");
        assert_eq!(early.value("RUNNER_TEMP_PROJECT_DIR"), ".tmp");
        assert!(early.iter().all(|variable| variable.key != "CI_JOB_IMAGE"));
    }
}
