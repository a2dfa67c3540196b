//! The predefined variables, which GitLab sends with every job before the variables of its file.

use std::time::SystemTime;

use crate::checkout::{Commit, slug};
use crate::server::origin::{JobOrigin, PROJECT_ID, SERVER};
use crate::variables::Variables;

/// The predefined variables of a job.
pub(crate) fn gitlab_variables(origin: &JobOrigin<'_>) -> Variables {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut all = Variables::default();
    all.put("CI", "true");
    all.put("GITLAB_CI", "true");
    all.put("CI_CONFIG_PATH", origin.file);
    all.put("CI_DEFAULT_BRANCH", "main");
    all.put("CI_NODE_TOTAL", "1");
    all.put("CI_RUNNER_DESCRIPTION", origin.runner.description);
    all.put("CI_RUNNER_ID", "1");
    all.put("CI_RUNNER_TAGS", "[]");
    put_server(&mut all);
    put_job(&mut all, origin, &now);
    put_project(&mut all, origin);
    if let Some(commit) = &origin.checkout.commit {
        put_commit(&mut all, commit, &origin.checkout.reference);
    }
    all
}

fn put_server(all: &mut Variables) {
    all.put("CI_API_V4_URL", format!("{SERVER}/api/v4"));
    all.put("CI_SERVER_HOST", SERVER.trim_start_matches("https://"));
    all.put("CI_SERVER_NAME", "GitLab");
    all.put("CI_SERVER_PORT", "443");
    all.put("CI_SERVER_PROTOCOL", "https");
    all.put("CI_SERVER_URL", SERVER);
}

fn put_job(all: &mut Variables, origin: &JobOrigin<'_>, now: &str) {
    let JobOrigin { id, definition, .. } = origin;
    let url = format!("{SERVER}/{}", origin.checkout.project);
    all.put("CI_JOB_ID", id.to_string());
    all.put("CI_JOB_NAME", &definition.name);
    all.put("CI_JOB_NAME_SLUG", slug(&definition.name));
    all.put("CI_JOB_STAGE", &definition.stage);
    all.put("CI_JOB_STARTED_AT", now);
    all.put("CI_JOB_URL", format!("{url}/-/jobs/{id}"));
    all.put("CI_PIPELINE_CREATED_AT", now);
    all.put("CI_PIPELINE_ID", id.to_string());
    all.put("CI_PIPELINE_IID", "1");
    all.put("CI_PIPELINE_SOURCE", "push");
    all.put("CI_PIPELINE_URL", format!("{url}/-/pipelines/{id}"));
}

fn put_project(all: &mut Variables, origin: &JobOrigin<'_>) {
    let project = &origin.checkout.project;
    let (name, namespace) = origin.checkout.project_name();
    all.put("CI_PROJECT_ID", PROJECT_ID.to_string());
    all.put("CI_PROJECT_NAME", name);
    all.put("CI_PROJECT_NAMESPACE", namespace);
    all.put("CI_PROJECT_PATH", project);
    all.put("CI_PROJECT_PATH_SLUG", slug(project));
    all.put("CI_PROJECT_TITLE", name);
    all.put("CI_PROJECT_URL", format!("{SERVER}/{project}"));
    all.put("CI_REPOSITORY_URL", format!("{SERVER}/{project}.git"));
}

fn put_commit(all: &mut Variables, commit: &Commit, reference: &str) {
    let short = commit.sha.get(..8).unwrap_or(&commit.sha);
    all.put("CI_COMMIT_SHA", &commit.sha);
    all.put("CI_COMMIT_SHORT_SHA", short);
    all.put("CI_COMMIT_REF_NAME", reference);
    all.put("CI_COMMIT_REF_SLUG", slug(reference));
    all.put("CI_COMMIT_BRANCH", reference);
    all.put("CI_COMMIT_AUTHOR", &commit.author);
    all.put("CI_COMMIT_TIMESTAMP", &commit.timestamp);
    all.put("CI_COMMIT_MESSAGE", &commit.message);
    all.put(
        "CI_COMMIT_TITLE",
        commit.message.lines().next().unwrap_or_default(),
    );
}
