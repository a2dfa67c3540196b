//! JobImage mode: the job's own container, which may start late, end early or never take scripts.

use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testing::{SECOND, wait_until};

use crate::job_image::{WHERE, manager, manager_with};
use crate::job_services::service;

/// Seconds until the job's container starts.
fn start_delay(seconds: u32) -> Value {
    json!({ "faults": [{ "when": { "container": "ci-coordinator" }, "effect": { "start_delay": { "seconds": seconds } } }] })
}

#[test]
fn the_helper_works_while_the_jobs_container_is_not_there() {
    let manager = manager_with(&start_delay(1000), "", "");
    let begun = Instant::now();
    manager.prepare();
    assert!(begun.elapsed() < 15 * SECOND, "{:?}", begun.elapsed());
    let run = manager.start_stage("get_sources", WHERE).finish().exits(0);
    assert_eq!(run.out(), "in helper\n");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn the_jobs_script_waits_for_its_container() {
    let manager = manager_with(&start_delay(12), "", "");
    manager.prepare();
    let run = manager.start_stage("build_script", WHERE).finish().exits(0);
    let lines: Vec<_> = run.out().lines().map(str::to_owned).collect();
    assert!(
        lines[0].starts_with("Waiting while AWS pulls and starts the image ruby:3.3: "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("The job's container is ready after "),
        "{lines:?}"
    );
    assert_eq!(lines[2], "in ci-coordinator");
}

#[test]
fn the_wait_for_the_jobs_container_can_be_stopped_and_is_bounded() {
    let manager = manager_with(&start_delay(1000), "", "");
    manager.prepare();
    let mut run = manager.start_stage("build_script", "true");
    run.read_until("Waiting while AWS pulls");
    run.signal(Signal::SIGTERM);
    run.finish().exits(22).complains(&["stopped by SIGTERM"]);

    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("[Fargate]", "[Fargate]\nStartTimeout = \"3s\""));
    manager
        .start_stage("build_script", "true")
        .finish()
        .exits(22)
        .complains(&[
            "the job's container, from image ruby:3.3, was not ready after 3 s",
            "connection refused",
        ]);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn prepare_stopped_while_it_waits_for_the_jobs_container_stops_the_task() {
    let manager = manager_with(&start_delay(1000), "", "");
    let mut prepare = manager.start(&["custom", "prepare"]);
    prepare.read_until("Waiting while AWS pulls");
    prepare.signal(Signal::SIGTERM);
    prepare
        .finish()
        .exits(22)
        .complains(&["stopped by SIGTERM"]);
    manager.left_nothing();
}

/// The reasons for a task's end come at its very end, which a service may put off.
#[test]
fn prepare_can_be_stopped_while_it_waits_for_the_reason_of_its_tasks_end() {
    let ends = json!({ "faults": [
        { "when": { "container": "helper" }, "effect": { "port_refused": {} } },
        { "when": { "container": "helper" }, "effect": { "exit": { "after_seconds": 2, "code": 1 } } },
    ] });
    let manager = manager_with(&ends, "", "");
    let stubborn = service("db", "trap '' TERM; while :; do sleep 1; done", None);
    manager.ask(&json!({ "image": { "name": "ruby:3.3" }, "services": [stubborn] }));
    let mut prepare = manager.start(&["custom", "prepare"]);
    wait_until("the task's end has begun", || {
        !manager.aws.stopped().is_empty()
    });
    std::thread::sleep(2 * SECOND);
    let begun = Instant::now();
    prepare.signal(Signal::SIGTERM);
    prepare
        .finish()
        .exits(22)
        .complains(&["stopped by SIGTERM"]);
    assert!(begun.elapsed() < 4 * SECOND, "{:?}", begun.elapsed());
    manager.left_nothing();
}

/// The job's container counts as running, and ends before its agent listens.
fn ends_after(seconds: f64) -> Value {
    json!({ "faults": [
        { "when": { "container": "ci-coordinator" }, "effect": { "port_refused": {} } },
        { "when": { "container": "ci-coordinator" }, "effect": { "exit": { "after_seconds": seconds, "code": 64 } } },
    ] })
}

/// The runner explains a failure of its own first script by the profiles of shells.
#[test]
fn an_image_that_cannot_start_fails_in_prepare() {
    for (seconds, default, code) in [
        (0.0, "", 11),
        (2.0, "", 11),
        (2.0, "DefaultImage = \"ruby:3.3\"", 22),
    ] {
        let manager = manager_with(&ends_after(seconds), default, "");
        if code == 22 {
            manager.ask(&json!({}));
        }
        // The job can correct its own image: the exit code is that of a failed build, without a script's status.
        let prepared = manager.custom("prepare").exits(code);
        let prepared = prepared.complains(&[
            "Essential container in task exited",
            "the job's container exited with status 64",
        ]);
        assert!(!prepared.out().contains("eady for scripts"));
        assert_eq!(prepared.err().contains("entrypoint: [\"\"]"), code == 11);
        assert_eq!(manager.exit_code_file(), None);
        manager.left_nothing();
    }
}

#[test]
fn an_image_that_ends_later_is_the_jobs_fault_too() {
    for stage in ["build_script", "get_sources"] {
        let manager = manager_with(&ends_after(10.0), "", "");
        manager.prepare();
        manager
            .start_stage(stage, "sleep 100")
            .finish()
            .exits(11)
            .complains(&[
                "Essential container in task exited",
                "the job's container exited with status 64",
                "entrypoint: [\"\"]",
            ]);
        assert_eq!(manager.exit_code_file(), None);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn an_entry_point_that_does_not_run_the_agent_is_not_waited_for_until_start_timeout() {
    let deaf = json!({ "faults": [{ "when": { "container": "ci-coordinator" }, "effect": { "port_refused": {} } }] });
    for (default, code) in [("", 11), ("DefaultImage = \"ruby:3.3\"", 22)] {
        let manager = manager_with(&deaf, default, "");
        if code == 22 {
            manager.ask(&json!({}));
        }
        manager.prepare();
        let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
        manager.write_config(&config.replace("[Fargate]", "[Fargate]\nStartTimeout = \"8s\""));
        let begun = std::time::Instant::now();
        let run = manager.start_stage("build_script", "true").finish();
        run.exits(code).complains(&[
            "the job's container, from image ruby:3.3, has been running for 4 s without taking scripts",
            "entrypoint: [\"\"]",
        ]);
        assert!(begun.elapsed().as_secs() >= 4);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn a_container_that_has_taken_a_script_is_no_wrong_image_when_it_ends() {
    let ends = json!({ "faults": [{ "when": { "container": "ci-coordinator" },
        "effect": { "exit": { "after_seconds": 4, "code": 1 } } }] });
    let manager = manager_with(&ends, "", "");
    manager.prepare();
    let run = manager.start_stage("build_script", "echo begun").finish();
    assert_eq!(run.exits(0).out(), "begun\n");
    testing::wait_until("the task has stopped", || manager.aws.running().is_empty());
    let after = manager.start_stage("after_script", "true").finish();
    let parts = ["AWS stopped the job's task: ", "status 1"];
    let said = after.exits(22).complains(&parts).err();
    assert!(!said.contains("entrypoint"), "{said}");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn an_image_that_cannot_be_pulled_is_told_in_aws_words() {
    let failure = |reason: &str| {
        json!({ "faults": [{ "when": { "container": "ci-coordinator" }, "effect": { "start_failure":
        { "at": "pull", "reason": reason, "container_reason": reason } } }] })
    };
    let missing = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/ruby:3.3: docker.io/library/ruby:3.3: not found";
    let network =
        "CannotPullContainerError: failed to resolve ref: dial tcp 1.2.3.4:443: i/o timeout";
    for (reason, code) in [(missing, 11), (network, 22)] {
        let manager = manager_with(&failure(reason), "", "");
        manager.custom("prepare").exits(code).complains(&[reason]);
        manager.left_nothing();
    }
    // The operator's own image is not the job's to correct.
    let manager = manager_with(&failure(missing), "DefaultImage = \"ruby:3.3\"", "");
    manager.ask(&json!({}));
    manager.custom("prepare").exits(22).complains(&[missing]);
}

#[test]
fn a_script_in_the_jobs_container_survives_its_connection() {
    let drops = json!({ "faults": [{ "when": { "container": "ci-coordinator" },
        "effect": { "port_drops": { "after_bytes": 50_000, "connections": 3 } } }] });
    let manager = manager_with(&drops, "", "");
    manager.prepare();
    let run = manager
        .start_stage("build_script", format!("seq 1 50000; {WHERE}; exit 6"))
        .finish()
        .exits(11);
    let numbers: String = (1..=50_000).map(|number| format!("{number}\n")).collect();
    assert!(
        run.out()
            .ends_with(&format!("{numbers}in ci-coordinator\n"))
    );
    assert!(run.err().contains("reconnecting"), "{}", run.err());
    assert_eq!(manager.exit_code_file().unwrap(), "6\n");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_task_whose_manager_is_gone_ends_by_itself() {
    let manager = manager_with(&json!({}), "IdleTimeout = \"2s\"", "");
    manager.prepare();
    // A script that is longer than that does not.
    let run = manager
        .start_stage("build_script", format!("sleep 5; {WHERE}"))
        .finish()
        .exits(0);
    assert!(run.out().ends_with("in ci-coordinator\n"), "{}", run.out());
    wait_until("the task ends by itself", || {
        manager.aws.running().is_empty()
    });
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn cleanup_stops_a_composed_task_after_a_crash() {
    let manager = manager();
    let mut prepare = manager.start(&["custom", "prepare"]);
    prepare.read_until("Starting ruby:3.3");
    prepare.signal(Signal::SIGKILL);
    drop(prepare);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}
