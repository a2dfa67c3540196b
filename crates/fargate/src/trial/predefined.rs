//! The variables that GitLab and the runner set for every job.
//!
//! GitLab sends its own with the job; the runner puts some before those, which a job may override, and some
//! after, which it may not.

use std::time::{Duration, SystemTime};

use super::checkout::{Checkout, Commit, slug};
use super::pipeline::Job;
use super::variables::{TEMPORARY_FOLDER, Variable, Variables};

/// The version of GitLab Runner whose behaviour a trial shows.
pub(super) const RUNNER_VERSION: &str = "19.4.0";

/// The short token of the runner that a trial stands for.
pub(super) const SHORT_TOKEN: &str = "fargatetry";

/// Feature flags with the defaults of that version that scripts or drivers may look at.
const FEATURE_FLAGS: &[(&str, bool)] = &[
    ("FF_CONCRETE", false),
    ("FF_ENABLE_BASH_EXIT_CODE_CHECK", false),
    ("FF_ENABLE_JOB_CLEANUP", false),
    ("FF_GIT_URLS_WITHOUT_TOKENS", false),
    ("FF_HASH_CACHE_KEYS", false),
    ("FF_NETWORK_PER_BUILD", false),
    ("FF_POSIXLY_CORRECT_ESCAPES", false),
    ("FF_SCRIPT_SECTIONS", false),
    ("FF_SCRIPT_TO_STEP_MIGRATION", false),
    ("FF_TIMESTAMPS", true),
    ("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", true),
    ("FF_USE_GIT_NATIVE_CLONE", false),
    ("FF_USE_LEGACY_BASH_EVAL", false),
];

/// Who the job is and where it comes from.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub(super) id: u64,
    pub(super) started: SystemTime,
    pub(super) job: &'a Job,
    pub(super) checkout: &'a Checkout,
    /// The file the job is read from, as it was named.
    pub(super) file: String,
}

impl Origin<'_> {
    /// Ids of project and pipeline: there is one of each, and they mean nothing elsewhere.
    pub(super) const PROJECT_ID: u64 = 1;

    /// The server that the folder's remote names, or one that does not exist.
    pub(super) fn server(&self) -> String {
        match self.checkout.host.as_str() {
            "" => "https://gitlab.invalid".to_owned(),
            host => format!("https://{host}"),
        }
    }

    /// The project's last name.
    pub(super) fn project_name(&self) -> &str {
        self.checkout
            .project
            .rsplit_once('/')
            .map_or(self.checkout.project.as_str(), |(_, name)| name)
    }

    /// What GitLab itself would send, before the variables of the file.
    pub(super) fn gitlab_variables(&self) -> Vec<Variable> {
        let Self {
            id, job, checkout, ..
        } = self;
        let server = self.server();
        let host = server.trim_start_matches("https://");
        let (namespace, name) = checkout
            .project
            .rsplit_once('/')
            .unwrap_or(("", &checkout.project));
        let root = namespace.split('/').next().unwrap_or(namespace);
        let url = format!("{server}/{}", checkout.project);
        let started = humantime::format_rfc3339_seconds(self.started).to_string();
        let mut all = Vec::new();
        let mut set = |key: &str, value: &str| all.push(Variable::new(key, value));
        set("CI", "true");
        set("GITLAB_CI", "true");
        set("CI_API_V4_URL", &format!("{server}/api/v4"));
        set("CI_CONFIG_PATH", &self.file);
        set("CI_DEFAULT_BRANCH", &checkout.default_branch);
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
        set("CI_PROJECT_ID", &Self::PROJECT_ID.to_string());
        set("CI_PROJECT_NAME", name);
        set("CI_PROJECT_NAMESPACE", namespace);
        set("CI_PROJECT_PATH", &checkout.project);
        set("CI_PROJECT_PATH_SLUG", &slug(&checkout.project));
        set("CI_PROJECT_ROOT_NAMESPACE", root);
        set("CI_PROJECT_TITLE", name);
        set("CI_PROJECT_URL", &url);
        set("CI_PROJECT_VISIBILITY", "private");
        set("CI_REPOSITORY_URL", &format!("{url}.git"));
        set("CI_RUNNER_DESCRIPTION", "fargate try");
        set("CI_RUNNER_ID", "1");
        set("CI_RUNNER_TAGS", "[]");
        set("CI_SERVER_FQDN", host);
        set("CI_SERVER_HOST", host.split(':').next().unwrap_or(host));
        set("CI_SERVER_NAME", "GitLab");
        set(
            "CI_SERVER_PORT",
            host.split_once(':').map_or("443", |(_, port)| port),
        );
        set("CI_SERVER_PROTOCOL", "https");
        set(
            "CI_SERVER_SHELL_SSH_HOST",
            host.split(':').next().unwrap_or(host),
        );
        set("CI_SERVER_URL", &server);
        set("GITLAB_FEATURES", "");
        if let Some(commit) = &checkout.commit {
            commit_variables(commit, checkout, &mut set);
        }
        all
    }
}

fn commit_variables(commit: &Commit, checkout: &Checkout, set: &mut impl FnMut(&str, &str)) {
    let (title, description) = commit
        .message
        .split_once('\n')
        .unwrap_or((&commit.message, ""));
    set("CI_COMMIT_SHA", &commit.sha);
    set(
        "CI_COMMIT_SHORT_SHA",
        commit.sha.get(..8).unwrap_or(&commit.sha),
    );
    set("CI_COMMIT_BEFORE_SHA", &"0".repeat(commit.sha.len()));
    set("CI_COMMIT_REF_NAME", checkout.reference());
    set("CI_COMMIT_REF_SLUG", &slug(checkout.reference()));
    set("CI_COMMIT_REF_PROTECTED", "false");
    match checkout.tag.as_str() {
        "" => set("CI_COMMIT_BRANCH", checkout.reference()),
        tag => set("CI_COMMIT_TAG", tag),
    }
    set("CI_COMMIT_AUTHOR", &commit.author);
    set("CI_COMMIT_TIMESTAMP", &commit.timestamp);
    set("CI_COMMIT_MESSAGE", &commit.message);
    set("CI_COMMIT_TITLE", title);
    set(
        "CI_COMMIT_DESCRIPTION",
        description.trim_start_matches('\n'),
    );
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
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    all.put(
        "CI_RUNNER_EXECUTABLE_ARCH",
        format!("{}/{architecture}", std::env::consts::OS),
    );
    all.put(TEMPORARY_FOLDER, format!("{}.tmp", paths.project));
    all.as_handed_on()
}

#[cfg(test)]
mod tests {
    use super::super::pipeline::read_job;
    use super::*;

    #[test]
    fn a_job_knows_its_commit_project_and_server() {
        let job = read_job("unit tests: {script: x, stage: build}", None).unwrap();
        let checkout = Checkout {
            host: "gitlab.example.com:8443".into(),
            project: "acme/web/shop".into(),
            commit: Some(Commit {
                sha: "3f786850e387550fdab836ed7e6dc881de23001b".into(),
                author: "A <a@example.com>".into(),
                timestamp: "2026-01-31T12:00:00+01:00".into(),
                message: "Title\n\nBody\n".into(),
            }),
            branch: "Topic/One".into(),
            default_branch: "main".into(),
            ..Checkout::default()
        };
        let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800);
        let origin = Origin {
            id: 7,
            started,
            job: &job,
            checkout: &checkout,
            file: ".gitlab-ci.yml".into(),
        };
        let all: Variables = origin.gitlab_variables().into_iter().collect();
        for (key, value) in [
            ("CI_JOB_NAME_SLUG", "unit-tests"),
            ("CI_JOB_STAGE", "build"),
            ("CI_JOB_STARTED_AT", "2026-01-31T12:00:00Z"),
            ("CI_PROJECT_NAME", "shop"),
            ("CI_PROJECT_NAMESPACE", "acme/web"),
            ("CI_PROJECT_ROOT_NAMESPACE", "acme"),
            (
                "CI_PROJECT_URL",
                "https://gitlab.example.com:8443/acme/web/shop",
            ),
            ("CI_SERVER_HOST", "gitlab.example.com"),
            ("CI_SERVER_PORT", "8443"),
            ("CI_COMMIT_SHORT_SHA", "3f786850"),
            ("CI_COMMIT_BRANCH", "Topic/One"),
            ("CI_COMMIT_REF_SLUG", "topic-one"),
            ("CI_COMMIT_TITLE", "Title"),
            ("CI_COMMIT_DESCRIPTION", "Body\n"),
        ] {
            assert_eq!(all.value(key), value, "{key}");
        }
    }

    #[test]
    fn the_runners_variables_stand_before_and_after_the_jobs() {
        let mut sent = Variables::default();
        sent.put("CI_RUNNER_SHORT_TOKEN", "mine");
        sent.put("CI_RUNNER_VERSION", "mine");
        sent.put("OUT", "$CI_PROJECT_DIR/out");
        let paths = Paths {
            builds: "/builds".into(),
            project: "/builds/a/b".into(),
        };
        let all = with_the_runners(
            &sent,
            Some("debian:12"),
            Duration::from_secs(60),
            &paths,
            "running",
        );
        assert_eq!(all.value("CI_RUNNER_SHORT_TOKEN"), "mine");
        assert_eq!(all.value("CI_RUNNER_VERSION"), RUNNER_VERSION);
        assert_eq!(all.value("OUT"), "/builds/a/b/out");
        assert_eq!(all.value(TEMPORARY_FOLDER), "/builds/a/b.tmp");
        assert_eq!(all.value("CI_JOB_IMAGE"), "debian:12");
        let early = with_the_runners(
            &sent,
            None,
            Duration::from_secs(60),
            &Paths::default(),
            "running",
        );
        assert_eq!(
            (early.value("CI_PROJECT_DIR"), early.value(TEMPORARY_FOLDER)),
            ("", ".tmp")
        );
        assert!(early.iter().all(|variable| variable.key != "CI_JOB_IMAGE"));
    }
}
