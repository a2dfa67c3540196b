//! The ledger: each attempt at a job has its line, once, with its outcome and with phases that add up.

use nix::sys::signal::Signal::SIGTERM;
use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, ledger, wait_until};

use crate::fargate;
use crate::sweep::{kill_group_of_call, prepare_and_lose_runner};

/// The only entry of the ledger, checked.
#[track_caller]
fn entry(manager: &ManagerHost) -> Value {
    let mut entries = ledger::entries(manager);
    assert_eq!(entries.len(), 1, "{entries:#?}");
    ledger::is_whole(manager).unwrap();
    entries.remove(0)
}

fn outcome(entry: &Value) -> (&str, Option<i64>) {
    let outcome = &entry["outcome"];
    (
        outcome["kind"].as_str().unwrap(),
        outcome["exit_code"].as_i64(),
    )
}

#[test]
fn a_job_that_succeeds() {
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &json!({}), 0.02);
    manager.configure(
        "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]",
        "",
    );
    manager.prepare();
    for stage in ["prepare_script", "get_sources", "build_script"] {
        manager.start_stage(stage, "true").finish().exits(0);
    }
    // GitLab Runner passes over its failure.
    manager
        .start_stage("after_script", "exit 3")
        .finish()
        .exits(11);
    let calls = manager.aws.calls("DescribeTasks");
    manager.custom("cleanup").exits(0);
    assert_eq!(
        manager.aws.calls("DescribeTasks"),
        calls,
        "StopTask's reply says all"
    );
    manager.custom("cleanup").exits(0);
    let entry = entry(&manager);
    assert_eq!(outcome(&entry), ("success", None));
    assert_eq!(
        (
            &entry["job_id"],
            &entry["project"],
            &entry["job"],
            &entry["pipeline_id"]
        ),
        (
            &json!(4711),
            &json!("acme/shop"),
            &json!("unit tests"),
            &json!(5150)
        )
    );
    assert_eq!(
        (
            &entry["mode"],
            &entry["image"],
            &entry["region"],
            &entry["kind"]
        ),
        (
            &json!("task_definition"),
            &json!("registry.example.com/ci:1"),
            &json!("eu-west-1"),
            &json!("job")
        )
    );
    for time in ["asked", "ready", "first_script", "ended"] {
        assert!(entry["times"][time].is_u64(), "{time} in {entry:#}");
    }
    let task = &entry["tasks"][0];
    assert_eq!(
        (&task["won"], &task["stop_accepted"].is_u64()),
        (&json!(true), &true)
    );
    let facts = &task["facts"];
    for time in [
        "created",
        "pull_started",
        "pull_stopped",
        "started",
        "stopping",
    ] {
        assert!(facts["times"][time].is_u64(), "{time} in {entry:#}");
    }
    assert_eq!(
        (
            &facts["family"],
            &facts["cpu"],
            &facts["memory"],
            &facts["architecture"],
            &facts["provider"]
        ),
        (
            &json!("test-task"),
            &json!(256),
            &json!(512),
            &json!("x86_64"),
            &json!("FARGATE_SPOT")
        )
    );
    assert!(
        facts["zone"].as_str().unwrap().starts_with("eu-west-1"),
        "{facts}"
    );
}

#[test]
fn jobs_that_ask_for_the_same_task_have_one_hash() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    let mut hashes = Vec::new();
    for keys in ["", "", "PlatformVersion = \"1.4.0\""] {
        manager.configure(keys, "");
        manager.prepare();
        manager.custom("cleanup").exits(0);
        let entries = ledger::entries(&manager);
        let hash = entries.last().unwrap()["start_hash"].as_str().unwrap();
        assert_eq!(hash.len(), 32);
        hashes.push(hash.to_owned());
        manager.next_job();
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[1], hashes[2]);
}

#[test]
fn each_way_to_end_has_its_outcome() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    manager.run("exit 3").exits(11);
    manager
        .start_stage("after_script", "true")
        .finish()
        .exits(0);
    manager.custom("cleanup").exits(0);
    assert_eq!(outcome(&entry(&manager)), ("script_failed", Some(3)));

    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let mut running = manager.start_run("echo started; sleep 300");
    running.read_until("started\n");
    running.signal(SIGTERM);
    running.finish().exits(22);
    manager.custom("cleanup").exits(0);
    assert_eq!(outcome(&entry(&manager)), ("cancelled", None));

    // Nobody saw the end of its script.
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let mut running = manager.start_run("echo started; sleep 300");
    running.read_until("started\n");
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.finish();
    manager.custom("cleanup").exits(0);
    let entry = entry(&manager);
    assert_eq!(outcome(&entry), ("system_failure", None));
    assert!(
        entry["outcome"]["cause"]
            .as_str()
            .unwrap()
            .contains("during build_script")
    );
}

#[test]
fn a_prepare_that_gives_up_says_why() {
    let reason =
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found";
    let effect =
        json!({ "start_failure": { "at": "pull", "reason": reason, "container_reason": reason } });
    let faults = json!({ "faults": [{ "effect": effect }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    manager.custom("prepare").exits(22);
    manager.custom("cleanup").exits(0);
    let entry = entry(&manager);
    assert_eq!(outcome(&entry), ("system_failure", None));
    let cause = entry["outcome"]["cause"].as_str().unwrap();
    assert!(cause.contains("CannotPullContainerError"), "{cause}");
    assert_eq!(entry["tasks"].as_array().unwrap().len(), 1);
}

#[test]
fn a_refusal_is_entered_before_anything_starts() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("", "[JobVariables]\nMaxCPU = \"1 vCPU\"");
    let variable = ("CUSTOM_ENV_FARGATE_CPU".to_owned(), "16 vCPU".to_owned());
    manager.variables.push(variable);
    manager.custom("config").exits(11);
    manager.custom("cleanup").exits(0);
    let entry = entry(&manager);
    assert_eq!(outcome(&entry), ("job_refused", None));
    assert_eq!(entry["tasks"], json!([]));
    // Where config was not asked.
    manager.custom("prepare").exits(11);
    assert_eq!(ledger::entries(&manager).len(), 2);
}

#[test]
fn a_lost_task_is_in_its_attempts_entry() {
    let taken = json!({ "faults": [
        { "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "spot_interruption": { "after_seconds": 0.1 } } },
        { "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "port_refused": {} } },
    ] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &taken);
    manager.configure(
        "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\n\
         FallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]",
        "",
    );
    manager.prepare();
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    let entry = entry(&manager);
    assert_eq!(outcome(&entry), ("success", None));
    let of_task = |number: usize| {
        let task = &entry["tasks"][number];
        (
            task["won"].as_bool().unwrap(),
            task["facts"]["provider"].as_str().unwrap(),
        )
    };
    assert_eq!(
        (of_task(0), of_task(1)),
        ((false, "FARGATE_SPOT"), (true, "FARGATE"))
    );
}

#[test]
fn what_a_sweep_ends_is_entered_with_its_reason() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    prepare_and_lose_runner(&manager);
    manager.start(&["reap"]).finish().exits(0);
    let entry = entry(&manager);
    assert_eq!(outcome(&entry), ("system_failure", None));
    assert_eq!(entry["outcome"]["cause"], "its GitLab Runner is gone");

    // A task that no record names is billed, too.
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    std::fs::remove_file(&manager.records()[0]).unwrap();
    manager
        .start(&["reap", "--older-than", "0s"])
        .finish()
        .exits(0);
    let entry = self::entry(&manager);
    assert_eq!(
        (&entry["kind"], &entry["job_id"]),
        (&json!("orphan"), &json!(4711))
    );
}

/// A host whose prepare was killed while RunTask was under way, and whose first StopTask has no answer for so long.
fn with_unknown_task(stop_seconds: f64) -> ManagerHost {
    let slow = |operation: &str, seconds: f64| json!({ "when": { "operation": operation, "first": 1 }, "effect": { "slow_reply": { "seconds": seconds } } });
    let faults = json!({ "faults": [slow("RunTask", 60.0), slow("StopTask", stop_seconds)] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    let mut runner = manager.call_of_dying_runner(&["custom", "prepare"]);
    let mut runner = runner.spawn().unwrap();
    wait_until("there is a task", || !manager.aws.running().is_empty());
    kill_group_of_call(&manager);
    runner.wait().unwrap();
    manager
}

#[test]
fn a_task_whose_sweep_was_killed_after_it_was_stopped() {
    let manager = with_unknown_task(60.0);
    let mut killed = manager.call(&["reap"]).spawn().unwrap();
    wait_until("the task is stopped", || !manager.aws.stopped().is_empty());
    killed.kill().unwrap();
    killed.wait().unwrap();
    manager.start(&["reap"]).finish().exits(0);
    let entry = entry(&manager);
    assert_eq!(entry["tasks"].as_array().unwrap().len(), 1, "{entry:#}");
    manager.left_nothing();
}

#[test]
fn a_task_that_two_sweeps_stop_is_entered_by_the_slower_one() {
    let manager = with_unknown_task(20.0);
    let slower = manager.start(&["reap"]);
    wait_until("the task is stopped", || !manager.aws.stopped().is_empty());
    manager.start(&["reap"]).finish().exits(0);
    assert_eq!(manager.records(), Vec::<std::path::PathBuf>::new());
    slower.finish().exits(0);
    ledger::is_whole(&manager).unwrap();
    manager.left_nothing();
}

#[test]
fn a_ledger_may_be_short_or_none() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let with = |months: &str| text.replace("[SSH]", &format!("LedgerMonths = {months}\n[SSH]"));
    manager.write_config(&with("0"));
    manager.prepare();
    manager.custom("cleanup").exits(0);
    assert_eq!(ledger::entries(&manager), Vec::<Value>::new());
    manager.write_config(&with("121"));
    manager
        .custom("config")
        .exits(22)
        .complains(&["LedgerMonths is 121"]);
}
