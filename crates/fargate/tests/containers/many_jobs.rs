//! Many jobs at once.

use std::time::Duration;

use serde_json::json;
use testing::wait_for;

use crate::images::BUSYBOX;
use crate::job::{PATIENCE, has_no_container, manager_with, script, task_id};

const JOBS: u64 = 50;

#[test]
fn fifty_jobs_in_real_containers_register_one() {
    let manager = manager_with(&json!({}), "", "");
    let want = json!({ "image": { "name": BUSYBOX } });
    for prepared in manager.call_for_all(JOBS, &["custom", "prepare"], &want) {
        prepared.exits(0);
    }
    // The first registration is the test's own.
    assert_eq!(manager.aws.calls("RegisterTaskDefinition") - 1, 1);
    let tasks = manager.aws.running();
    assert_eq!(tasks.len() as u64, JOBS);

    // Each has a container of its own.
    let file = manager.write_script(script("hostname; exit 3").as_bytes());
    let run = ["custom", "run", file.to_str().unwrap(), "build_script"];
    for run in manager.call_for_all(JOBS, &run, &want) {
        run.exits(11);
    }
    for cleaned in manager.call_for_all(JOBS, &["custom", "cleanup"], &want) {
        cleaned.exits(0);
    }
    manager.left_nothing();
    // One after the other, as the engine does it.
    let mut ids: Vec<_> = tasks.iter().map(task_id).collect();
    let pause = Duration::from_secs(1);
    wait_for(PATIENCE, pause, "their containers are gone", || {
        while ids.last().is_some_and(|id| has_no_container(id)) {
            ids.pop();
        }
        ids.is_empty()
    });
}
