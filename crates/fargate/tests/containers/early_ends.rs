//! Services and managers that end too early.

use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::json;
use testing::{SECOND, wait_until};

use crate::images::{DEBIAN, POSTGRES};
use crate::job::{left_no_container, manager_with, script};

#[test]
fn a_service_that_dies_is_in_the_job_log() {
    let manager = manager_with(&json!({}), "", "");
    // The official image, too, wants a password.
    manager.ask(
        &json!({ "image": { "name": DEBIAN }, "services": [{ "name": POSTGRES, "alias": "db" }] }),
    );
    manager.prepare();
    wait_until("the service has died", || {
        let task = &manager.aws.running()[0];
        let containers = task["containers"].as_array().unwrap();
        let service = containers.iter().find(|one| one["name"] == "service-0");
        service.unwrap()["exitCode"] == 1
    });
    let run = manager
        .stage("build_script", ": < /dev/tcp/db/5432")
        .exits(11);
    let wanted = format!("WARNING: service db ({POSTGRES}) exited with status 1");
    assert!(run.out().contains(&wanted), "{}", run.out());
    // Nothing listens on its well-known port, and nobody waits for that.
    let begun = Instant::now();
    let run = manager.stage("build_script", "echo fine").exits(0);
    assert!(run.out().contains(&wanted), "{}", run.out());
    assert!(begun.elapsed() < 20 * SECOND, "{:?}", begun.elapsed());
    manager.clean_up();
}

/// Where the agent is not the first process of its container.
#[test]
fn a_script_that_kills_the_agent_below_an_entry_point_is_told_so() {
    let manager = manager_with(&json!({}), "", "");
    let entry_point = ["sh", "-c", "\"$@\"; exit $?", "sh"];
    manager.ask(&json!({ "image": { "name": DEBIAN, "entrypoint": entry_point } }));
    manager.prepare();
    let run = manager.stage("build_script", "kill -9 $PPID; sleep 100");
    run.exits(11).complains(&[
        "the SSH server in the job's container was killed",
        "kill -9 $PPID",
    ]);
    assert_eq!(manager.exit_code_file().as_deref(), Some("137\n"));
    // Nothing but the script killed it.
    let stopped = &manager.aws.stopped()[0];
    assert!(!stopped.to_string().contains("OutOfMemory"), "{stopped}");
    manager.clean_up();
}

#[test]
fn a_task_whose_manager_is_killed_for_good_ends_by_itself() {
    let manager = manager_with(
        &json!({}),
        "IdleTimeout = \"8s\"",
        "[SSH]\nReconnectTimeout = \"2s\"",
    );
    manager.ask(&json!({ "image": { "name": DEBIAN } }));
    manager.prepare();
    let task = manager.task();
    let mut run = manager.start_stage("build_script", script("echo begun; exec sleep 1000"));
    run.read_until("begun");
    run.signal(Signal::SIGKILL);
    drop(run);
    wait_until("the task ends by itself", || {
        manager.aws.running().is_empty()
    });
    left_no_container(&task);
    let stopped = &manager.aws.stopped()[0];
    assert_eq!(stopped["stopCode"], "EssentialContainerExited", "{stopped}");
    manager.clean_up();
}
