//! Which jobs sweep, and how one ending that takes long leaves the others alone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::{ManagerHost, SECOND, SshServer, wait_for};

use crate::fargate;
use crate::sweep::prepare_and_lose_runner;

/// A manager with this many jobs that a sweep is to end.
fn ending(jobs: usize) -> ManagerHost {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    for _ in 0..jobs {
        manager.prepare();
        manager.next_job();
    }
    for file in manager.records() {
        let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        record["ends"] = json!(true);
        std::fs::write(&file, record.to_string()).unwrap();
    }
    manager
}

/// prepare may cut a sweep short, and the same jobs must not be the last each time.
#[test]
fn each_sweep_has_an_order_of_its_own() {
    let manager = ending(6);
    let order = || {
        let sweep = manager.start(&["--debug", "reap", "--dry-run"]);
        let said = sweep.finish().exits(0).err();
        let findings = said.lines().filter_map(|line| line.split_once("sweep: "));
        let findings: Vec<_> = findings.map(|(_, finding)| finding.to_owned()).collect();
        assert_eq!(findings.len(), 6, "{said}");
        findings
    };
    // Three times the same order by chance: once in half a million.
    let orders = [order(), order(), order()];
    assert!(orders.iter().any(|other| *other != orders[0]), "{orders:?}");
}

#[test]
fn one_record_whose_task_cannot_be_reached_does_not_keep_the_others() {
    const JOBS: usize = 4;
    let manager = ending(JOBS);
    // Whichever it tries first.
    let slow = json!({ "faults": [{ "when": { "operation": "StopTask", "nth": 1 },
        "effect": { "slow_reply": { "seconds": 8.0 } } }] });
    manager.aws.faults(&slow);
    let begun = Instant::now();
    let sweeping = manager.start(&["reap"]);
    let pause = Duration::from_millis(20);
    wait_for(6 * SECOND, pause, "the others are ended", || {
        manager.records().len() == 1
    });
    let done = sweeping.finish().exits(0);
    assert!(begun.elapsed() > 7 * SECOND);
    let jobs: Vec<_> = done.out().lines().map(str::to_owned).collect();
    assert_eq!(jobs.len(), JOBS);
    assert!(jobs.is_sorted(), "{jobs:?}");
    manager.left_nothing();
}

#[test]
fn a_runner_that_is_new_sweeps_at_once() {
    let slow = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": 2.0 } } }] });
    let mut manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    // The first job's runner is killed a moment after its sweep, and started again.
    prepare_and_lose_runner(&manager);
    let swept = manager.metadata().join("sweep");
    assert!(swept.exists());
    manager.next_job();
    let call = &mut manager.call_of_dying_runner(&["custom", "prepare"]);
    assert!(call.output().unwrap().status.success());
    assert_eq!(manager.aws.running().len(), 1);
    assert_eq!(manager.records().len(), 1);
    // Another job of a runner that was there before does not sweep.
    let lists = manager.aws.calls("ListTasks");
    manager.next_job();
    manager.prepare();
    assert_eq!(manager.aws.calls("ListTasks"), lists);
}
