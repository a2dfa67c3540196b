//! Properties of the composition of tasks.

use proptest::prelude::*;
use serde_json::{Value, json};

use fargate_wire::{BOOTSTRAP_CONTAINER, HELPER_CONTAINER};

use super::*;
use crate::config::image;

proptest! {
    #[test]
    fn whatever_a_job_asks_for_what_is_composed_is_within_limits(
        image in "[a-z/:.@]{0,20}", services in proptest::collection::vec(("[a-z/.]{1,12}", "[a-z, ]{0,12}", "\\PC{0,2000}"), 0..9),
        value in "\\PC{0,3000}",
    ) {
        let services: Vec<_> = services.iter().map(|(name, alias, value)| json!({ "name": name, "alias": alias,
            "variables": [{ "key": "V", "value": value, "raw": true }] })).collect();
        let response = json!({ "image": { "name": image }, "services": services,
            "variables": [{ "key": "JOB", "value": value, "public": true }] });
        match with(&settings(), &response) {
            Err(error) => prop_assert_eq!(error.blame(), Blame::Job),
            Ok(composed) => {
                prop_assert!(composed.definition.containers.len() <= 10);
                prop_assert!(overrides::length(&composed.environments) <= 8192);
                let again = with(&settings(), &response).unwrap();
                prop_assert_eq!(again.definition.family(), composed.definition.family());
                prop_assert_eq!(again.environments, composed.environments);
            }
        }
    }
}

/// A job response with all that is read of one, as GitLab writes it.
fn response() -> Value {
    json!({
        "id": 4711, "token": "job-token-0123456789", "job_info": { "name": "unit tests", "project_id": 77, "pipeline_id": 5 },
        "image": { "name": "registry.example.com:5000/team/ruby:3.3", "entrypoint": [""], "pull_policy": ["always"],
            "executor_opts": { "docker": { "platform": "linux/amd64", "user": "1000:1000" }, "kubernetes": { "user": 1000 } } },
        "services": [
            { "name": "postgres:16", "alias": "db,pg main", "entrypoint": ["/start", "-c"], "command": ["postgres", "-c", "fsync=off"],
              "variables": [{ "key": "HEALTHCHECK_TCP_PORT", "value": "5432" }, { "key": "PASSWORD", "value": "$OPEN and ${OPEN}" }] },
            { "name": "redis", "variables": null, "executor_opts": { "docker": { "user": "redis" } } }],
        "variables": [
            { "key": "OPEN", "value": "yes", "public": true }, { "key": "TOKEN", "value": SECRET, "public": false, "masked": true },
            { "key": "CA", "value": "PEM", "public": true, "file": true }, { "key": "RAW", "value": "$TOKEN", "public": true, "raw": true }],
        "runner_info": { "timeout": 3600 },
    })
}

const SECRET: &str = "glpat-00000000000000000000";

/// Whether the secret is nowhere in a response but where masked variables have it.
fn is_kept(response: &Value) -> bool {
    let mut without = response.clone();
    if let Some(Value::Array(variables)) = without.get_mut("variables") {
        variables.retain(|variable| variable["masked"] != json!(true));
    }
    !without.to_string().contains(SECRET)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn whatever_the_response_says_secrets_stay_where_they_are(text in testing::mutation::json_text(response())) {
        let Ok(asked) = serde_json::from_slice::<JobPayload>(&text) else { return Ok(()) };
        let kept = serde_json::from_slice::<Value>(&text).is_ok_and(|response| is_kept(&response));
        let settings = settings();
        let composed = compose(&CompositionInput {
            settings: &settings,
            asked: &asked,
            region: "eu-west-1",
            size: (settings.cpu, settings.memory),
            architecture: settings.architecture,
            project_folder: None,
            is_interactive: true,
            public_key: "ssh-ed25519 AAAA",
            deadline: 2_000_000_000,
        });
        // As prepare adds them up.
        let _no_overflow = Duration::from_secs(30 * 24 * 3600) + Duration::from_secs(4_000_000_000) + asked.timeout();
        match composed {
            Err(error) => {
                prop_assert_eq!(error.blame(), Blame::Job);
                prop_assert!(!kept || !error.to_string().contains(SECRET), "{}", error);
            }
            Ok(composed) => {
                let containers = &composed.definition.containers;
                prop_assert!((3..=10).contains(&containers.len()));
                let names: std::collections::BTreeSet<_> = containers.iter().map(|container| &container.name).collect();
                prop_assert_eq!(names.len(), containers.len());
                prop_assert!(containers.iter().all(|container| image(&container.image).is_ok()));
                prop_assert!(containers.iter().all(|container| container.user.as_deref().is_none_or(services::is_user)));
                // The driver's own containers are root, whatever their images say.
                let root = |name: &str| containers.iter().any(|container| container.name == name && container.user.as_deref() == Some("0"));
                prop_assert!(root(BOOTSTRAP_CONTAINER) && root(HELPER_CONTAINER));
                let shown = format!("{:?} {:?} {:?}", composed.definition, composed.environments, composed.notes);
                prop_assert!(!kept || !shown.contains(SECRET), "{}", shown);
            }
        }
    }
}
