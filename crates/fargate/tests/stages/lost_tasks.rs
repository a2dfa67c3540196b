//! Tasks that AWS takes away or cannot start: before the job's script runs they are replaced, after that it is told.

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};

use crate::fargate;

const SPOT: &str = "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\n\
                    FallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]";

fn faults(rule: &Value) -> Value {
    json!({ "faults": [rule] })
}

/// One start failure with this text, of the first `first` tasks.
fn start_failure(first: u64, reason: &str) -> Value {
    faults(
        &json!({ "when": { "first": first }, "effect": { "start_failure": { "at": "network", "reason": reason } } }),
    )
}

#[test]
fn a_task_that_finds_no_room_after_all_is_replaced() {
    let full = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &start_failure(1, full));
    manager.configure(SPOT, "");
    let outcome = manager.prepare();
    let said = "with FARGATE_SPOT: Capacity is unavailable at this time";
    assert!(outcome.out().contains(said), "{}", outcome.out());
    assert!(
        outcome.out().contains("; trying FARGATE\n"),
        "{}",
        outcome.out()
    );
    assert_eq!(manager.aws.running()[0]["capacityProviderName"], "FARGATE");
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_quota_that_is_used_up_is_waited_for_however_aws_says_so() {
    let full = "You've reached the limit on the number of vCPUs you can run concurrently";
    let error = json!({ "error": { "status": 400, "code": "ClientException", "message": full } });
    let rule = json!({ "when": { "operation": "RunTask", "first": 1 }, "effect": error });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults(&rule));
    let outcome = manager.prepare();
    assert!(
        outcome.out().contains(full) && outcome.out().contains("; trying again in "),
        "{}",
        outcome.out()
    );
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_spot_task_that_is_taken_before_it_takes_scripts_is_replaced() {
    let taken = json!({ "faults": [
        { "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "spot_interruption": { "after_seconds": 0.1 } } },
        { "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "port_refused": {} } },
    ] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &taken);
    manager.configure(SPOT, "");
    let outcome = manager.prepare();
    assert!(
        outcome.out().contains("Your Spot Task was interrupted"),
        "{}",
        outcome.out()
    );
    assert_eq!(manager.aws.running()[0]["capacityProviderName"], "FARGATE");
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    let metrics = manager.path("fargate.prom");
    let report = ["report", "--metrics", metrics.to_str().unwrap()];
    manager.start(&report).finish().exits(0);
    let text = std::fs::read_to_string(&metrics).unwrap();
    for (provider, result) in [("FARGATE_SPOT", "lost"), ("FARGATE", "won")] {
        let labels = format!("{{provider=\"{provider}\",result=\"{result}\"}}");
        let line = format!("fargate_tasks_total{labels} 1");
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
}

#[test]
fn trouble_of_awss_own_is_tried_again_but_not_for_ever() {
    let trouble = "Timeout waiting for network interface provisioning to complete.";
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &start_failure(1, trouble));
    let outcome = manager.prepare();
    assert!(
        outcome
            .out()
            .contains("AWS could not start the task in subnet-"),
        "{}",
        outcome.out()
    );
    manager.custom("cleanup").exits(0);
    manager.left_nothing();

    let manager =
        ManagerHost::with_faults(fargate(), SshServer::Agent, &start_failure(100, trouble));
    manager.custom("prepare").exits(22).complains(&[trouble]);
    assert_eq!(manager.aws.calls("RunTask"), 4);
    manager.left_nothing();
}

/// The code is in AWS's model; the text is an example.
const UNHEALTHY: (&str, &str) = (
    "InfrastructureHealth",
    "The infrastructure of the task is impaired",
);

#[test]
fn a_task_whose_machine_fails_before_it_takes_scripts_is_replaced() {
    let stop =
        json!({ "stop": { "after_seconds": 0.1, "code": UNHEALTHY.0, "reason": UNHEALTHY.1 } });
    let fails = json!({ "faults": [
        { "when": { "first": 1 }, "effect": stop },
        { "when": { "first": 1 }, "effect": { "port_refused": {} } },
    ] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &fails);
    let outcome = manager.prepare();
    let said = format!(
        "AWS could not start the task in subnet-0a1b2c3d4e5f60001: {}",
        UNHEALTHY.1
    );
    assert!(outcome.out().contains(&said), "{}", outcome.out());
    assert_eq!(manager.aws.calls("RunTask"), 2);
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_machine_that_fails_during_a_script_is_told_in_a_sentence() {
    let stop =
        json!({ "stop": { "after_seconds": 1.0, "code": UNHEALTHY.0, "reason": UNHEALTHY.1 } });
    let manager = ManagerHost::with_faults(
        fargate(),
        SshServer::Agent,
        &faults(&json!({ "effect": stop })),
    );
    manager.prepare();
    manager.run("sleep 100").exits(22).complains(&[
        "ERROR: the machine of AWS's that the job ran on failed",
        UNHEALTHY.1,
        "Run the job again",
    ]);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_retired_host_is_told_in_a_sentence() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let words =
            "ECS is performing maintenance on the underlying infrastructure hosting the task";
        let retired = json!({ "stop": { "after_seconds": 1.0, "code": "TerminationNotice", "reason": words } });
        let manager =
            ManagerHost::with_faults(fargate(), server, &faults(&json!({ "effect": retired })));
        manager.prepare();
        let outcome = manager.run("echo here; sleep 100").exits(22);
        outcome.complains(&[
            "ERROR: AWS retired the host that the job ran on",
            words,
            "Run the job again",
        ]);
        assert_eq!(manager.exit_code_file(), None);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

/// ECS notices the end of a container after some ten seconds.
#[test]
fn used_up_memory_is_told_at_awss_own_pace_too() {
    let killed = json!({ "effect": { "out_of_memory": { "after_seconds": 3.0 } } });
    let manager = ManagerHost::with_latency(fargate(), SshServer::OpenSsh, &faults(&killed), 1.0);
    manager.prepare();
    let outcome = manager.run("echo here; sleep 100").exits(11);
    outcome.complains(&["the job used up its task's memory of 0.5 GB"]);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn memory_that_is_used_up_is_the_jobs_failure() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let killed = json!({ "effect": { "out_of_memory": { "after_seconds": 1.0 } } });
        let manager = ManagerHost::with_faults(fargate(), server, &faults(&killed));
        manager.prepare();
        let outcome = manager.run("echo here; sleep 100").exits(11);
        outcome.complains(&[
            "ERROR: the job used up its task's memory of 0.5 GB",
            "OutOfMemoryError",
            "FARGATE_MEMORY",
        ]);
        assert_eq!(manager.exit_code_file().as_deref(), Some("137\n"));
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn a_script_that_kills_the_server_that_runs_it_is_told_so() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    // The agent is its shell's parent, and nobody else's.
    let outcome = manager.run("echo here; kill -9 $PPID; sleep 100").exits(11);
    outcome.complains(&[
        "ERROR: the SSH server in the job's container was killed, by the script or for its use of memory",
        "the job's container exited with status 137",
        "kill -9 $PPID",
    ]);
    assert_eq!(manager.exit_code_file().as_deref(), Some("137\n"));
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_script_that_tells_the_server_that_runs_it_to_stop_is_told_so() {
    for server in [SshServer::Agent, SshServer::JobImage] {
        let manager = match server {
            SshServer::JobImage => crate::job_image::manager(),
            _ => ManagerHost::new(fargate(), server),
        };
        manager.prepare();
        let outcome = manager.run("echo here; kill $PPID; sleep 100").exits(11);
        outcome.complains(&[
            "ERROR: the SSH server in the job's container was ended by SIGTERM, by the script",
            "the job's container exited with status 143",
            "kill $PPID",
        ]);
        assert_eq!(manager.exit_code_file().as_deref(), Some("143\n"));
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}
