//! The predefined variables, which GitLab sends with every job before the variables of its file.
//!
//! `tests/predefined_variables.txt` lists all that GitLab documents, with their values, or the reason why a trial has
//! none.

use std::time::SystemTime;

use crate::checkout::{Checkout, Commit, slug};
use crate::file::When;
use crate::server::origin::{JobOrigin, NO_TOKEN, PROJECT_ID, SERVER, repository_url_with_token};
use crate::variables::{Variable, Variables};

/// The version of GitLab that is played: that of the runner.
const VERSION: [&str; 3] = ["19", "4", "0"];

/// Longest title of a commit that GitLab leaves out of its description.
const LONGEST_TITLE: usize = 99;

/// Longest message of a commit, in bytes: GitLab's default `GITLAB_CI_MAX_COMMIT_MESSAGE_SIZE_IN_BYTES`.
const LONGEST_MESSAGE: usize = 100_000;

/// The predefined variables of a job, without those of its environment.
pub(super) fn predefined_variables(origin: &JobOrigin<'_>) -> Variables {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let variables = &origin.definition.variables;
    let mut all = pipeline_variables(origin.checkout, origin.file, source(variables));
    all.put("CI_RUNNER_DESCRIPTION", origin.runner.description);
    all.put("CI_RUNNER_ID", "1");
    all.put("CI_RUNNER_TAGS", "[]");
    put_job(&mut all, origin, &now);
    put_pipeline(&mut all, origin, &now);
    all
}

/// What starts the pipeline: a push, unless `variables` have another source.
pub(super) fn source(variables: &[Variable]) -> &str {
    let mut sources = variables.iter().rev();
    let source = sources.find(|variable| variable.key == "CI_PIPELINE_SOURCE");
    source.map_or("push", |source| &source.value)
}

/// The predefined variables that are known before there is a job: rules are evaluated with them.
pub(super) fn pipeline_variables(checkout: &Checkout, file: &str, source: &str) -> Variables {
    let mut all = Variables::default();
    all.put("CI", "true");
    all.put("GITLAB_CI", "true");
    all.put("GITLAB_FEATURES", "");
    all.put("CI_CONFIG_PATH", file);
    all.put("CI_DEFAULT_BRANCH", &checkout.default_branch);
    all.put("CI_DEFAULT_BRANCH_SLUG", slug(&checkout.default_branch));
    all.put("CI_PIPELINE_SOURCE", source);
    put_server(&mut all);
    put_project(&mut all, checkout);
    put_registries(&mut all, checkout);
    put_user(&mut all, checkout);
    if let Some(commit) = &checkout.commit {
        put_commit(&mut all, commit, checkout);
        match source {
            "merge_request_event" => put_merge_request(&mut all, commit, checkout),
            _ => put_reference(&mut all, checkout),
        }
    }
    let project = &checkout.project;
    let reference = match &checkout.tag {
        Some(tag) => format!("refs/tags/{}", tag.name),
        None => format!("refs/heads/{}", checkout.reference),
    };
    all.put(
        "CI_CONFIG_REF_URI",
        format!("{}/{project}//{file}@{reference}", host()),
    );
    all
}

/// The server's name without a scheme.
fn host() -> &'static str {
    SERVER.trim_start_matches("https://")
}

fn put_server(all: &mut Variables) {
    let [major, minor, patch] = VERSION;
    all.put("CI_API_GRAPHQL_URL", format!("{SERVER}/api/graphql"));
    all.put("CI_API_V4_URL", format!("{SERVER}/api/v4"));
    all.put("CI_SERVER_FQDN", host());
    all.put("CI_SERVER_HOST", host());
    all.put("CI_SERVER_NAME", "GitLab");
    all.put("CI_SERVER_PORT", "443");
    all.put("CI_SERVER_PROTOCOL", "https");
    all.put("CI_SERVER_REVISION", "gitlab-local");
    all.put("CI_SERVER_SHELL_SSH_HOST", host());
    all.put("CI_SERVER_SHELL_SSH_PORT", "22");
    all.put("CI_SERVER_URL", SERVER);
    all.put("CI_SERVER_VERSION", format!("{major}.{minor}.{patch}"));
    all.put("CI_SERVER_VERSION_MAJOR", major);
    all.put("CI_SERVER_VERSION_MINOR", minor);
    all.put("CI_SERVER_VERSION_PATCH", patch);
    all.put("CI_TEMPLATE_REGISTRY_HOST", "registry.gitlab.com");
}

fn put_job(all: &mut Variables, origin: &JobOrigin<'_>, now: &str) {
    let JobOrigin { id, definition, .. } = origin;
    let url = format!("{SERVER}/{}", origin.checkout.project);
    let (index, total) = definition.node.unzip();
    if let Some(index) = index {
        all.put("CI_NODE_INDEX", index.to_string());
    }
    all.put("CI_NODE_TOTAL", total.unwrap_or(1).to_string());
    if matches!(definition.when, When::Manual | When::Delayed) {
        all.put("CI_JOB_MANUAL", "true");
    }
    all.put("CI_JOB_GROUP_NAME", &definition.group);
    all.put("CI_JOB_ID", id.to_string());
    all.put("CI_JOB_NAME", &definition.name);
    all.put("CI_JOB_NAME_SLUG", slug(&definition.name));
    all.put("CI_JOB_STAGE", &definition.stage);
    all.put("CI_JOB_STARTED_AT", now);
    all.put("CI_JOB_STARTED_AT_SLUG", slug(now));
    all.put("CI_JOB_TOKEN", NO_TOKEN);
    all.put("CI_JOB_URL", format!("{url}/-/jobs/{id}"));
}

fn put_pipeline(all: &mut Variables, origin: &JobOrigin<'_>, now: &str) {
    let id = origin.pipeline;
    let url = format!("{SERVER}/{}", origin.checkout.project);
    all.put("CI_PIPELINE_CREATED_AT", now);
    all.put("CI_PIPELINE_ID", id.to_string());
    all.put("CI_PIPELINE_IID", "1");
    all.put("CI_PIPELINE_NAME", "");
    all.put("CI_PIPELINE_URL", format!("{url}/-/pipelines/{id}"));
}

fn put_project(all: &mut Variables, checkout: &Checkout) {
    let project = &checkout.project;
    let (name, namespace) = checkout.project_name();
    let root = namespace.split('/').next().unwrap_or_default();
    all.put("CI_PROJECT_CLASSIFICATION_LABEL", "");
    all.put("CI_PROJECT_DESCRIPTION", "");
    all.put("CI_PROJECT_ID", PROJECT_ID.to_string());
    all.put("CI_PROJECT_NAME", name);
    all.put("CI_PROJECT_NAMESPACE", namespace);
    all.put("CI_PROJECT_NAMESPACE_ID", "1");
    all.put("CI_PROJECT_NAMESPACE_SLUG", slug(namespace));
    all.put("CI_PROJECT_PATH", project);
    all.put("CI_PROJECT_PATH_SLUG", slug(project));
    all.put("CI_PROJECT_REPOSITORY_LANGUAGES", "");
    all.put("CI_PROJECT_ROOT_NAMESPACE", root);
    all.put("CI_PROJECT_ROOT_NAMESPACE_SLUG", slug(root));
    all.put("CI_PROJECT_TITLE", name);
    all.put("CI_PROJECT_TOPICS", "");
    all.put("CI_PROJECT_URL", format!("{SERVER}/{project}"));
    all.put("CI_PROJECT_VISIBILITY", "private");
    all.put("CI_REPOSITORY_URL", repository_url_with_token(checkout));
}

/// The registry, the dependency proxy and the pages of the project. None of them is there.
fn put_registries(all: &mut Variables, checkout: &Checkout) {
    let project = &checkout.project;
    let (_, namespace) = checkout.project_name();
    let root = namespace.split('/').next().unwrap_or_default();
    let registry = format!("registry.{}", host());
    let proxy = format!("{}:443", host());
    let prefix = |group: &str| format!("{proxy}/{group}/dependency_proxy/containers");
    let path = project.strip_prefix(root).unwrap_or(project);
    let path = path.trim_start_matches('/').to_lowercase();
    let pages = format!("pages.{}", host());
    let site = format!("{root}.{pages}");
    all.put("CI_REGISTRY_IMAGE", format!("{registry}/{project}"));
    all.put("CI_REGISTRY", registry);
    all.put("CI_REGISTRY_USER", "gitlab-ci-token");
    all.put("CI_REGISTRY_PASSWORD", NO_TOKEN);
    all.put("CI_DEPENDENCY_PROXY_SERVER", &proxy);
    all.put("CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX", prefix(root));
    all.put(
        "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX",
        prefix(namespace),
    );
    all.put("CI_DEPENDENCY_PROXY_USER", "gitlab-ci-token");
    all.put("CI_DEPENDENCY_PROXY_PASSWORD", NO_TOKEN);
    all.put("CI_PAGES_DOMAIN", pages);
    all.put("CI_PAGES_URL", format!("https://{site}/{path}"));
    all.put("CI_PAGES_HOSTNAME", site);
}

/// The person who runs the job takes the place of GitLab's user.
fn put_user(all: &mut Variables, checkout: &Checkout) {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid());
    let login = user
        .ok()
        .flatten()
        .map_or_else(|| "user".to_owned(), |user| user.name);
    let or_login = |text: &str| match text {
        "" => login.clone(),
        text => text.to_owned(),
    };
    all.put("GITLAB_USER_ID", "1");
    all.put("GITLAB_USER_NAME", or_login(&checkout.user.name));
    all.put("GITLAB_USER_EMAIL", &checkout.user.email);
    all.put("GITLAB_USER_LOGIN", login);
}

fn put_commit(all: &mut Variables, commit: &Commit, checkout: &Checkout) {
    let reference = &checkout.reference;
    let short = commit.sha.get(..8).unwrap_or(&commit.sha);
    let title = commit.message.lines().next().unwrap_or_default();
    all.put("CI_COMMIT_SHA", &commit.sha);
    all.put("CI_COMMIT_SHORT_SHA", short);
    all.put("CI_COMMIT_BEFORE_SHA", before_sha(commit));
    all.put("CI_COMMIT_REF_NAME", reference);
    all.put("CI_COMMIT_REF_SLUG", slug(reference));
    all.put("CI_COMMIT_REF_PROTECTED", "false");
    all.put("CI_COMMIT_AUTHOR", &commit.author);
    all.put("CI_COMMIT_TIMESTAMP", &commit.timestamp);
    // Only GitLab knows the account of an author; it leaves the variable empty for most.
    all.put("CI_COMMIT_USER_LOGIN", "");
    let message = &commit.message;
    let is_truncated = message.len() > LONGEST_MESSAGE;
    all.put("CI_COMMIT_MESSAGE", shortened(message));
    all.put("CI_COMMIT_MESSAGE_IS_TRUNCATED", is_truncated.to_string());
    all.put("CI_COMMIT_TITLE", shortened(title));
    all.put(
        "CI_COMMIT_DESCRIPTION",
        shortened(description(message, title)),
    );
    if let Some(base) = &checkout.base {
        all.put("CI_COMMIT_DEFAULT_BRANCH_BASE_SHA", base);
    }
}

/// The beginning of a text that may be a commit's message, whole characters only.
fn shortened(text: &str) -> &str {
    let end = (0..=LONGEST_MESSAGE.min(text.len())).rev();
    let end = end.into_iter().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// The branch or tag, which the pipeline of a merge request does not have.
fn put_reference(all: &mut Variables, checkout: &Checkout) {
    match &checkout.tag {
        Some(tag) => {
            all.put("CI_COMMIT_TAG", &tag.name);
            all.put("CI_COMMIT_TAG_MESSAGE", &tag.message);
        }
        None => all.put("CI_COMMIT_BRANCH", &checkout.reference),
    }
}

/// A merge request of what is checked out into the default branch ("Predefined variables for merge request pipelines").
fn put_merge_request(all: &mut Variables, commit: &Commit, checkout: &Checkout) {
    let url = format!("{SERVER}/{}", checkout.project);
    all.put("CI_MERGE_REQUEST_ID", "1");
    all.put("CI_MERGE_REQUEST_IID", "1");
    all.put("CI_MERGE_REQUEST_EVENT_TYPE", "detached");
    all.put("CI_MERGE_REQUEST_REF_PATH", "refs/merge-requests/1/head");
    all.put(
        "CI_MERGE_REQUEST_TITLE",
        commit.message.lines().next().unwrap_or_default(),
    );
    all.put("CI_MERGE_REQUEST_DRAFT", "false");
    for side in ["", "_SOURCE"] {
        all.put(
            &format!("CI_MERGE_REQUEST{side}_PROJECT_ID"),
            PROJECT_ID.to_string(),
        );
        all.put(
            &format!("CI_MERGE_REQUEST{side}_PROJECT_PATH"),
            &checkout.project,
        );
        all.put(&format!("CI_MERGE_REQUEST{side}_PROJECT_URL"), &url);
    }
    all.put("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", &checkout.reference);
    all.put(
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        &checkout.default_branch,
    );
}

/// The message without its title, unless the title is long.
fn description<'a>(message: &'a str, title: &str) -> &'a str {
    match title.chars().count() {
        0..=LONGEST_TITLE => message.split_once('\n').map_or("", |(_, rest)| rest),
        _ => message,
    }
}

/// The commit that the branch was at before: here the parent, and GitLab's zeros for a first commit.
pub(super) fn before_sha(commit: &Commit) -> String {
    match commit.parent.as_str() {
        "" => "0".repeat(commit.sha.len()),
        parent => parent.to_owned(),
    }
}

#[cfg(test)]
mod tests;
