//! Commands that take longer than a second say on a terminal that they work.

use std::fs;
use std::process::Command;

use serde_json::json;
use testing::{ManagerHost, SshServer, Terminal, wait_until};

use crate::fargate;
use crate::kept_tasks::keep;

/// Has run a job.
fn host() -> ManagerHost {
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &json!({}), 0.02);
    manager.prepare();
    manager.custom("cleanup").exits(0);
    manager
}

#[test]
fn a_report_of_a_large_ledger_and_its_metrics_show_progress_and_hear_ctrl_c() {
    let manager = host();
    let folder = manager.metadata().join("ledger");
    let month = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let month = month
        .into_iter()
        .find(|file| file.extension().is_some_and(|end| end == "jsonl"));
    let (month, kept) = (month.unwrap(), manager.path("kept"));
    fs::rename(&month, &kept).unwrap();
    // It has no end before somebody writes.
    assert!(
        Command::new("mkfifo")
            .arg(&month)
            .status()
            .unwrap()
            .success()
    );
    let mut terminal = Terminal::start(&manager.call(&["report"]), 100, 30);
    terminal.shows("Reading the ledger … 1 s");
    fs::copy(&kept, &month).ok();
    terminal.shows("\r\u{1b}[K");
    terminal.shows("1 attempts at jobs since ");
    assert_eq!(terminal.ends(), Some(0), "{}", terminal.shown);
    let metrics = manager.path("fargate.prom");
    let arguments = ["report", "--metrics", metrics.to_str().unwrap()];
    let mut terminal = Terminal::start(&manager.call(&arguments), 100, 30);
    terminal.shows("Reading the ledger … 1 s");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), Some(130), "{}", terminal.shown);
}

#[test]
fn logs_show_that_they_wait_for_cloudwatch() {
    let keys =
        "LogGroup = \"/ci/jobs\"\nExecutionRole = \"arn:aws:iam::000000000000:role/execution\"";
    let manager = crate::job_image::manager_with(&json!({}), keys, "");
    manager.aws.create_log_group("/ci/jobs");
    manager.prepare();
    let slow = |operation: &str| json!({ "when": { "operation": operation }, "effect": { "slow_reply": { "seconds": 2.2 } } });
    manager
        .aws
        .faults(&json!({ "faults": [slow("GetLogEvents")] }));
    let mut terminal = Terminal::start(&manager.call(&["logs"]), 100, 60);
    terminal.shows("Asking CloudWatch … 1 s");
    terminal.shows("\r\u{1b}[K");
    manager
        .aws
        .faults(&json!({ "faults": [slow("DescribeTaskDefinition")] }));
    let mut terminal = Terminal::start(&manager.call(&["logs", "--json"]), 100, 60);
    terminal.shows("Asking AWS … 1 s");
}

#[test]
fn ssh_shows_that_it_connects() {
    let manager = crate::job_image::manager();
    keep(&manager, "KeepFailedFor = \"1h\"");
    manager.prepare();
    manager.run("exit 3").exits(11);
    manager.custom("cleanup").exits(0);
    let task = manager.aws.running()[0]["taskArn"]
        .as_str()
        .unwrap()
        .to_owned();
    manager.aws.stop_task(&task, "test");
    wait_until("the task is gone", || manager.aws.running().is_empty());
    let mut terminal = Terminal::start(&manager.call(&["ssh"]), 100, 30);
    terminal.shows("Connecting … 1 s");
    terminal.shows("could not connect to ");
    assert_eq!(terminal.ends(), Some(1), "{}", terminal.shown);
}
