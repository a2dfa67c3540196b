//! What happens to a job when the connection to its task, or the task itself, is lost.

use std::time::Instant;

use serde_json::{Value, json};
use testing::{ManagerHost, SECOND, SshServer};

use crate::fargate;

#[test]
fn another_host_key_than_in_prepare_gets_nothing() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let manager = ManagerHost::new(fargate(), server);
        manager.prepare();
        let file = manager.metadata().join("t1_abc-4711.json");
        let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let other =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMzxVGcVbWvbLfvRBZLpsiPGbFeIxfYPy9zc5UTxLrGM";
        record["login"]["host_key"] = json!(other);
        std::fs::write(&file, record.to_string().as_bytes()).unwrap();
        let touched = manager.path("touched");
        let outcome = manager
            .run(format!("touch {}", touched.display()))
            .exits(22);
        outcome.complains(&[
            "its host key is SHA256:",
            "and prepare saw SHA256:",
            "Nothing was sent to it",
        ]);
        assert!(!touched.exists());
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn servers_without_elliptic_curves_will_do() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSshWithoutCurves);
    manager.prepare();
    let outcome = manager.run("echo here; exit 3").exits(11);
    assert_eq!(outcome.out(), "here\n");
    manager.custom("cleanup").exits(0);
}

#[test]
fn a_task_that_stops_during_a_script_says_why() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let manager = ManagerHost::new(fargate(), server);
        manager.prepare();
        let mut running = manager.start_run("echo here; sleep 100");
        running.read_until("here");
        let arn = manager.aws.running()[0]["taskArn"]
            .as_str()
            .unwrap()
            .to_owned();
        manager.aws.stop_task(&arn, "the operator has had enough");
        let outcome = running.finish().exits(22);
        outcome.complains(&["ERROR: AWS stopped the job's task: the operator has had enough"]);
        assert_eq!(manager.exit_code_file(), None);
        // It is told once, and later stages do not ask AWS again.
        let calls = manager.aws.calls("DescribeTasks");
        for stage in ["after_script", "upload_artifacts_on_failure"] {
            let later = manager.start_stage(stage, "true").finish().exits(22);
            let told = "ERROR: the job's task has ended: see the first error above\n";
            assert_eq!((later.out().as_str(), later.err().as_str()), ("", told));
        }
        assert_eq!(manager.aws.calls("DescribeTasks"), calls);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn a_spot_interruption_says_so() {
    let spot =
        json!({ "faults": [{ "effect": { "spot_interruption": { "after_seconds": 1.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &spot);
    manager.configure(
        "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]",
        "",
    );
    manager.prepare();
    manager
        .run("sleep 100")
        .exits(22)
        .complains(&["Your Spot Task was interrupted", "Spot capacity back"]);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_server_that_is_gone_at_the_first_script() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"]
        .as_str()
        .unwrap()
        .to_owned();
    manager.aws.stop_task(&arn, "gone");
    let outcome = manager.run("true").exits(22);
    outcome.complains(&["ERROR: AWS stopped the job's task: gone"]);
}

#[test]
fn a_keepalive_interval_may_be_as_long_as_any_duration() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    // Linux takes a silence of 24.8 days at most (tcp(7): TCP_USER_TIMEOUT).
    manager.configure_ssh("KeepAliveInterval = \"30d\"");
    manager.prepare();
    assert_eq!(manager.run("echo here").exits(0).out(), "here\n");
}

#[test]
fn a_connection_that_drops_is_no_failure_of_the_script() {
    // Enough for prepare's own connection and the start of the run's.
    let drops = json!({ "faults": [{ "effect": { "port_drops": { "after_bytes": 200_000 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::OpenSsh, &drops);
    manager.prepare();
    let outcome = manager.run("head -c 10000000 /dev/zero; exit 3").exits(22);
    outcome.complains(&[
        "the connection to the job's task was lost",
        "the task is still RUNNING",
    ]);
    assert_eq!(manager.exit_code_file(), None);
}

#[test]
fn odd_replies_of_aws_do_no_harm() {
    for (effect, when) in [
        (json!({ "missing": { "reads": 3 } }), json!({})),
        (json!("attachment_traps"), json!({})),
        (json!("unknown_values"), json!({})),
        (json!({ "stale_read": { "every": 2 } }), json!({})),
        (
            json!("throttle"),
            json!({ "operation": "DescribeTasks", "first": 2 }),
        ),
        (
            json!("throttle"),
            json!({ "operation": "RunTask", "first": 2 }),
        ),
        (json!({ "ec2_throttle": {} }), json!({ "first": 1 })),
        (
            json!("server_error"),
            json!({ "operation": "RunTask", "first": 1 }),
        ),
        (
            json!({ "lost_reply": {} }),
            json!({ "operation": "RunTask", "first": 1 }),
        ),
        (
            json!({ "lost_reply": { "reset": true } }),
            json!({ "operation": "RunTask", "first": 1 }),
        ),
        (
            json!("truncated_reply"),
            json!({ "operation": "RunTask", "first": 1 }),
        ),
        (
            json!("connection_reset"),
            json!({ "operation": "DescribeTasks", "first": 2 }),
        ),
        (
            json!("throttle"),
            json!({ "operation": "StopTask", "first": 2 }),
        ),
        (json!({ "public_ip_late": { "reads": 3 } }), json!({})),
    ] {
        let manager = ManagerHost::with_faults(
            fargate(),
            SshServer::Agent,
            &json!({ "faults": [{ "when": when, "effect": effect }] }),
        );
        manager.configure("EnablePublicIP = true", "");
        let outcome = manager.custom("prepare");
        assert_eq!(
            outcome.code,
            Some(0),
            "{effect}: {}{}",
            outcome.out(),
            outcome.err()
        );
        assert_eq!(manager.aws.running().len(), 1, "{effect}");
        assert_eq!(manager.run("echo ok").exits(0).out(), "ok\n");
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn a_task_that_aws_knew_and_does_not_know_for_a_moment() {
    let manager = ManagerHost::with_faults(
        fargate(),
        SshServer::Agent,
        &json!({ "faults": [
            { "effect": { "missing_once": { "read": 2 } } },
            { "effect": { "listen_delay": { "seconds": 3.0 } } },
        ] }),
    );
    manager.prepare();
    assert!(manager.aws.calls("DescribeTasks") >= 2);
    assert_eq!(manager.run("echo ok").exits(0).out(), "ok\n");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_late_server_is_found_soon_after_it_listens() {
    let late = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": 2.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &late);
    let begun = Instant::now();
    manager.prepare();
    assert!(begun.elapsed() > 2 * SECOND);
    // A task whose server is tried over and over costs AWS few calls: the address is known after one or two.
    assert!(
        manager.aws.calls("DescribeTasks") <= 4,
        "{} calls",
        manager.aws.calls("DescribeTasks")
    );
}
