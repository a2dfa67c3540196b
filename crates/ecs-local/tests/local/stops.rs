//! The ends of tasks: by themselves, by a fault, or by a call.

use serde_json::{Value, json};

use crate::cluster::{CLUSTER, Cluster, shell};

/// A script that prints `up`, and `terminated` on SIGTERM.
const POLITE: &str = "trap 'echo terminated; exit 9' TERM; echo up; while :; do sleep 0.02; done";

#[test]
fn spot_takes_the_capacity_back() {
    let local = Cluster::with_faults(
        &json!([{ "effect": { "spot_interruption": { "after_seconds": 1 } } }]),
    );
    local.register_job(POLITE);
    let arn = local.run("job");
    let task = local.wait_for(&arn, "STOPPED");
    assert_eq!(task["stopCode"], "SpotInterruption");
    assert_eq!(task["stoppedReason"], "Your Spot Task was interrupted.");
    assert_eq!(task["containers"][0]["exitCode"], 9);
    assert!(local.log(&arn, "job").contains("terminated"));
    // `desiredStatus` changes first, `lastStatus` follows.
    assert!(local.history(&arn).iter().any(
        |change| change["desiredStatus"] == "STOPPED" && change["lastStatus"] == "RUNNING"
    ));
}

#[test]
fn ecs_stops_a_task_for_another_reason() {
    let stop =
        json!({ "after_seconds": 0, "code": "TerminationNotice", "reason": "The host retires." });
    let local = Cluster::with_faults(&json!([{ "effect": { "stop": stop } }]));
    local.register_job(POLITE);
    let task = local.wait_for(&local.run("job"), "STOPPED");
    assert_eq!(task["stopCode"], "TerminationNotice");
    assert_eq!(task["stoppedReason"], "The host retires.");
}

#[test]
fn a_fault_ends_a_container() {
    for (effect, code, reason) in [
        (
            json!({ "exit": { "after_seconds": 0.05, "code": 4 } }),
            4,
            None,
        ),
        (
            json!({ "out_of_memory": { "after_seconds": 0.05 } }),
            137,
            Some("OutOfMemoryError: Container killed due to memory usage"),
        ),
    ] {
        let local = Cluster::with_faults(&json!([{ "effect": effect }]));
        local.register_job("sleep 1000");
        let task = local.wait_for(&local.run("job"), "STOPPED");
        assert_eq!(task["stopCode"], "EssentialContainerExited");
        assert_eq!(task["containers"][0]["exitCode"], code);
        assert_eq!(
            task["containers"][0].get("reason").and_then(Value::as_str),
            reason
        );
    }
}

#[test]
fn a_fault_is_injected_into_a_running_task() {
    let local = Cluster::with_faults(&json!([]));
    local.register_job(POLITE);
    let spot = json!({ "effect": { "spot_interruption": { "after_seconds": 0 } } });
    let memory = json!({ "when": { "container": "job" }, "effect": { "out_of_memory": { "after_seconds": 0 } } });
    for (rule, stop_code, exit_code) in [
        (spot, "SpotInterruption", 9),
        (memory.clone(), "EssentialContainerExited", 137),
    ] {
        let (struck, spared) = (local.run("job"), local.run("job"));
        for arn in [&struck, &spared] {
            local.wait_for_log(arn, "job", "up");
        }
        assert_eq!(local.try_strike(&struck, &rule).status, 204);
        let task = local.wait_for(&struck, "STOPPED");
        assert_eq!(task["stopCode"], stop_code);
        assert_eq!(task["containers"][0]["exitCode"], exit_code);
        assert_eq!(local.task(&spared)["desiredStatus"], "RUNNING");
    }
    assert_eq!(local.try_strike("arn/nope", &memory).status, 404);
    let throttle = json!({ "effect": "throttle" });
    assert_eq!(local.try_strike("arn/nope", &throttle).status, 400);
}

#[test]
fn replies_show_the_exit_code_of_a_container() {
    let local = Cluster::with_faults(&json!([]));
    for (script, code) in [
        ("exit 0", 0),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ] {
        local.register_job(script);
        let task = local.wait_for(&local.run("job"), "STOPPED");
        assert_eq!(task["containers"][0]["exitCode"], code, "{script}");
        assert_eq!(task["stoppedReason"], "Essential container in task exited");
    }
}

#[test]
fn the_end_of_an_inessential_container_does_not_end_the_task() {
    let local = Cluster::with_faults(&json!([]));
    let mut side = shell("side", "exit 3");
    side["essential"] = false.into();
    local.register("two", json!([shell("job", POLITE), side]));
    let arn = local.run("two");
    testing::wait_until("the side container ends", || {
        local.task(&arn)["containers"][1]["lastStatus"] == "STOPPED"
    });
    local.wait_for_log(&arn, "job", "up");
    let task = local.wait_for(&arn, "RUNNING");
    assert_eq!(task["containers"][1]["exitCode"], 3);
    // The end of the essential container ends both.
    local.stop_task(&arn);
    let task = local.wait_for(&arn, "STOPPED");
    assert_eq!(task["containers"][0]["exitCode"], 9);
}

#[test]
fn the_first_cause_of_a_stop_stays() {
    let local = Cluster::with_faults(
        &json!([{ "effect": { "stop": { "after_seconds": 0, "code": "SpotInterruption", "reason": "first" } } }]),
    );
    local.register_job(POLITE);
    let arn = local.run("job");
    local.wait_for(&arn, "STOPPED");
    local.call(
        "StopTask",
        &json!({ "cluster": CLUSTER, "task": arn, "reason": "second" }),
    );
    let task = local.task(&arn);
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("SpotInterruption"), &json!("first"))
    );
}
