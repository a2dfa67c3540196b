//! Tasks without capacity, or without an address.

use ecs_local::{Options, SUBNET_A, SUBNET_B, Seed};
use serde_json::{Value, json};

use crate::cluster::{Cluster, detail, request};

const FULL: &str = "Capacity is unavailable at this time. Please try again later or in a different availability zone";

/// Calls RunTask: the reasons of its failures, and the tasks that it started.
fn run(local: &Cluster, request: &Value) -> (Vec<Value>, Vec<Value>) {
    let reply = local.call("RunTask", request);
    let failures = reply["failures"].as_array().unwrap();
    let reasons = failures.iter().map(|failure| failure["reason"].clone());
    (
        reasons.collect(),
        reply["tasks"].as_array().unwrap().clone(),
    )
}

fn on(provider: &str) -> Value {
    let mut order = request("job");
    order.as_object_mut().unwrap().remove("launchType");
    order["capacityProviderStrategy"] = json!([{ "capacityProvider": provider, "weight": 1 }]);
    order
}

#[test]
fn without_capacity_run_task_succeeds_with_failures() {
    let local = Cluster::with_faults(&json!([
        { "when": { "nth": 1 }, "effect": { "no_capacity": {} } },
        { "when": { "nth": 2 }, "effect": { "no_capacity": { "reason": "You've reached the limit" } } },
    ]));
    local.register_job("sleep 1000");
    let mut order = request("job");
    order["count"] = 3.into();
    let (reasons, tasks) = run(&local, &order);
    assert_eq!(reasons, [FULL, "You've reached the limit"]);
    assert_eq!(tasks.len(), 1);
}

#[test]
fn only_the_selected_capacity_provider_is_full() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "no_capacity": {} } }]),
    );
    local.register_job("sleep 1000");
    assert_eq!(run(&local, &on("FARGATE_SPOT")).0, [FULL]);
    let (reasons, tasks) = run(&local, &on("FARGATE"));
    assert_eq!((reasons.len(), tasks.len()), (0, 1));
    assert_eq!(tasks[0]["capacityProviderName"], "FARGATE");
}

#[test]
fn tasks_go_to_the_subnets_with_capacity() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "subnet": SUBNET_A }, "effect": { "no_capacity": {} } }]),
    );
    local.register_job("sleep 1000");
    for _ in 0..10 {
        let (_, tasks) = run(&local, &request("job"));
        assert_eq!(detail(&tasks[0], "subnetId"), SUBNET_B);
    }
    let mut order = request("job");
    order["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!([SUBNET_A]);
    assert_eq!(run(&local, &order).0, [FULL]);
}

#[test]
fn only_the_selected_family_has_no_capacity() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "family": "other" }, "effect": { "no_capacity": {} } }]),
    );
    local.register_job("sleep 1000");
    local.register("other", json!([{ "name": "job" }]));
    assert_eq!(run(&local, &request("other")).0, [FULL]);
    assert_eq!(run(&local, &request("job")).1.len(), 1);
}

#[test]
fn a_task_in_a_subnet_without_addresses_fails_to_start() {
    let mut seed = Seed::default();
    seed.subnets.truncate(1);
    seed.subnets[0].free_addresses = 1;
    let local = Cluster::start(Options {
        seed,
        ..Options::default()
    });
    local.register_job("sleep 1000");
    let mut order = request("job");
    order["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!([SUBNET_A]);
    let arn = |tasks: Vec<Value>| tasks[0]["taskArn"].as_str().unwrap().to_owned();
    let first = arn(run(&local, &order).1);
    local.wait_for(&first, "RUNNING");
    let second = arn(run(&local, &order).1);
    let failed = local.wait_for(&second, "STOPPED");
    assert_eq!(failed["stopCode"], "TaskFailedToStart");
    let reason = failed["stoppedReason"].as_str().unwrap();
    assert!(
        reason.ends_with("InsufficientFreeAddressesInSubnet"),
        "{reason}"
    );
    assert_eq!(failed["attachments"][0]["status"], "FAILED");
    // The end of a task frees its address.
    local.stop_task(&first);
    local.wait_for(&first, "STOPPED");
    local.wait_for(&arn(run(&local, &order).1), "RUNNING");
}
