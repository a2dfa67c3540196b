//! JobImage mode: what services print, in the job log beside the job's script (CI_DEBUG_SERVICES).

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use testing::{ManagerHost, SECOND, wait_until};

use crate::job_image::{manager, manager_with};
use crate::job_services::service;

const KEYS: &str =
    "LogGroup = \"/ci/jobs\"\nExecutionRole = \"arn:aws:iam::000000000000:role/execution\"";

/// A manager whose job has these services, and wants to see what they print if it says so.
fn prepared(services: &[Value], debug: Option<&str>, faults: &Value) -> ManagerHost {
    let mut manager = manager_with(faults, KEYS, "");
    manager.aws.create_log_group("/ci/jobs");
    manager.ask(&json!({ "image": { "name": "a" }, "services": services }));
    let debug = debug.map(|value| ("CUSTOM_ENV_CI_DEBUG_SERVICES".to_owned(), value.to_owned()));
    manager.variables.extend(debug);
    manager.prepare();
    manager
}

/// The lines of a service in the job log, without mark and time.
fn lines(log: &str, label: &str) -> Vec<String> {
    let head = format!("\u{1b}[0;37m[service:{label}] 20");
    let lines = log.lines().filter(|line| line.starts_with(&head));
    lines
        .map(|line| {
            let (_, text) = line.split_once("Z ").unwrap();
            text.strip_suffix("\u{1b}[0;m").unwrap().to_owned()
        })
        .collect()
}

fn denied() -> Value {
    json!({ "faults": [{ "when": { "operation": "GetLogEvents" }, "effect": "access_denied" }] })
}

/// A shell's wait for a file of the test's.
fn until(file: &Path) -> String {
    format!("until [ -e {} ]; do sleep 0.1; done", file.display())
}

/// Lets the shell that waits for a file go on.
fn release(file: &Path) {
    std::fs::write(file, "").unwrap();
}

#[test]
fn what_services_print_is_in_the_job_log() {
    let folder = tempfile::tempdir().unwrap();
    let [go, end] = ["go", "end"].map(|name| folder.path().join(name));
    let db = format!(
        "echo started; {}; echo going on; exec sleep 1000",
        until(&go)
    );
    let services = [
        service("db", &db, None),
        service("cache", "echo hot >&2; exec sleep 1000", None),
        service("silent", "exec sleep 1000", None),
    ];
    let manager = prepared(&services, Some("true"), &json!({}));
    // Not before the job's own script.
    let checkout = manager
        .start_stage("get_sources", "sleep 1")
        .finish()
        .exits(0);
    assert_eq!(checkout.out(), "");
    assert_eq!(manager.aws.calls("GetLogEvents"), 0);
    let script = format!("echo begin; {}; echo end; printf unfinished", until(&end));
    let mut run = manager.start_stage("build_script", script);
    // All comes while the script runs.
    let mut log = String::new();
    while !["begin\n", "started", "hot"]
        .iter()
        .all(|part| log.contains(part))
    {
        log += &run.read_until("\n");
    }
    release(&go);
    log += &run.read_until("going on\u{1b}[0;m\n");
    release(&end);
    log += &run.finish().exits(0).out();
    assert_eq!(lines(&log, "db"), ["started", "going on"], "{log}");
    assert_eq!(lines(&log, "cache"), ["hot"], "{log}");
    let nothing = format!(
        "Nothing of service silent is in CloudWatch: log group /ci/jobs, stream {}",
        stream(&manager, 2)
    );
    assert_eq!(own(&log), ["begin", "end", "unfinished", &nothing], "{log}");
    // The rest of the job costs no call.
    let before = manager.aws.calls("GetLogEvents");
    let after = manager
        .start_stage("after_script", "echo after")
        .finish()
        .exits(0);
    assert_eq!(after.out(), "after\n");
    assert_eq!(manager.aws.calls("GetLogEvents"), before);
}

#[test]
fn the_lines_of_services_wait_for_the_end_of_half_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let [go, half, whole, end] =
        ["go", "half", "whole", "end"].map(|name| folder.path().join(name));
    let db = format!(
        "echo started; {}; echo going on; exec sleep 1000",
        until(&go)
    );
    let manager = prepared(&[service("db", &db, None)], Some("true"), &json!({}));
    let script = format!(
        "{}; printf half; {}; echo ' and half'; {}",
        until(&half),
        until(&whole),
        until(&end)
    );
    let mut run = manager.start_stage("build_script", script);
    let mut log = run.read_until("started\u{1b}[0;m\n");
    release(&half);
    log += &run.read_until("half");
    release(&go);
    let request = json!({ "logGroupName": "/ci/jobs", "logStreamName": stream(&manager, 0) });
    wait_until("the service's next line is in CloudWatch", || {
        let page = manager.aws.logs("GetLogEvents", &request);
        page["events"].as_array().unwrap().len() == 2
    });
    // One call of the driver is one look at the one service, which has the line.
    let before = manager.aws.calls("GetLogEvents");
    wait_until("the driver has the service's next line", || {
        manager.aws.calls("GetLogEvents") > before
    });
    release(&whole);
    log += &run.read_until("going on\u{1b}[0;m\n");
    release(&end);
    log += &run.finish().exits(0).out();
    assert_eq!(lines(&log, "db"), ["started", "going on"], "{log}");
    assert_eq!(own(&log), ["half and half"], "{log}");
}

/// The lines of the job log that are not a service's: those stay whole, and are what the script printed.
fn own(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines.filter(|line| !line.contains("[service:")).collect()
}

/// The log stream of a service of the one running task.
fn stream(manager: &ManagerHost, service: usize) -> String {
    let task = manager.aws.running().remove(0);
    let arn = task["taskArn"].as_str().unwrap();
    format!("job/service-{service}/{}", arn.rsplit('/').next().unwrap())
}

#[test]
fn a_line_that_never_ends_hides_no_service() {
    let folder = tempfile::tempdir().unwrap();
    let waited_for = folder.path().join("now").display().to_string();
    let late = format!("while [ ! -e {waited_for} ]; do sleep 0.1; done; echo late");
    let manager = prepared(&[service("db", &late, None)], Some("1"), &json!({}));
    let script = format!("printf waiting; sleep 1; touch {waited_for}; sleep 60");
    let begun = Instant::now();
    let mut run = manager.start_stage("build_script", script);
    let live = run.read_until("late\u{1b}[0;m\n");
    assert!(
        live.starts_with("waiting\n\u{1b}[0;37m[service:db] "),
        "{live:?}"
    );
    assert!(
        begun.elapsed() > 10 * SECOND && begun.elapsed() < 40 * SECOND,
        "{:?}",
        begun.elapsed()
    );
    // A cancelled job waits for no look.
    let cancelled = Instant::now();
    run.signal(nix::sys::signal::Signal::SIGTERM);
    run.finish().exits(22);
    assert!(
        cancelled.elapsed() < 4 * SECOND,
        "{:?}",
        cancelled.elapsed()
    );
}

#[test]
fn much_output_of_both_is_complete_and_whole() {
    let chatty = service(
        "chatty",
        "seq -f 'line %g of the service' 1 20000; exec sleep 1000",
        None,
    );
    let manager = prepared(&[chatty], Some("true"), &json!({}));
    let script = "seq -f 'line %g of the script' 1 200000; sleep 4; seq 200001 300000";
    let log = manager
        .start_stage("build_script", script)
        .finish()
        .exits(0)
        .out();
    let own: String = log
        .split_inclusive('\n')
        .filter(|line| !line.contains("[service:"))
        .collect();
    let wanted: String = (1..=200_000)
        .map(|number| format!("line {number} of the script\n"))
        .chain((200_001..=300_000).map(|number| format!("{number}\n")))
        .collect();
    assert!(own == wanted, "the script's own output is not what it was");
    let wanted: Vec<_> = (1..=20_000)
        .map(|number| format!("line {number} of the service"))
        .collect();
    assert!(
        lines(&log, "chatty") == wanted,
        "{} lines",
        lines(&log, "chatty").len()
    );
}

#[test]
fn the_last_lines_of_a_service_come_when_the_script_fails() {
    let db = service("db", "sleep 3; echo corrupt; exit 7", None);
    let manager = prepared(&[db], Some("true"), &json!({}));
    let log = manager
        .start_stage("build_script", "sleep 2; exit 4")
        .finish()
        .exits(11)
        .out();
    assert_eq!(lines(&log, "db"), ["corrupt"], "{log}");
    assert!(
        log.ends_with("WARNING: service db (app:16) exited with status 7\n"),
        "{log}"
    );
    assert_eq!(manager.exit_code_file().unwrap(), "4\n");
}

#[test]
fn nothing_is_asked_without_the_variable() {
    for value in [None, Some(""), Some("false"), Some("yes"), Some("tRuE")] {
        let manager = prepared(
            &[service("db", "echo started; exec sleep 1000", None)],
            value,
            &denied(),
        );
        let log = manager
            .start_stage("build_script", "sleep 1; echo done")
            .finish()
            .exits(0)
            .out();
        assert_eq!(log, "done\n", "{value:?}");
        assert_eq!(manager.aws.calls("GetLogEvents"), 0);
    }
}

#[test]
fn a_refusal_is_one_warning() {
    let services = [
        service("db", "echo a; exec sleep 1000", None),
        service("cache", "echo b; exec sleep 1000", None),
    ];
    let manager = prepared(&services, Some("true"), &denied());
    let begun = Instant::now();
    let run = manager
        .start_stage("build_script", "sleep 5; echo done")
        .finish()
        .exits(0);
    assert!(begun.elapsed() < 15 * SECOND, "{:?}", begun.elapsed());
    let log = run.out();
    assert_eq!(log.matches("WARNING").count(), 1, "{log}");
    for part in [
        "WARNING: cannot show the output of services: AWS refused logs:GetLogEvents: AccessDeniedException: ",
        "\nAllow logs:GetLogEvents in the IAM policy of the manager.\n",
        "\nIt is in CloudWatch: log group /ci/jobs, stream job/service-0/",
    ] {
        assert!(log.contains(part), "no {part:?} in {log}");
    }
    assert!(log.ends_with("done\n"), "{log}");
    assert_eq!(manager.aws.calls("GetLogEvents"), 1);
    // Its exit code is the script's, whatever became of the services' output.
    manager
        .start_stage("build_script", "exit 3")
        .finish()
        .exits(11);
    assert_eq!(manager.exit_code_file().unwrap(), "3\n");
}

#[test]
fn an_aws_that_does_not_answer_holds_nothing_up() {
    let slow = json!({ "faults": [{ "when": { "operation": "GetLogEvents" }, "effect": { "slow_reply": { "seconds": 100 } } }] });
    let manager = prepared(
        &[service("db", "echo a; exec sleep 1000", None)],
        Some("true"),
        &slow,
    );
    let begun = Instant::now();
    let log = manager
        .start_stage("build_script", "echo done")
        .finish()
        .exits(0)
        .out();
    assert!(begun.elapsed() < 15 * SECOND, "{:?}", begun.elapsed());
    assert!(log.starts_with("done\nWARNING: cannot show the output of services: no answer from AWS to logs:GetLogEvents"), "{log}");
}

#[test]
fn a_log_group_that_does_not_exist_is_told_in_aws_words() {
    let manager = manager_with(&json!({}), KEYS, "");
    manager.custom("prepare").exits(22).complains(&[
        "ResourceInitializationError: ",
        "The specified log group does not exist.",
        "Make the log group that [JobImage] LogGroup names",
    ]);
    manager.left_nothing();
}

#[test]
fn without_a_log_group_it_is_said_that_there_is_nothing_to_see() {
    let mut manager = manager();
    let db = [service("db", "echo a; exec sleep 1000", None)];
    manager.ask(&json!({ "image": { "name": "a" }, "services": db }));
    assert!(!manager.prepare().out().contains("CI_DEBUG_SERVICES"));
    manager.custom("cleanup").exits(0);
    let debug = ("CUSTOM_ENV_CI_DEBUG_SERVICES".to_owned(), "true".to_owned());
    manager.variables.push(debug);
    let said = manager.prepare().out();
    assert!(
        said.contains("CI_DEBUG_SERVICES has no effect: this runner keeps no output of services"),
        "{said}"
    );
    let log = manager
        .start_stage("build_script", "echo done")
        .finish()
        .exits(0)
        .out();
    assert_eq!(log, "done\n");
}
