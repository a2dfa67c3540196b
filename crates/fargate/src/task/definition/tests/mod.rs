//! Tables of the composition of tasks.

mod properties;

use std::collections::BTreeMap;
use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, HELPER_CONTAINER, NO_TERMINALS_VARIABLE};
use serde_json::{Value, json};

use super::*;
use crate::config::{Architecture, Cpu, Globs, JobImage, Memory, Storage};
use crate::error::{Blame, Result};
use crate::gitlab::JobPayload;
use crate::task::job_container::ServiceContainer;

fn settings() -> JobImage {
    JobImage {
        agent_image: "r.example.com/agent:1".into(),
        helper_image: "registry.gitlab.com/gitlab-org/helper:x86_64-v19.4.0".into(),
        default_image: Some("debian:12".into()),
        allowed_images: None,
        allowed_services: None,
        cpu: Cpu(1024),
        memory: Memory(2048),
        storage: Storage(20),
        architecture: Architecture::X86_64,
        execution_role: Some("arn:aws:iam::111122223333:role/execution".into()),
        task_role: None,
        log_group: None,
        registry_credentials: BTreeMap::new(),
        idle_timeout: Duration::from_secs(600),
    }
}

fn asked(response: &Value) -> JobPayload {
    serde_json::from_value(response.clone()).unwrap()
}

fn with(settings: &JobImage, response: &Value) -> Result<ComposedTask> {
    compose(&CompositionInput {
        settings,
        asked: &asked(response),
        region: "eu-west-1",
        size: (settings.cpu, settings.memory),
        architecture: settings.architecture,
        project_folder: Some("/builds/acme/shop"),
        is_interactive: true,
        public_key: "ssh-ed25519 AAAA",
        deadline: 2_000_000_000,
    })
}

#[test]
fn agents_refuse_terminals_where_the_operator_does() {
    let settings = settings();
    let variables = |is_interactive| {
        let composed = compose(&CompositionInput {
            settings: &settings,
            asked: &asked(&json!({ "image": { "name": "ruby:3.3" } })),
            region: "eu-west-1",
            size: (settings.cpu, settings.memory),
            architecture: settings.architecture,
            project_folder: None,
            is_interactive,
            public_key: "ssh-ed25519 AAAA",
            deadline: 2_000_000_000,
        });
        let environments = composed.unwrap().environments.into_iter();
        let told = environments.filter(|one| one.variables.contains_key(NO_TERMINALS_VARIABLE));
        told.map(|one| one.container).collect::<Vec<_>>()
    };
    assert_eq!(variables(false), [COORDINATOR_CONTAINER, HELPER_CONTAINER]);
    assert_eq!(variables(true), [""; 0]);
}

fn composed(response: &Value) -> ComposedTask {
    with(&settings(), response).unwrap()
}

fn refused(settings: &JobImage, response: &Value) -> String {
    let error = with(settings, response).unwrap_err();
    assert_eq!(error.blame(), Blame::Job, "{error}");
    error.to_string()
}

fn coordinator(response: &Value) -> ContainerDefinition {
    composed(response).definition.containers[1].clone()
}

#[test]
fn a_task_has_bootstrap_job_helper_and_services() {
    let composed = composed(&json!({
        "image": { "name": "ruby:3.3", "executor_opts": { "docker": { "user": "1000" } } },
        "services": [{ "name": "postgres:16", "alias": "db", "command": ["postgres", "-c", "fsync=off"],
                       "variables": [{ "key": "POSTGRES_DB", "value": "$NAME" }, { "key": "HEALTHCHECK_TCP_PORT", "value": "5432" }] }],
        "variables": [{ "key": "NAME", "value": "shop", "public": true }],
    }));
    let all: Vec<_> = composed
        .definition
        .containers
        .iter()
        .map(|container| {
            (
                container.name.as_str(),
                container.image.as_str(),
                container.essential,
                container.user.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            ("bootstrap", "r.example.com/agent:1", false, Some("0")),
            ("ci-coordinator", "ruby:3.3", true, Some("1000")),
            (
                "helper",
                "registry.gitlab.com/gitlab-org/helper:x86_64-v19.4.0",
                true,
                Some("0")
            ),
            ("service-0", "postgres:16", false, None),
        ]
    );
    let service = &composed.environments[2];
    assert_eq!(service.container, "service-0");
    let variables: Vec<_> = service
        .variables
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        variables,
        ["HEALTHCHECK_TCP_PORT=5432", "NAME=shop", "POSTGRES_DB=shop"]
    );
    let names = |at: usize| composed.environments[at].variables["FARGATE_HOST_NAMES"].clone();
    assert_eq!(
        (names(0), names(1)),
        ("postgres db build".into(), "postgres db build".into())
    );
    assert_eq!(
        composed.environments[1].variables["FARGATE_IDLE_LIMIT"],
        "600"
    );
    assert_eq!(
        composed.services,
        [ServiceContainer {
            container: "service-0".into(),
            label: "db".into(),
            ports: vec![5432]
        }]
    );
    assert_eq!(
        composed.notes,
        ["The job's script waits for its services: db on port 5432"]
    );
}

#[test]
fn entry_points_are_as_in_the_docker_executor() {
    let serve = "serve --listen [::]:7022 --host-key /.fargate/host_key";
    let agent = || Some("/.fargate/fargate-agent".to_owned());
    let run = |entrypoint: Value| {
        let mut image = json!({ "name": "a" });
        if !entrypoint.is_null() {
            image["entrypoint"] = entrypoint;
        }
        let container = coordinator(&json!({ "image": image }));
        (
            container.entry_point.map(|words| words.join(" ")),
            container.command.map(|words| words.join(" ")),
        )
    };
    assert_eq!(run(Value::Null), (None, agent()));
    assert_eq!(run(json!([])), (None, agent()));
    assert_eq!(run(json!([""])), (agent(), Some(serve.into())));
    assert_eq!(
        run(json!(["/bin/sh", "-c"])),
        (Some("/bin/sh -c".into()), agent())
    );
}

#[test]
fn a_services_entry_point_and_command_replace_the_images_own() {
    let run = |service: Value| {
        let container = composed(&json!({ "services": [service] }))
            .definition
            .containers[3]
            .clone();
        (container.entry_point, container.command)
    };
    let list = |words: &[&str]| Some(super::containers::words(words));
    assert_eq!(run(json!({ "name": "a" })), (None, None));
    assert_eq!(
        run(json!({ "name": "a", "command": ["x"] })),
        (None, list(&["x"]))
    );
    assert_eq!(
        run(json!({ "name": "a", "entrypoint": ["e"], "command": ["x"] })),
        (list(&["e"]), list(&["x"]))
    );
    assert_eq!(
        run(json!({ "name": "a", "entrypoint": [""], "command": ["x", "y"] })),
        (list(&["x", "y"]), None)
    );
}

#[test]
fn images_are_the_operators_to_allow() {
    let globs =
        |patterns: &[&str]| Some(Globs::of_images(&super::containers::words(patterns)).unwrap());
    let settings = JobImage {
        allowed_images: globs(&["ruby:*"]),
        allowed_services: globs(&["postgres:*"]),
        ..settings()
    };
    assert!(
        with(
            &settings,
            &json!({ "image": { "name": "ruby:3" }, "services": [{ "name": "postgres:16" }] })
        )
        .is_ok()
    );
    // The operator's own is always allowed.
    assert!(with(&settings, &json!({ "image": { "name": "debian:12" } })).is_ok());
    assert!(with(&settings, &json!({})).is_ok());
    let error = refused(&settings, &json!({ "image": { "name": "evil/ruby:3" } }));
    assert!(
        error.contains("the image evil/ruby:3 is not allowed here; this runner allows ruby:*"),
        "{error}"
    );
    let error = refused(&settings, &json!({ "services": [{ "name": "redis:7" }] }));
    assert!(
        error.contains(
            "the service image redis:7 is not allowed here; this runner allows postgres:*"
        ),
        "{error}"
    );
    let none = JobImage {
        default_image: None,
        ..self::settings()
    };
    assert!(refused(&none, &json!({})).contains("names no image"));
    assert!(refused(&none, &json!({ "image": { "name": "a b" } })).contains("\"a b\""));
}

#[test]
fn what_cannot_be_is_refused() {
    let many: Vec<_> = (0..8)
        .map(|number| json!({ "name": format!("s{number}") }))
        .collect();
    assert!(refused(&settings(), &json!({ "services": many })).contains("has 8 services"));
    assert_eq!(
        composed(&json!({ "services": many[..7] }))
            .definition
            .containers
            .len(),
        10
    );
    let port =
        json!({ "name": "a", "variables": [{ "key": "HEALTHCHECK_TCP_PORT", "value": "7022" }] });
    assert!(refused(&settings(), &json!({ "services": [port] })).contains("port 7022"));
    let user = json!({ "name": "a", "executor_opts": { "docker": { "user": "a b" } } });
    assert!(refused(&settings(), &json!({ "image": user })).contains("\"a b\""));
    assert!(refused(&settings(), &json!({ "services": [user] })).contains("of service a"));
    let long = json!({ "name": "db", "variables": [{ "key": "BIG", "value": "x".repeat(9000) }, { "key": "SMALL", "value": "y" }] });
    let error = refused(&settings(), &json!({ "services": [long] }));
    assert!(
        error.contains("BIG of service db (9") && !error.contains("SMALL"),
        "{error}"
    );
    let secret = json!({ "services": [{ "name": "db", "variables": [{ "key": "P", "value": "$TOKEN" }] }],
        "variables": [{ "key": "TOKEN", "value": "12345678", "masked": true }] });
    let error = refused(&settings(), &secret);
    assert!(
        error.contains("P of service db") && !error.contains("12345678"),
        "{error}"
    );
}

#[test]
fn the_jobs_variables_that_do_not_fit_are_left_out_and_named() {
    let composed = composed(
        &json!({ "services": [{ "name": "db" }, { "name": "cache" }],
        "variables": [{ "key": "BIG", "value": "x".repeat(5000), "public": true }, { "key": "SMALL", "value": "y", "public": true }] }),
    );
    for environment in &composed.environments[2..] {
        assert_eq!(environment.variables.keys().collect::<Vec<_>>(), ["SMALL"]);
    }
    assert!(
        composed.notes[1].contains("BIG (5000 characters) are not given"),
        "{:?}",
        composed.notes
    );
}

#[test]
fn credentials_are_those_of_the_registry() {
    let secret =
        |name: &str| format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}");
    let settings = JobImage {
        registry_credentials: BTreeMap::from([
            ("registry.gitlab.com".into(), secret("gitlab")),
            ("index.docker.io".into(), secret("hub")),
        ]),
        log_group: Some("/ci/jobs".into()),
        ..settings()
    };
    let composed = with(
        &settings,
        &json!({ "services": [{ "name": "registry.gitlab.com/a/db" }] }),
    )
    .unwrap();
    let credentials: Vec<_> = composed
        .definition
        .containers
        .iter()
        .map(|container| container.credentials.clone())
        .collect();
    assert_eq!(
        credentials,
        [
            None,
            Some(secret("hub")),
            Some(secret("gitlab")),
            Some(secret("gitlab"))
        ]
    );
    assert!(
        composed
            .definition
            .containers
            .iter()
            .all(|container| container.log.is_some())
    );
}

#[test]
fn families_follow_the_content_and_nothing_else() {
    let job = json!({ "image": { "name": "ruby:3" }, "services": [{ "name": "db", "variables": [{ "key": "A", "value": "1" }] }] });
    let family = composed(&job).definition.family();
    assert!(
        family.starts_with("fargate-") && family.len() == 48,
        "{family}"
    );
    // Variables, keys and times are no part of it.
    let mut other = job.clone();
    other["services"][0]["variables"][0]["value"] = json!("2");
    other["variables"] = json!([{ "key": "X", "value": "y", "public": true }]);
    other["runner_info"] = json!({ "timeout": 5 });
    assert_eq!(composed(&other).definition.family(), family);
    other["image"]["name"] = json!("ruby:4");
    assert_ne!(composed(&other).definition.family(), family);
}
