//! The policies of `docs/iam` allow all calls that the stand-in saw.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};

use crate::fargate;
use crate::job_image;

/// How often each operation was called so far.
fn calls(manager: &ManagerHost) -> BTreeMap<String, u64> {
    serde_json::from_value(manager.aws.stats()["calls"].clone()).unwrap()
}

/// The operations that a policy allows, without the names of their services.
fn allowed(policy: &str) -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/iam");
    let text = std::fs::read_to_string(file.join(policy)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let statements = document["Statement"].as_array().unwrap();
    let actions = statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        });
    actions
        .map(|action| {
            action
                .as_str()
                .unwrap()
                .split_once(':')
                .unwrap()
                .1
                .to_owned()
        })
        .collect()
}

/// The operations that a job's whole life and a sweep call.
fn called_by_a_job(manager: &ManagerHost) -> BTreeSet<String> {
    let before = calls(manager);
    manager.prepare();
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.start(&["reap"]).finish().exits(0);
    calls(manager)
        .into_iter()
        .filter(|(operation, count)| *count > before.get(operation).copied().unwrap_or(0))
        .map(|(operation, _)| operation)
        .collect()
}

fn is_within(called: &BTreeSet<String>, policy: &str, needed: &[&str]) {
    let beyond: Vec<_> = called.difference(&allowed(policy)).cloned().collect();
    assert_eq!(beyond, [""; 0], "{policy} does not allow it");
    for operation in needed {
        assert!(called.contains(*operation), "{operation} in {called:?}");
    }
}

#[test]
fn a_job_calls_nothing_beyond_the_managers_policy() {
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &json!({}));
    let called = called_by_a_job(&manager);
    let needed = ["RunTask", "DescribeTasks", "StopTask", "ListTasks"];
    is_within(&called, "manager.json", &needed);
}

#[test]
fn a_job_with_its_own_image_calls_nothing_beyond_the_managers_policy() {
    let called = called_by_a_job(&job_image::manager());
    let needed = [
        "RunTask",
        "DescribeTasks",
        "StopTask",
        "RegisterTaskDefinition",
    ];
    is_within(&called, "manager-job-image.json", &needed);
}
