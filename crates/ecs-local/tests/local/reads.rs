//! Faults of replies about tasks: tasks that show late or go early, stale reads, values that no model has.

use serde_json::{Value, json};
use testing::wait_until;

use crate::cluster::{CLUSTER, Cluster, detail, shell};

/// Whether a DescribeTasks reply says `MISSING`.
fn is_missing(reply: &Value) -> bool {
    let missing = reply["failures"][0]["reason"] == "MISSING";
    assert_eq!(missing, reply["tasks"] == json!([]), "{reply}");
    missing
}

#[test]
fn a_new_task_is_missing_for_one_read_as_on_aws() {
    let local = Cluster::with_faults(&json!([]));
    local.register_job("sleep 1000");
    let arn = local.run("job");
    let reads = [(); 4].map(|()| is_missing(&local.describe(&arn)));
    assert_eq!(reads, [true, false, false, false]);
    // StopTask finds it at once.
    local.stop_task(&local.run("job"));
}

#[test]
fn a_new_task_is_missing_for_the_first_reads() {
    let local = Cluster::with_faults(&json!([{ "effect": { "missing": { "reads": 3 } } }]));
    local.register_job("sleep 1000");
    let arn = local.run("job");
    let reads = [(); 5].map(|()| is_missing(&local.describe(&arn)));
    assert_eq!(reads, [true, true, true, false, false]);
    local.stop_task(&arn);

    // StopTask does not find it either.
    let arn = local.run("job");
    assert!(is_missing(&local.describe(&arn)));
    for _ in 0..2 {
        let (_, _, message) =
            local.refusal("StopTask", &json!({ "cluster": CLUSTER, "task": arn }));
        assert_eq!(message, "The referenced task was not found.");
    }
    local.stop_task(&arn);
    local.wait_for(&arn, "STOPPED");
}

#[test]
fn a_visible_task_is_missing_for_one_read() {
    let local = Cluster::with_faults(&json!([{ "effect": { "missing_once": { "read": 3 } } }]));
    local.register_job("sleep 1000");
    let arn = local.run("job");
    let reads = [(); 5].map(|()| is_missing(&local.describe(&arn)));
    assert_eq!(reads, [false, false, true, false, false]);
}

#[test]
fn a_stale_read_shows_the_version_before() {
    let rules = json!([{ "effect": { "missing": { "reads": 0 } } }, { "effect": { "stale_read": { "every": 3 } } }]);
    let local = Cluster::with_faults(&rules);
    local.register_job("sleep 1000");
    let arn = local.run("job");
    // A running task does not change: the newest version is the last of its history.
    wait_until("the task runs", || {
        let history = local.history(&arn);
        history.last().unwrap()["lastStatus"] == "RUNNING"
    });
    let newest = local.history(&arn).last().unwrap()["version"]
        .as_u64()
        .unwrap();
    let versions = [(); 6].map(|()| local.task(&arn)["version"].as_u64().unwrap());
    let old = newest - 1;
    assert_eq!(versions, [newest, newest, old, newest, newest, old]);
}

#[test]
fn a_stopped_task_expires() {
    let local = Cluster::with_faults(
        &json!([{ "when": { "nth": 1 }, "effect": { "expiry": { "seconds": 0.2 } } }]),
    );
    local.register_job("exit 0");
    let (short, long) = (local.run("job"), local.run("job"));
    // Neither is known at first.
    assert!(
        [&short, &long]
            .map(|arn| is_missing(&local.describe(arn)))
            .iter()
            .all(|missing| *missing)
    );
    wait_until("the task expires", || is_missing(&local.describe(&short)));
    local.wait_for(&long, "STOPPED");
    let (_, code, message) = local.refusal(
        "StopTask",
        &json!({ "cluster": crate::cluster::CLUSTER, "task": short }),
    );
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(message, "The referenced task was not found.");
}

#[test]
fn values_and_members_of_a_later_version() {
    let rules = json!([{ "effect": "unknown_values" }, { "effect": { "start_delay": { "seconds": 1000 } } }]);
    let local = Cluster::with_faults(&rules);
    local.register_job("sleep 1000");
    let arn = local.run("job");
    wait_until("the task's containers start", || {
        local.history(&arn).last().unwrap()["lastStatus"] == "ACTIVATING"
    });
    let task = local.task(&arn);
    assert_eq!(task["lastStatus"], "REHYDRATING");
    assert!(task["novelMember"].is_object() && task["containers"][0]["novelMember"].is_number());
    local.stop_task(&arn);
    assert_eq!(
        local.wait_for(&arn, "STOPPED")["stopCode"],
        "CapacityReclaimed"
    );
}

#[test]
fn another_attachment_comes_first_and_details_are_shuffled() {
    let local =
        Cluster::with_faults(&json!([{ "when": { "nth": 1 }, "effect": "attachment_traps" }]));
    local.register_job("sleep 1000");
    let (trapped, plain) = (local.run("job"), local.run("job"));
    let (trapped, plain) = (
        local.wait_for(&trapped, "RUNNING"),
        local.wait_for(&plain, "RUNNING"),
    );
    assert_eq!(
        trapped["attachments"][0]["type"],
        "AmazonElasticBlockStorage"
    );
    let names = |attachment: &Value| {
        let details = attachment["details"].as_array().unwrap();
        details
            .iter()
            .map(|one| one["name"].clone())
            .collect::<Vec<_>>()
    };
    let mut reversed = names(&trapped["attachments"][1]);
    reversed.reverse();
    assert_eq!(reversed, names(&plain["attachments"][0]));
    assert!(detail(&trapped, "privateIPv4Address").starts_with("127."));
}

#[test]
fn the_public_address_comes_late() {
    let local = Cluster::with_faults(&json!([{ "effect": { "public_ip_late": { "reads": 2 } } }]));
    local.register_job("sleep 1000");
    let arn = local.run("job");
    let interface = detail(&local.wait_for(&arn, "RUNNING"), "networkInterfaceId");
    let form = format!(
        "Action=DescribeNetworkInterfaces&Version=2016-11-15&NetworkInterfaceId.1={interface}"
    );
    let public = [(); 4].map(|()| local.ec2(&form).body.contains("<publicIp>"));
    assert_eq!(public, [false, false, true, true]);
}

#[test]
fn the_metadata_endpoint_shows_the_end_of_a_container_first() {
    let local = Cluster::with_faults(&json!([{ "effect": "late_containers" }]));
    let side =
        json!({ "name": "side", "essential": false, "entryPoint": ["/bin/sh", "-c", "exit 7"] });
    let script = "echo uri $ECS_CONTAINER_METADATA_URI_V4; sleep 1000";
    local.register("job", json!([shell("job", script), side]));
    let arn = local.run("job");
    local.wait_for_log(&arn, "job", "uri ");
    let id = arn.rsplit('/').next().unwrap();
    let uri = format!("http://{}/v4/{id}-job", local.address);
    assert_eq!(local.log(&arn, "job"), format!("uri {uri}\n"));

    let path = format!("/v4/{id}-job");
    let mut task = Value::Null;
    wait_until("side has ended", || {
        task = local.get(&format!("{path}/task")).json();
        task["Containers"][1]["ExitCode"] == 7
    });
    assert_eq!(task["TaskARN"], arn.as_str());
    assert_eq!(task["Containers"][1]["Name"], "side");
    assert_eq!(task["Containers"][1]["KnownStatus"], "STOPPED");
    assert_eq!(local.get(&path).json()["Name"], "job");
    assert_eq!(local.get("/v4/x/task").status, 404);

    let shown = &local.task(&arn)["containers"][1];
    assert_eq!(shown["lastStatus"], "RUNNING");
    assert_eq!(shown["exitCode"], Value::Null);
}
