//! Processes that are killed when they have stopped a task: the ledger has it all the same.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, ledger, leftovers, wait_until};

use crate::sweep::reap;
use crate::{fargate, warm};

/// Makes this call, and kills it when AWS has begun to stop the only task, before the ledger can know.
fn kill_while_it_stops(manager: &ManagerHost, arguments: &[&str]) {
    let lost = json!({ "when": { "operation": "StopTask" }, "effect": { "lost_reply": {} } });
    manager.aws.faults(&json!({ "faults": [lost] }));
    let mut call = manager.start(arguments);
    wait_until("AWS stops it", || manager.aws.running().is_empty());
    call.signal(Signal::SIGKILL);
    call.finish();
    manager.aws.faults(&json!({}));
    assert_eq!(ledger::entries(manager), Vec::<Value>::new());
}

#[test]
fn a_task_that_no_record_names_is_in_the_ledger_though_its_sweep_was_killed() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    std::fs::remove_file(manager.records().pop().unwrap()).unwrap();
    kill_while_it_stops(&manager, &["reap", "--older-than", "0s"]);
    let dry = reap(&manager, &["--dry-run"]).exits(0);
    assert!(dry.out().contains("would end task "), "{}", dry.out());
    let done = reap(&manager, &[]).exits(0);
    assert!(done.out().contains("ended task "), "{}", done.out());
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
    assert_eq!(ledger::entries(&manager)[0]["kind"], "orphan");
    let mut notes = leftovers(&manager);
    notes.retain(|name| name.ends_with(".stopping"));
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn the_task_of_a_damaged_record_is_in_the_ledger_though_its_cleanup_was_killed() {
    for again in [&["custom", "cleanup"][..], &["reap"]] {
        let manager = ManagerHost::new(fargate(), SshServer::Agent);
        manager.prepare();
        let record = manager.records().pop().unwrap();
        std::fs::write(&record, b"{\"job\": ").unwrap();
        kill_while_it_stops(&manager, &["custom", "cleanup"]);
        manager.start(again).finish().exits(0);
        reap(&manager, &[]).exits(0);
        ledger::is_whole(&manager).unwrap();
        let entry = &ledger::entries(&manager)[0];
        assert_eq!(entry["outcome"]["cause"], "the job's record was damaged");
    }
}

#[test]
fn a_waiting_task_without_an_answer_is_in_the_ledger_though_its_sweep_was_killed() {
    let manager = warm::manager(1);
    let slow = json!({ "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 30.0 } } });
    manager.aws.faults(&json!({ "faults": [slow] }));
    let mut keep = manager.start(&["warm", "keep", "--once"]);
    wait_until("there is a task", || !manager.aws.running().is_empty());
    keep.signal(Signal::SIGKILL);
    keep.finish();
    kill_while_it_stops(&manager, &["reap", "--older-than", "0s"]);
    reap(&manager, &["--older-than", "0s"]).exits(0);
    ledger::is_whole(&manager).unwrap();
    assert_eq!(ledger::entries(&manager)[0]["kind"], "waiting");
    assert_eq!(warm::files(&manager), Vec::<PathBuf>::new());
}
