//! How many second tasks a manager starts, and when it starts none.

use serde_json::json;
use testing::{Job, ledger};

use crate::hedged_starts::{end, is_quiet, manager, run_task, slow, standings};

#[test]
fn an_empty_bucket_has_no_second_task() {
    let manager = manager("200ms", &[slow(1, 1.5)]);
    std::fs::create_dir_all(manager.metadata()).unwrap();
    let empty = format!("{:02} {:020}", 0, 0);
    std::fs::write(manager.metadata().join("hedges.lock"), empty).unwrap();
    let said = manager.prepare().out();
    assert!(!said.contains("second"), "{said}");
    assert_eq!(manager.aws.calls("RunTask"), 1);
    end(&manager);
}

#[test]
fn a_second_task_that_aws_refuses_harms_nobody_and_quiets_the_next_ones() {
    let refusals = [
        json!("throttle"),
        json!({ "ec2_throttle": {} }),
        json!("access_denied"),
        json!({ "error": { "status": 400, "code": "ClientException",
            "message": "You've reached the limit on the number of vCPUs you can run concurrently" } }),
    ];
    for refusal in refusals {
        let manager = manager(
            "200ms",
            &[slow(1, 1.5), run_task(2, &refusal), slow(2, 1.5)],
        );
        let said = manager.prepare().out();
        assert!(!said.contains("second"), "{refusal}: {said}");
        assert_eq!(standings(&manager), ["won", "refused"], "{refusal}");
        assert_eq!(manager.aws.running().len(), 1);
        manager.custom("cleanup").exits(0);
        let calls = manager.aws.calls("RunTask");
        manager.prepare();
        // A refusal for another reason says nothing about the next start.
        let more = if refusal == "access_denied" { 2 } else { 1 };
        assert_eq!(manager.aws.calls("RunTask"), calls + more, "{refusal}");
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
        ledger::is_whole(&manager).unwrap();
    }
}

/// Another second task would have no room either, and takes it from others.
#[test]
fn a_task_of_either_kind_without_room_quiets_the_next_ones() {
    let full = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    for (nth, standing) in [(1, ["stopped", "won"]), (2, ["won", "stopped"])] {
        let failure = json!({ "start_failure": { "at": "network", "reason": full } });
        let lost = json!({ "when": { "nth": nth }, "effect": failure });
        let other = if nth == 1 {
            json!({ "when": { "nth": 2 }, "effect": { "listen_delay": { "seconds": 2 } } })
        } else {
            slow(1, 2.0)
        };
        let late = slow(nth, 1.0);
        let manager = manager("200ms", &[lost, other, late]);
        manager.prepare();
        assert_eq!(standings(&manager), standing);
        assert!(is_quiet(&manager));
        end(&manager);
    }
}

#[test]
fn jobs_share_the_bucket() {
    let faults = json!({ "when": {}, "effect": { "listen_delay": { "seconds": 2 } } });
    let manager = manager("200ms", &[faults]);
    let prepared = manager.call_for_all(6, &["custom", "prepare"], &json!({ "variables": null }));
    let seconds = prepared
        .iter()
        .filter(|outcome| outcome.out().contains("a second one starts"));
    assert_eq!(seconds.count(), 3);
    assert_eq!(manager.aws.calls("RunTask"), 9);
    for number in 0..6 {
        let job = Job::new(&manager, 5000 + number, &json!({ "variables": null }));
        let cleaned = testing::RunningCommand::start(&mut job.call(&["custom", "cleanup"]));
        cleaned.finish().exits(0);
    }
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
}
