//! Waiting tasks that yield to jobs without room.

use serde_json::{Value, json};
use testing::{ledger, wait_until};

use crate::job_image;
use crate::warm::{files, keep_once, pool, status};

#[test]
fn a_job_without_room_has_the_oldest_waiting_task_yield() {
    // The third call is the job's.
    let quota = "You've reached the limit on the number of vCPUs you can run concurrently";
    let refused = json!({ "faults": [{
        "when": { "operation": "RunTask", "nth": 3 },
        "effect": { "error": { "status": 400, "code": "ClientException", "message": quota } },
    }] });
    let manager = job_image::manager_with(&refused, "", &pool(2));
    keep_once(&manager);
    manager.ask(&json!({ "image": { "name": "ruby:3.4" } }));
    let prepared = manager.prepare();
    let told = "; stopped waiting task ";
    assert!(prepared.out().contains(told), "{}", prepared.out());
    assert_eq!(files(&manager).len(), 1);
    assert_eq!(status(&manager)["resting"], "yielded");
    // None is started in its place.
    keep_once(&manager);
    assert_eq!(files(&manager).len(), 1);
    manager.custom("cleanup").exits(0);
    let yielded = ledger::entries(&manager);
    let cause = &yielded[0]["outcome"]["cause"];
    assert_eq!(*cause, "a job found no room for its own task");
}

/// The fault of an account without room for the calls of RunTask with these numbers.
fn full(calls: &[u32]) -> Value {
    let quota = "You've reached the limit on the number of vCPUs you can run concurrently";
    let fault = |nth: &u32| {
        json!({
            "when": { "operation": "RunTask", "nth": nth },
            "effect": { "error": { "status": 400, "code": "ClientException", "message": quota } },
        })
    };
    json!({ "faults": calls.iter().map(fault).collect::<Vec<_>>() })
}

#[test]
fn as_many_waiting_tasks_yield_as_a_large_job_needs() {
    let sections = format!("[JobVariables]\nMaxCPU = \"1 vCPU\"\n{}", pool(4));
    let mut manager = job_image::manager_with(
        &full(&[5]),
        "CPU = \"0.25 vCPU\"\nMemory = \"1 GB\"\n",
        &sections,
    );
    keep_once(&manager);
    manager.ask(&json!({ "image": { "name": "ruby:3.4" } }));
    let size = ("CUSTOM_ENV_FARGATE_CPU".to_owned(), "0.5 vCPU".to_owned());
    manager.variables.push(size);
    let prepared = manager.prepare();
    let told = "; stopped waiting tasks ";
    assert!(prepared.out().contains(told), "{}", prepared.out());
    assert_eq!(files(&manager).len(), 2);
    manager.custom("cleanup").exits(0);
}

#[test]
fn each_job_without_room_has_a_task_yield() {
    let mut manager = job_image::manager_with(&full(&[3, 5]), "", &pool(2));
    keep_once(&manager);
    for left in [1, 0] {
        manager.next_job();
        manager.ask(&json!({ "image": { "name": "ruby:3.4" } }));
        let prepared = manager.prepare();
        let told = "; stopped waiting task ";
        assert!(prepared.out().contains(told), "{}", prepared.out());
        assert_eq!(files(&manager).len(), left);
    }
}

#[test]
fn a_start_under_way_takes_no_room_that_was_made_for_a_job() {
    let busy = json!({ "faults": [{
        "when": { "operation": "RunTask", "nth": 1 },
        "effect": { "error": { "status": 400, "code": "ThrottlingException", "message": "Rate exceeded" } },
    }] });
    let manager = job_image::manager_with(&busy, "", &pool(1));
    let keep = manager.start(&["warm", "keep", "--once"]);
    let asked = || manager.aws.calls("RunTask");
    wait_until("it has asked", || asked() == 1);
    std::fs::write(manager.metadata().join("warm/yielded"), "").unwrap();
    let kept = keep.finish().exits(1);
    assert!(kept.err().contains("jobs come first"), "{}", kept.err());
    assert_eq!(asked(), 1);
    manager.left_nothing();
}
