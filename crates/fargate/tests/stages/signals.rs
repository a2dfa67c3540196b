//! Stops by signal, at any instant of any stage.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal::{self, SIGINT, SIGTERM};
use serde_json::json;
use testing::{ManagerHost, SECOND, SshServer, wait_until};

use crate::fargate;

#[test]
fn a_cancelled_script_ends_with_all_its_children_and_leaves_the_task_usable() {
    for (server, signal) in [
        (SshServer::Agent, SIGTERM),
        (SshServer::OpenSsh, SIGTERM),
        (SshServer::OpenSsh, SIGINT),
    ] {
        let manager = ManagerHost::new(fargate(), server);
        manager.prepare();
        let child = manager.path("child");
        // A signal between fork and exec of another `sleep` would be lost to the trap that it inherits.
        let script = format!(
            "sleep 300 & echo $! > {}; trap 'echo trapped; exit 1' TERM; echo started; wait",
            child.display()
        );
        let mut running = manager.start_run(&script);
        running.read_until("started\n");
        let begun = Instant::now();
        running.signal(signal);
        let outcome = running
            .finish()
            .exits(22)
            .complains(&["fargate was stopped by SIG"]);
        assert_eq!(outcome.out(), "trapped\n");
        assert!(
            begun.elapsed() < 8 * SECOND,
            "it took {:?}",
            begun.elapsed()
        );
        assert_eq!(manager.exit_code_file(), None);
        // One that has ended may still wait for the machine's own init to notice.
        let after = format!(
            "case $(cut -d ' ' -f 3 /proc/$(cat {})/stat 2>/dev/null) in '' | Z) echo gone ;; *) echo alive ;; esac",
            child.display()
        );
        assert_eq!(manager.run(after).exits(0).out(), "gone\n");
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn a_script_that_ignores_sigterm_is_killed_and_at_once_when_told_twice() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let manager = ManagerHost::new(fargate(), server);
        manager.prepare();
        let mut running =
            manager.start_run("trap '' TERM; echo started; while :; do sleep 1; done");
        running.read_until("started\n");
        running.signal(SIGTERM);
        std::thread::sleep(SECOND);
        assert!(!running.is_over(), "it was killed before its time");
        let begun = Instant::now();
        running.signal(SIGTERM);
        running.finish().exits(22);
        assert!(
            begun.elapsed() < 5 * SECOND,
            "it took {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn prepare_stopped_at_any_instant_leaves_nothing() {
    // Tasks of this account take their time, so that every phase is met; the pauses cover RunTask to ready.
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &json!({}), 0.05);
    for (number, signal) in [SIGTERM, SIGINT].into_iter().cycle().take(24).enumerate() {
        let mut running = manager.start(&["custom", "prepare"]);
        std::thread::sleep(Duration::from_millis(u64::try_from(number).unwrap() * 60));
        stop(&mut running, signal);
        let outcome = running.finish();
        if outcome.code == Some(0) {
            // It was ready before the signal came.
            manager.custom("cleanup").exits(0);
        } else {
            // Before the handlers stand, the signal itself ends the process, which has done nothing by then.
            assert!(outcome.code.is_none_or(|code| code == 22), "{outcome:?}");
        }
        wait_until("no task is left", || manager.aws.running().is_empty());
        manager.left_nothing();
    }
}

#[test]
fn prepare_stopped_during_run_task_stops_the_task_that_comes_of_it() {
    let slow = json!({ "faults": [{ "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 1.5 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    let mut running = manager.start(&["custom", "prepare"]);
    running.read_until("Starting test-task");
    wait_until("RunTask is called", || manager.aws.calls("RunTask") == 1);
    running.signal(SIGTERM);
    running
        .finish()
        .exits(22)
        .complains(&["stopped by SIGTERM"]);
    manager.left_nothing();
    assert!(manager.aws.calls("StopTask") >= 1);
}

#[test]
fn cleanup_finishes_although_it_is_told_to_stop() {
    let slow = json!({ "faults": [{ "when": { "operation": "StopTask" }, "effect": { "slow_reply": { "seconds": 1.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    manager.prepare();
    let mut running = manager.start(&["custom", "cleanup"]);
    wait_until("StopTask is called", || manager.aws.calls("StopTask") == 1);
    running.signal(SIGTERM);
    running.finish().exits(0);
    manager.left_nothing();
}

fn stop(running: &mut testing::RunningCommand, signal: Signal) {
    if !running.is_over() {
        running.signal(signal);
    }
}
