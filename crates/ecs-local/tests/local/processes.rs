//! No process of a task outlives its container, or the stand-in.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use testing::wait_until;

use crate::cluster::{Cluster, shell};

/// The command lines of this machine's running processes that contain `mark`.
fn living(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let is_process = entry
            .file_name()
            .to_string_lossy()
            .bytes()
            .all(|b| b.is_ascii_digit());
        if is_process && let Ok(line) = fs::read(entry.path().join("cmdline")) {
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(mark) {
                found.push(line);
            }
        }
    }
    found
}

/// A mark that only the command lines of one test's processes contain.
fn mark(test: &str) -> String {
    format!("stand-in-{test}-{}", std::process::id())
}

/// A script that starts a child, another one in a session of its own, and an orphan there, prints `up` and runs `then`.
fn family(mark: &str, then: &str) -> String {
    format!(
        "{{ sh -c 'echo; sleep 1000; : {mark} child' & setsid sh -c 'echo; sleep 1000; : {mark} session' & \
         sh -c 'setsid sh -c \"echo; sleep 1000; : {mark} orphan\" & exit 0'; \
         }} | {{ read one; read two; read three; echo up; {then}; }}"
    )
}

/// Asserts that the container and its descendants run.
fn assert_all_alive(mark: &str) {
    let found = living(mark);
    for name in ["child", "session", "orphan"] {
        let name = format!("{mark} {name}");
        assert!(
            found.iter().any(|line| line.contains(&name)),
            "{name}: {found:?}"
        );
    }
}

fn assert_gone(mark: &str) {
    // A killed process shows until its parent, or init, reaps it.
    wait_until(&format!("{mark} ends: {:?}", living(mark)), || {
        living(mark).is_empty()
    });
}

#[test]
fn nothing_is_left_when_the_stand_in_ends() {
    let mark = mark("end");
    let mut local = Cluster::with_faults(&json!([]));
    local.register(
        "two",
        json!([
            shell("job", &family(&mark, "sleep 1000")),
            shell(
                "deaf",
                &format!("trap '' TERM; : {mark}; echo up; while :; do sleep 0.05; done")
            )
        ]),
    );
    let arn = local.run("two");
    local.wait_for_log(&arn, "job", "up");
    local.wait_for_log(&arn, "deaf", "up");
    assert_all_alive(&mark);
    let begin = Instant::now();
    local.end();
    // It waits two seconds for processes that ignore SIGTERM.
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );
    assert_gone(&mark);
}

#[test]
fn nothing_is_left_when_a_task_is_stopped() {
    let mark = mark("stop");
    let local = Cluster::with_faults(&json!([]));
    local.register_job(&family(&mark, "sleep 1000"));
    let arn = local.run("job");
    local.wait_for_log(&arn, "job", "up");
    assert_all_alive(&mark);
    local.stop_task(&arn);
    local.wait_for(&arn, "STOPPED");
    assert_gone(&mark);
}

#[test]
fn nothing_is_left_when_a_container_ends_by_itself() {
    let mark = mark("exit");
    let local = Cluster::with_faults(&json!([]));
    local.register_job(&family(&mark, "exit 0"));
    local.wait_for(&local.run("job"), "STOPPED");
    assert_gone(&mark);
}

#[test]
fn nothing_is_left_of_a_health_check_that_hangs() {
    let mark = mark("check");
    let local = Cluster::with_faults(&json!([]));
    let mut job = shell("job", "exec sleep 1000");
    let check = format!("setsid sh -c 'sleep 1000; : {mark}' & echo; sleep 1000; : {mark}");
    job["healthCheck"] = json!({ "command": ["CMD-SHELL", check] });
    local.register("job", json!([job]));
    let arn = local.run("job");
    wait_until("the check runs", || living(&mark).len() >= 2);
    local.stop_task(&arn);
    local.wait_for(&arn, "STOPPED");
    assert_gone(&mark);
}

#[test]
fn a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout() {
    let local = Cluster::with_faults(&json!([]));
    local.register_job("trap '' TERM; echo up; while :; do sleep 0.05; done");
    let arn = local.run("job");
    local.wait_for_log(&arn, "job", "up");
    let begin = Instant::now();
    local.stop_task(&arn);
    let task = local.wait_for(&arn, "STOPPED");
    assert!(
        begin.elapsed() >= Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(task["containers"][0]["exitCode"], 137);
}
