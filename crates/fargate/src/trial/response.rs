//! The job as JSON, in the form GitLab Runner 19.4 leaves it in `JOB_RESPONSE_FILE`, and the services in the
//! form of `CI_JOB_SERVICES`.

use serde_json::{Value, json};

use super::image::Image;
use super::predefined::{Origin, PROJECT_ID, SERVER};
use super::sequence::AFTER_SCRIPT_TIMEOUT;
use super::variables::{Variable, Variables};

/// The token a trial has in place of a job token: nothing accepts it.
const NO_TOKEN: &str = "fargate-try-has-no-job-token";

/// The whole response. `image` and `services` have their names expanded; `sent` is as GitLab sends it.
pub(super) fn job_response(
    origin: &Origin<'_>,
    sent: &Variables,
    image: Option<&Image>,
    services: &[Image],
) -> Value {
    let Origin {
        id, job, checkout, ..
    } = origin;
    let commit = checkout.commit.clone().unwrap_or_default();
    let timeout = job.timeout.as_secs();
    let mut steps = vec![json!({
        "name": "script", "script": job.script, "timeout": timeout, "when": "on_success", "allow_failure": false,
    })];
    if !job.after_script.is_empty() {
        steps.push(json!({
            "name": "after_script", "script": job.after_script, "timeout": AFTER_SCRIPT_TIMEOUT.as_secs(), "when": "always",
            "allow_failure": true,
        }));
    }
    let variables: Vec<Value> = sent.iter().map(variable_json).collect();
    json!({
        "id": id,
        "token": NO_TOKEN,
        "allow_git_fetch": true,
        "job_info": {
            "name": job.name,
            "stage": job.stage,
            "pipeline_id": id,
            "project_id": PROJECT_ID,
            "project_name": origin.project_name().0,
            "project_full_path": checkout.project,
            "namespace_id": 1,
            "root_namespace_id": 1,
            "organization_id": 1,
            "instance_id": "fargate-try",
            "instance_uuid": "00000000-0000-4000-8000-000000000000",
            "user_id": 1,
            "scoped_user_id": null,
            "time_in_queue_seconds": 0,
            "project_jobs_running_on_instance_runners_count": "0",
            "queue_size": 0,
            "queue_depth": 0,
        },
        "git_info": {
            "repo_url": format!("{SERVER}/{}.git", checkout.project),
            "repo_object_format": "sha1",
            "ref": checkout.reference,
            "sha": commit.sha,
            "before_sha": "0".repeat(commit.sha.len()),
            "ref_type": "branch",
            "refspecs": [],
            "depth": 20,
            "protected": false,
        },
        "runner_info": {"uuid": "", "timeout": timeout},
        "inputs": {},
        "variables": variables,
        "steps": steps,
        "image": image_json(image.unwrap_or(&Image::default())),
        "services": if services.is_empty() { Value::Null } else { services.iter().map(image_json).collect() },
        "artifacts": null,
        "cache": null,
        "credentials": null,
        "dependencies": null,
        "features": {
            "trace_sections": true,
            "token_mask_prefixes": [],
            "failure_reasons": ["unknown_failure", "script_failure", "runner_system_failure", "job_execution_timeout"],
            "tracing": null,
        },
        "secrets": null,
        "hooks": null,
        "policy_options": {"execution_policy_job": false, "policy_name": ""},
        "suspend_options": {},
    })
}

/// `CI_JOB_SERVICES`: empty without services, else a compact array; `all` are the job's variables.
pub(super) fn services_variable(services: &[Image], all: &Variables) -> String {
    let service = |image: &Image| {
        // The service's own variables may refer to each other and to the job's.
        let mut known = all.clone();
        known.extend(image.variables.iter().cloned());
        let first_alias = image
            .alias
            .split([',', ' '])
            .find(|alias| !alias.is_empty())
            .unwrap_or_default();
        let mut service = json!({
            "name": image.name, "alias": first_alias, "entrypoint": image.entrypoint, "command": image.command,
        });
        if let (Some(fields), false) = (service.as_object_mut(), image.variables.is_empty()) {
            let value = |variable: &Variable| match variable.raw {
                true => variable.value.clone(),
                false => known.expand(&variable.value),
            };
            let values = image
                .variables
                .iter()
                .map(|variable| (variable.key.clone(), Value::String(value(variable))));
            fields.insert("variables".to_owned(), Value::Object(values.collect()));
        }
        service
    };
    match services {
        [] => String::new(),
        services => Value::Array(services.iter().map(service).collect()).to_string(),
    }
}

/// Empty optional fields are left out; `executor_opts` never is.
fn image_json(image: &Image) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert("name".to_owned(), json!(image.name));
    if !image.alias.is_empty() {
        fields.insert("alias".to_owned(), json!(image.alias));
    }
    let lists = [
        ("entrypoint", &image.entrypoint),
        ("command", &image.command),
    ];
    for (key, list) in lists
        .into_iter()
        .filter_map(|(key, list)| Some((key, list.as_ref()?)))
    {
        fields.insert(key.to_owned(), json!(list));
    }
    if !image.variables.is_empty() {
        fields.insert(
            "variables".to_owned(),
            image.variables.iter().map(variable_json).collect(),
        );
    }
    if !image.pull_policy.is_empty() {
        fields.insert("pull_policy".to_owned(), json!(image.pull_policy));
    }
    let options = json!({
        "docker": {"platform": "", "user": ""},
        "kubernetes": {"user": ""},
    });
    fields.insert("executor_opts".to_owned(), options);
    Value::Object(fields)
}

fn variable_json(variable: &Variable) -> Value {
    json!({
        "key": variable.key, "value": variable.value, "public": true, "file": false,
        "masked": false, "raw": variable.raw,
    })
}

#[cfg(test)]
mod tests {
    use super::super::checkout::Checkout;
    use super::super::pipeline::read_job;
    use super::*;

    const FILE: &str = "
job:
  image: {name: 'ruby:3.3', entrypoint: ['']}
  services:
    - name: postgres:16
      alias: 'db, pg'
      command: [postgres, -c, fsync=off]
      variables: {POSTGRES_DB: '$NAME', URL: 'db/$POSTGRES_DB'}
    - redis
  timeout: 10m
  before_script: [a]
  script: [b]
  after_script: [c]
";

    #[test]
    fn the_response_has_the_fields_of_gitlabs() {
        let job = read_job(FILE, None).unwrap();
        let checkout = Checkout {
            project: "acme/shop".into(),
            reference: "main".into(),
            ..Checkout::default()
        };
        let origin = Origin {
            id: 7,
            job: &job,
            checkout: &checkout,
            file: "f".into(),
        };
        let mut sent = Variables::default();
        sent.put("A", "<&>");
        let response = job_response(&origin, &sent, job.image.as_ref(), &job.services);
        assert_eq!(response["id"], 7);
        assert_eq!(response["job_info"]["project_full_path"], "acme/shop");
        assert_eq!(response["runner_info"]["timeout"], 600);
        assert_eq!(response["steps"][0]["script"], json!(["a", "b"]));
        assert_eq!(response["steps"][1]["name"], "after_script");
        assert_eq!(response["variables"][0]["value"], "<&>");
        let options = json!({"docker": {"platform": "", "user": ""}, "kubernetes": {"user": ""}});
        assert_eq!(
            response["image"],
            json!({"name": "ruby:3.3", "entrypoint": [""], "executor_opts": options})
        );
        assert_eq!(response["services"][1]["name"], "redis");
        assert_eq!(
            response["services"][0]["variables"][0]["value"], "$NAME",
            "the runner does not expand these"
        );
        let bare = job_response(&origin, &sent, None, &[]);
        assert_eq!(
            (&bare["image"]["name"], &bare["services"]),
            (&json!(""), &Value::Null)
        );
    }

    #[test]
    fn services_are_expanded_for_the_driver() {
        let job = read_job(FILE, None).unwrap();
        let mut all = Variables::default();
        all.put("NAME", "shop");
        assert_eq!(services_variable(&[], &all), "");
        let services: Value =
            serde_json::from_str(&services_variable(&job.services, &all)).unwrap();
        assert_eq!(
            services,
            json!([
                {"name": "postgres:16", "alias": "db", "entrypoint": null, "command": ["postgres", "-c", "fsync=off"],
                 "variables": {"POSTGRES_DB": "shop", "URL": "db/shop"}},
                {"name": "redis", "alias": "", "entrypoint": null, "command": null},
            ])
        );
    }
}
