//! The job as JSON, in the form that GitLab Runner 19.4 writes to `JOB_RESPONSE_FILE`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::file::{Cache, CacheKey, ImageEntry, JobDefinition};
use crate::server::origin::{JobOrigin, NO_TOKEN, PROJECT_ID, repository_url_with_token};
use crate::server::predefined::before_sha;
use crate::variables::{Variable, Variables};

/// GitLab's limit for an `after_script`.
pub(crate) const AFTER_SCRIPT_TIMEOUT: Duration = Duration::from_secs(300);

/// The whole response.
///
/// `image` and `services` have their names expanded; `sent` are the variables as GitLab sends them. `given` are the
/// jobs whose artifacts the job gets, with the size of these.
pub(crate) fn job_response(
    origin: &JobOrigin<'_>,
    sent: &Variables,
    image: Option<&ImageEntry>,
    services: &[ImageEntry],
    given: &[(&str, u64)],
) -> Value {
    let variables: Vec<Value> = sent.iter().map(variable_json).collect();
    let services = match services {
        [] => Value::Null,
        services => services.iter().map(image_json).collect(),
    };
    json!({
        "id": origin.id,
        "token": NO_TOKEN,
        "allow_git_fetch": true,
        "job_info": job_info(origin),
        "git_info": git_info(origin),
        "runner_info": {"uuid": "", "timeout": origin.definition.timeout.as_secs()},
        "inputs": {},
        "variables": variables,
        "steps": steps(origin.definition),
        "image": image_json(image.unwrap_or(&ImageEntry::default())),
        "services": services,
        "artifacts": or_null(artifacts(origin.definition)),
        "cache": or_null(origin.definition.caches.iter().map(cache_json).collect()),
        "credentials": null,
        "dependencies": or_null(given.iter().map(dependency_json).collect()),
        "features": {
            "trace_sections": true,
            "token_mask_prefixes": [],
            "failure_reasons": ["unknown_failure", "script_failure", "runner_system_failure", "job_execution_timeout"],
            "tracing": null,
        },
        "secrets": null,
        "hooks": or_null(hooks(origin.definition)),
        "policy_options": {"execution_policy_job": false, "policy_name": ""},
        "suspend_options": {},
    })
}

fn job_info(origin: &JobOrigin<'_>) -> Value {
    json!({
        "name": origin.definition.name,
        "stage": origin.definition.stage,
        "pipeline_id": origin.pipeline,
        "project_id": PROJECT_ID,
        "project_name": origin.checkout.project_name().0,
        "project_full_path": origin.checkout.project,
        "namespace_id": 1,
        "root_namespace_id": 1,
        "organization_id": 1,
        "instance_id": "gitlab-local",
        "instance_uuid": "00000000-0000-4000-8000-000000000000",
        "user_id": 1,
        "scoped_user_id": null,
        "time_in_queue_seconds": 0,
        "project_jobs_running_on_instance_runners_count": "0",
        "queue_size": 0,
        "queue_depth": 0,
    })
}

fn git_info(origin: &JobOrigin<'_>) -> Value {
    let checkout = origin.checkout;
    let commit = checkout.commit.clone().unwrap_or_default();
    json!({
        "repo_url": repository_url_with_token(checkout),
        "repo_object_format": "sha1",
        "ref": checkout.reference,
        "sha": commit.sha,
        "before_sha": before_sha(&commit),
        "ref_type": if checkout.tag.is_some() { "tag" } else { "branch" },
        "refspecs": [],
        "depth": 20,
        "protected": false,
    })
}

fn steps(definition: &JobDefinition) -> Vec<Value> {
    let mut steps = vec![json!({
        "name": "script",
        "script": definition.script,
        "timeout": definition.timeout.as_secs(),
        "when": "on_success",
        "allow_failure": false,
    })];
    if !definition.after_script.is_empty() {
        steps.push(json!({
            "name": "after_script",
            "script": definition.after_script,
            "timeout": AFTER_SCRIPT_TIMEOUT.as_secs(),
            "when": "always",
            "allow_failure": true,
        }));
    }
    steps
}

fn or_null(list: Vec<Value>) -> Value {
    match list.is_empty() {
        true => Value::Null,
        false => Value::Array(list),
    }
}

/// The commands that run before the job's files come.
fn hooks(definition: &JobDefinition) -> Vec<Value> {
    match definition.pre_get_sources_script.as_slice() {
        [] => Vec::new(),
        script => vec![json!({"name": "pre_get_sources_script", "script": script})],
    }
}

/// The files of a job, and its report `dotenv`.
fn artifacts(definition: &JobDefinition) -> Vec<Value> {
    let Some(artifacts) = &definition.artifacts else {
        return Vec::new();
    };
    let entry = |paths: &[String], kind: &str, format: &str, when: &str| {
        json!({
            "name": artifacts.name.as_deref().filter(|_| kind == "archive").unwrap_or_default(),
            "untracked": artifacts.untracked && kind == "archive",
            "paths": paths,
            "exclude": artifacts.exclude,
            "when": when,
            "artifact_type": kind,
            "artifact_format": format,
            "expire_in": artifacts.expire_in.as_deref().unwrap_or_default(),
        })
    };
    let mut entries = Vec::new();
    if artifacts.untracked || !artifacts.paths.is_empty() {
        let when = artifacts.when.text();
        entries.push(entry(&artifacts.paths, "archive", "zip", when));
    }
    if !artifacts.dotenv.is_empty() {
        // `BuildRunnerPresenter#create_reports`
        entries.push(entry(&artifacts.dotenv, "dotenv", "gzip", "always"));
    }
    entries
}

fn cache_json(cache: &Cache) -> Value {
    let key = match &cache.key {
        CacheKey::Text(key) => key.clone(),
        CacheKey::Files { files, .. } => files.join(","),
    };
    json!({
        "key": key,
        "untracked": cache.untracked,
        "policy": cache.policy,
        "paths": cache.paths,
        "when": cache.when.text(),
        "fallback_keys": cache.fallback_keys,
    })
}

fn dependency_json((job, size): &(&str, u64)) -> Value {
    json!({
        "id": 1,
        "token": NO_TOKEN,
        "name": job,
        "artifacts_file": {"filename": "artifacts.zip", "size": size},
    })
}

/// Empty optional fields are left out; `executor_opts` never is.
fn image_json(image: &ImageEntry) -> Value {
    let mut fields = serde_json::Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("name", json!(image.name));
    if !image.alias.is_empty() {
        put("alias", json!(image.alias));
    }
    if let Some(entrypoint) = &image.entrypoint {
        put("entrypoint", json!(entrypoint));
    }
    if let Some(command) = &image.command {
        put("command", json!(command));
    }
    if !image.variables.is_empty() {
        put(
            "variables",
            image.variables.iter().map(variable_json).collect(),
        );
    }
    if !image.pull_policy.is_empty() {
        put("pull_policy", json!(image.pull_policy));
    }
    let options = json!({
        "docker": {"platform": image.docker_platform, "user": image.docker_user},
        "kubernetes": {"user": image.kubernetes_user},
    });
    put("executor_opts", options);
    Value::Object(fields)
}

fn variable_json(variable: &Variable) -> Value {
    json!({
        "key": variable.key,
        "value": variable.value,
        "public": true,
        "file": false,
        "masked": false,
        "raw": variable.raw,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::Checkout;
    use crate::server::origin::RunnerIdentity;

    const FILE: &str = "
job:
  image:
    name: ruby:3.3
    entrypoint: ['']
    docker: {user: '1000', platform: linux/arm64}
    kubernetes: {user: '1001:2'}
  services:
    - name: postgres:16
      alias: 'db, pg'
      command: [postgres, -c, fsync=off]
      variables: {POSTGRES_DB: '$NAME', URL: 'db/$POSTGRES_DB'}
    - redis
  timeout: 10m
  artifacts: {paths: [out], reports: {dotenv: e}}
  cache: {paths: [kept], policy: pull}
  before_script: [a]
  script: [b]
  after_script: [c]
";

    #[test]
    fn the_response_has_the_fields_of_gitlabs() {
        let job = JobDefinition::parse(FILE, None).unwrap();
        let checkout = Checkout {
            project: "acme/shop".into(),
            reference: "main".into(),
            ..Checkout::default()
        };
        let origin = JobOrigin {
            id: 7,
            pipeline: 5,
            definition: &job,
            checkout: &checkout,
            file: "f",
            runner: RunnerIdentity {
                description: "a runner",
                short_token: "token",
            },
        };
        let mut sent = Variables::default();
        sent.put("A", "<&>");
        let response = job_response(
            &origin,
            &sent,
            job.image.as_ref(),
            &job.services,
            &[("build", 7)],
        );
        assert_eq!(response["id"], 7);
        assert_eq!(response["job_info"]["project_full_path"], "acme/shop");
        assert_eq!(response["runner_info"]["timeout"], 600);
        assert_eq!(response["steps"][0]["script"], json!(["a", "b"]));
        assert_eq!(response["steps"][1]["name"], "after_script");
        assert_eq!(response["variables"][0]["value"], "<&>");
        let options = json!({
            "docker": {"platform": "linux/arm64", "user": "1000"},
            "kubernetes": {"user": "1001:2"},
        });
        assert_eq!(
            response["image"],
            json!({"name": "ruby:3.3", "entrypoint": [""], "executor_opts": options})
        );
        assert_eq!(response["services"][1]["name"], "redis");
        assert_eq!(response["artifacts"][0]["paths"], json!(["out"]));
        assert_eq!(response["artifacts"][1]["artifact_type"], "dotenv");
        assert_eq!(response["artifacts"][0]["when"], "on_success");
        assert_eq!(response["artifacts"][1]["when"], "always");
        assert_eq!(response["cache"][0]["policy"], "pull");
        assert_eq!(response["dependencies"][0]["artifacts_file"]["size"], 7);
        assert_eq!(
            response["services"][0]["variables"][0]["value"], "$NAME",
            "the runner does not expand these"
        );
        let bare = job_response(&origin, &sent, None, &[], &[]);
        assert_eq!(
            (&bare["image"]["name"], &bare["services"]),
            (&json!(""), &Value::Null)
        );
    }
}
