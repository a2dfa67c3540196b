//! AWS's tags of a job on the waiting task that it has claimed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::{ManagerHost, ledger, wait_until};

use crate::job_image;
use crate::sweep::record;
use crate::warm::{keep_once, manager, next_job, reap, status};

/// A pool of one task in an account with this fault of TagResource.
fn manager_with_fault(effect: &Value) -> ManagerHost {
    let faults =
        json!({ "faults": [{ "when": { "operation": "TagResource" }, "effect": effect }] });
    let pool = "[[Warm.Pool]]\nImage = \"ruby:3.3\"\nTasks = 1\n";
    job_image::manager_with(&faults, "", pool)
}

/// Prepares a job that claims a task.
fn claim(manager: &ManagerHost) {
    let prepared = manager.prepare();
    let log = prepared.out();
    assert!(log.contains("Claimed task "), "{log}");
}

/// The value of a tag of the task that runs the job.
fn tag(manager: &ManagerHost, key: &str) -> Option<String> {
    let arn = record(manager)["starts"][0]["task"].clone();
    let running = manager.aws.running();
    let task = running.iter().find(|task| task["taskArn"] == arn).unwrap();
    let mut tags = task["tags"].as_array().unwrap().iter();
    let tag = tags.find(|tag| tag["key"] == key)?;
    Some(tag["value"].as_str().unwrap().to_owned())
}

fn finish(manager: &ManagerHost) {
    manager.run("true").exits(0);
    let ended = manager.custom("cleanup").exits(0);
    assert_eq!(ended.err(), "");
    ledger::is_whole(manager).unwrap();
}

#[test]
fn the_keeper_gives_a_claimed_task_the_tags_of_its_job() {
    let mut manager = manager(1);
    let keep = manager.start(&["warm", "keep"]);
    for call in 1..=2 {
        wait_until("a task is ready", || {
            status(&manager)["pools"][0]["ready"] == 1
        });
        claim(&manager);
        wait_until("it has the tags", || {
            tag(&manager, "gitlab:job-id").is_some()
        });
        let id = record(&manager)["job"]["id"].to_string();
        assert_eq!(tag(&manager, "gitlab:job-id"), Some(id));
        assert_eq!(
            tag(&manager, "gitlab:project").as_deref(),
            Some("acme/shop")
        );
        wait_until("that is noted", || {
            record(&manager)["missing_tags"].is_null()
        });
        finish(&manager);
        assert_eq!(manager.aws.calls("TagResource"), call);
        next_job(&mut manager);
    }
    drop(keep);
}

#[test]
fn without_a_keeper_a_sweep_does() {
    let manager = manager(1);
    keep_once(&manager);
    claim(&manager);
    assert_eq!(manager.aws.calls("TagResource"), 0);
    assert_eq!(tag(&manager, "gitlab:job-id"), None);
    reap(&manager, &["--dry-run"]);
    assert_eq!(manager.aws.calls("TagResource"), 0);
    reap(&manager, &[]);
    assert_eq!(tag(&manager, "gitlab:job-id").as_deref(), Some("4711"));
    finish(&manager);
    assert_eq!(manager.aws.calls("TagResource"), 1);
}

#[test]
fn at_the_latest_they_come_before_the_task_is_stopped_which_deletes_them() {
    let manager = manager_with_fault(&json!({ "slow_reply": { "seconds": 0.5 } }));
    keep_once(&manager);
    claim(&manager);
    finish(&manager);
    assert_eq!(manager.aws.calls("TagResource"), 1);
    let job = &ledger::entries(&manager)[0];
    let ended = job["times"]["ended"].as_u64().unwrap();
    let stopped = job["tasks"][0]["stop_accepted"].as_u64().unwrap();
    assert!(stopped >= ended + 500, "{job:#}");
}

#[test]
fn a_job_waits_for_no_tags() {
    let manager = manager_with_fault(&json!({ "slow_reply": { "seconds": 60 } }));
    let keep = manager.start(&["warm", "keep"]);
    wait_until("a task is ready", || {
        status(&manager)["pools"][0]["ready"] == 1
    });
    let begun = Instant::now();
    claim(&manager);
    manager.run("true").exits(0);
    assert!(begun.elapsed() < Duration::from_secs(5));
    wait_until("the keeper asks", || manager.aws.calls("TagResource") > 0);
    let begun = Instant::now();
    manager.custom("cleanup").exits(0);
    assert!(begun.elapsed() < Duration::from_secs(6));
    drop(keep);
}

#[test]
fn without_the_permission_jobs_do_not_notice_and_nothing_is_repeated() {
    let mut manager = manager_with_fault(&json!("access_denied"));
    let keep = manager.start(&["warm", "keep"]);
    wait_until("a task is ready", || {
        status(&manager)["pools"][0]["ready"] == 1
    });
    claim(&manager);
    wait_until("the refusal is noted", || {
        record(&manager)["missing_tags"].is_null()
    });
    finish(&manager);
    assert_eq!(manager.aws.calls("TagResource"), 1);
    drop(keep);

    next_job(&mut manager);
    keep_once(&manager);
    claim(&manager);
    finish(&manager);
    assert_eq!(manager.aws.calls("TagResource"), 2);
}
