//! Tasks that start and never take scripts: prepare says why, and leaves no task and no record.

use std::time::Instant;

use serde_json::json;
use testing::{ManagerHost, SECOND, SshServer};

use crate::aws_refusals::prepare_with;
use crate::fargate;
use crate::job_image::manager_with;

#[test]
fn a_task_that_dies_while_ec2_tells_no_address() {
    let faults = json!({ "faults": [
        { "when": { "operation": "DescribeNetworkInterfaces" }, "effect": "throttle" },
        { "effect": { "exit": { "after_seconds": 3, "code": 64 } } },
    ] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    manager.configure("EnablePublicIP = true\nStartTimeout = \"60s\"", "");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["the job's container exited with status 64"]);
    manager.left_nothing();
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref registry.example.com/ci:1: not found";
    let effect =
        json!({ "start_failure": { "at": "pull", "reason": reason, "container_reason": reason } });
    let (manager, outcome) = prepare_with(&effect, &json!({}));
    outcome.exits(22).complains(&[
        "stopped before it could take scripts: CannotPullContainerError",
        "not found",
        "Check the image's name",
    ]);
    manager.left_nothing();
}

#[test]
fn an_essential_container_that_exits() {
    let (manager, outcome) = prepare_with(
        &json!({ "exit": { "after_seconds": 0.0, "code": 3 } }),
        &json!({}),
    );
    outcome.exits(22).complains(&[
        "Essential container in task exited",
        "the job's container exited with status 3",
        "CloudWatch",
    ]);
    manager.left_nothing();
}

#[test]
fn a_port_that_never_opens() {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    manager.configure("StartTimeout = \"3s\"", "");
    let begun = Instant::now();
    manager.custom("prepare").exits(22).complains(&[
        "not ready within 3 s (StartTimeout): nothing listens on 127.",
        "must start an SSH server",
    ]);
    assert!(begun.elapsed() < 8 * SECOND);
    manager.left_nothing();
}

#[test]
fn a_port_that_stays_silent() {
    let manager = ManagerHost::with_faults(
        fargate(),
        SshServer::Agent,
        &json!({ "faults": [{ "effect": { "port_delay": { "seconds": 600 } } }] }),
    );
    manager.configure("StartTimeout = \"4s\"", "ConnectTimeout = \"1s\"");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["no answer from 127.", "security group"]);
    manager.left_nothing();
}

#[test]
fn a_server_that_refuses_the_key() {
    let manager = ManagerHost::new(fargate(), SshServer::Keyless);
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["rejects the job's key for user", "SSH_PUBLIC_KEY"]);
    manager.left_nothing();
}

/// The agent's image is the operator's, so its failure is never the job's.
#[test]
fn a_bootstrap_that_fails_names_the_agents_image() {
    for code in [1, 126] {
        let faults = json!({ "faults": [
            { "when": { "container": "bootstrap" }, "effect": { "exit": { "after_seconds": 0.0, "code": code } } },
        ] });
        let manager = manager_with(&faults, "", "");
        let told = format!("container bootstrap exited with status {code}");
        manager
            .custom("prepare")
            .exits(22)
            .complains(&[&told, "[JobImage] AgentImage must be the agent's image"]);
        manager.left_nothing();
    }
}

#[test]
fn a_registry_that_is_unknown_is_told_as_a_name_that_may_be_wrong() {
    let words = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
                 r.exmaple.com/ruby:3: failed to do request: Head \"https://r.exmaple.com/v2/ruby/manifests/3\": dial tcp: \
                 lookup r.exmaple.com on 10.0.0.2:53: no such host";
    let fails =
        json!({ "start_failure": { "at": "pull", "reason": words, "container_reason": words } });
    let manager = manager_with(&json!({ "faults": [{ "effect": fails }] }), "", "");
    manager.ask(&json!({ "image": { "name": "r.exmaple.com/ruby:3" } }));
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["no such host", "check the name of the registry in image:"]);
    manager.left_nothing();
}

#[test]
fn a_flood_before_the_login_ends_prepare_long_before_its_time() {
    let manager = ManagerHost::new(fargate(), SshServer::Flooding);
    manager.configure("StartTimeout = \"120s\"", "");
    let begun = Instant::now();
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["it sends more than it may before the login"]);
    assert!(begun.elapsed() < 60 * SECOND, "{:?}", begun.elapsed());
    manager.left_nothing();
}

#[test]
fn memory_that_is_used_up_names_the_key_of_the_mode() {
    for (manager, key) in [
        (manager_with(&json!({}), "", ""), "[JobImage] Memory"),
        (
            ManagerHost::new(fargate(), SshServer::Agent),
            "more memory in its task definition",
        ),
    ] {
        manager.prepare();
        let mut run = manager.start_run("echo begun; sleep 100");
        run.read_until("begun");
        let killed = json!({ "when": { "container": "ci-coordinator" },
            "effect": { "out_of_memory": { "after_seconds": 0 } } });
        let task = manager.aws.running()[0]["taskArn"].clone();
        manager.aws.strike(task.as_str().unwrap(), &killed);
        run.finish()
            .exits(11)
            .complains(&["the job used up its task's memory", key]);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn what_fails_after_a_failure_does_not_take_its_place() {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    manager.configure("StartTimeout = \"4s\"", "");
    let mut preparing = manager.start(&["custom", "prepare"]);
    preparing.read_until("\nTask ");
    preparing.read_until("\n");
    // The record cannot be read any more.
    let record = manager.records().pop().unwrap();
    std::fs::rename(&record, manager.path("record")).unwrap();
    std::fs::create_dir(&record).unwrap();
    let outcome = preparing.finish().exits(22);
    let told = outcome.err();
    assert!(
        told.starts_with("ERROR: the job's task was not ready within 4 s (StartTimeout)"),
        "{told}"
    );
    assert!(
        outcome
            .out()
            .contains("The task could not be stopped either"),
        "{}",
        outcome.out()
    );
}
