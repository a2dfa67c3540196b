//! Tasks that never run, and tasks that start late.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{Cluster, shell};

/// Runs a task of two containers to its end. The second one is not essential.
fn run(rules: &Value) -> (Value, Vec<Value>) {
    let local = Cluster::with_faults(rules);
    let side = json!({ "name": "side", "essential": false });
    local.register("two", json!([shell("job", "sleep 1000"), side]));
    let arn = local.run("two");
    let task = local.wait_for(&arn, "STOPPED");
    (task, local.history(&arn))
}

fn assert_never_ran(task: &Value) {
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    for member in ["startedAt", "healthStatus"] {
        assert!(task.get(member).is_none(), "{member}: {task}");
    }
    for container in task["containers"].as_array().unwrap() {
        assert_eq!(container["lastStatus"], "STOPPED");
        for member in ["exitCode", "runtimeId"] {
            assert!(container.get(member).is_none(), "{member}: {task}");
        }
    }
}

#[test]
fn a_network_interface_cannot_be_made() {
    let (task, history) = run(&json!([{ "effect": { "start_failure": { "at": "network" } } }]));
    assert_never_ran(&task);
    assert_eq!(task["attachments"][0]["status"], "FAILED");
    assert!(
        task["stoppedReason"]
            .as_str()
            .unwrap()
            .contains("network interface")
    );
    assert!(task.get("connectivity").is_none() && task.get("pullStartedAt").is_none());
    assert!(
        history
            .iter()
            .all(|change| change["lastStatus"] != "PENDING")
    );
}

#[test]
fn an_image_cannot_be_pulled() {
    let (task, _) = run(&json!([{ "effect": { "start_failure": {} } }]));
    assert_never_ran(&task);
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(
        reason.starts_with("CannotPullContainerError: ")
            && reason.contains("registry.example.com/ci:1"),
        "{reason}"
    );
    // Without a name, it is the first essential container's.
    assert_eq!(task["containers"][0]["reason"], reason);
    assert!(task["containers"][1].get("reason").is_none());
    assert!(task.get("pullStartedAt").is_some() && task.get("pullStoppedAt").is_none());
    assert_eq!(task["attachments"][0]["status"], "DELETED");
}

#[test]
fn a_container_cannot_be_started() {
    let failure = json!({ "at": "start", "reason": "ResourceInitializationError: no secrets", "container_reason": "unable to pull secrets" });
    let (task, _) =
        run(&json!([{ "when": { "container": "side" }, "effect": { "start_failure": failure } }]));
    assert_never_ran(&task);
    assert_eq!(
        task["stoppedReason"],
        "ResourceInitializationError: no secrets"
    );
    assert_eq!(task["containers"][1]["reason"], "unable to pull secrets");
    assert!(task["containers"][0].get("reason").is_none());
    assert!(task.get("pullStoppedAt").is_some());
}

#[test]
fn the_pull_of_the_named_containers_image_fails() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "container": "db" }, "effect": { "start_failure": { "at": "pull" } } }]),
    );
    local.register(
        "two",
        json!([{ "name": "job" }, { "name": "db", "image": "registry.example.com/db:9" }]),
    );
    let task = local.wait_for(&local.run("two"), "STOPPED");
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(reason.contains("registry.example.com/db:9"), "{reason}");
}

#[test]
fn a_program_does_not_exist() {
    let local = Cluster::with_faults(&json!([]));
    local.register(
        "job",
        json!([{ "name": "job", "command": ["/no/such/program"] }]),
    );
    let task = local.wait_for(&local.run("job"), "STOPPED");
    assert_never_ran(&task);
    let reason = task["containers"][0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("CannotStartContainerError: ") && reason.contains("/no/such/program")
    );
}

#[test]
fn a_task_ends_between_two_reads() {
    let (task, history) = run(&json!([{ "effect": { "dies_unseen": { "exit_code": 7 } } }]));
    let statuses: Vec<&Value> = history.iter().map(|change| &change["lastStatus"]).collect();
    assert_eq!(statuses, ["PROVISIONING", "STOPPED"]);
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    assert_eq!(task["containers"][0]["exitCode"], 7);
    assert!(task.get("startedAt").is_some());
}

#[test]
fn a_task_runs_only_when_its_last_container_has_started() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "container": "side" }, "effect": { "start_delay": { "seconds": 0.3 } } }]),
    );
    let side = json!({ "name": "side", "essential": false });
    local.register("two", json!([shell("job", "echo up; sleep 1000"), side]));
    let start = Instant::now();
    let arn = local.run("two");
    local.wait_for_log(&arn, "job", "up");
    let task = local.wait_for(&arn, "RUNNING");
    assert!(start.elapsed() >= Duration::from_millis(300));
    let early = local.history(&arn);
    assert!(
        early
            .iter()
            .any(|change| change["lastStatus"] == "ACTIVATING"
                && change["containers"] == json!(["RUNNING", "PENDING"])),
        "{early:?}"
    );
    assert_eq!(task["containers"][1]["lastStatus"], "RUNNING");
}
