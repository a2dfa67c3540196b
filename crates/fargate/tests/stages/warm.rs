//! Tasks that wait for jobs, and the jobs that claim them.

use std::path::PathBuf;

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer, follows_schema, ledger, wait_until};

use crate::job_image::WHERE;
use crate::{fargate, job_image};

/// A pool of so many tasks for the jobs of these tests.
pub(crate) fn pool(tasks: usize) -> String {
    format!("[[Warm.Pool]]\nImage = \"ruby:3.3\"\nTasks = {tasks}\n")
}

pub(crate) fn manager(tasks: usize) -> ManagerHost {
    job_image::manager_with(&json!({}), "", &pool(tasks))
}

/// Makes the following calls those for another job of the pool.
pub(crate) fn next_job(manager: &mut ManagerHost) {
    manager.next_job();
    manager.ask(&json!({ "image": { "name": "ruby:3.3" } }));
}

pub(crate) fn keep_once(manager: &ManagerHost) -> String {
    manager
        .start(&["warm", "keep", "--once"])
        .finish()
        .exits(0)
        .out()
}

pub(crate) fn reap(manager: &ManagerHost, arguments: &[&str]) -> String {
    let reap = manager.start(&[&["reap"], arguments].concat()).finish();
    reap.exits(0).out()
}

pub(crate) fn status(manager: &ManagerHost) -> Value {
    let status = manager.start(&["warm", "status", "--json"]).finish();
    let document = serde_json::from_str(&status.exits(0).out()).unwrap();
    follows_schema(&document, "warm-status.json");
    document
}

/// The files of waiting tasks, claimed ones among them.
pub(crate) fn files(manager: &ManagerHost) -> Vec<PathBuf> {
    let Ok(folder) = manager.metadata().join("warm").read_dir() else {
        return Vec::new();
    };
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        name.ends_with(".json") || name.contains(".claimed-")
    });
    files
}

fn kinds(manager: &ManagerHost) -> Vec<String> {
    let kind = |entry: Value| entry["kind"].as_str().unwrap().to_owned();
    ledger::entries(manager).into_iter().map(kind).collect()
}

#[test]
fn a_job_runs_on_the_task_that_waited_for_it() {
    let mut manager = manager(1);
    let kept = keep_once(&manager);
    assert!(kept.contains(" is ready\n"), "{kept}");
    let waiting = manager.aws.running();
    assert_eq!(waiting.len(), 1);
    let group = waiting[0]["group"].as_str().unwrap();
    assert!(group.starts_with("warm/"), "{group}");
    assert_eq!(status(&manager)["pools"][0]["ready"], 1);

    let prepared = manager.prepare();
    assert!(
        prepared.out().contains("Claimed task "),
        "{}",
        prepared.out()
    );
    assert_eq!(manager.aws.calls("RunTask"), 1);
    assert_eq!(files(&manager), Vec::<PathBuf>::new());
    let run = manager.run(WHERE).exits(0);
    assert!(run.out().ends_with("in ci-coordinator\n"), "{}", run.out());
    let helper = manager.start_stage("get_sources", WHERE).finish().exits(0);
    assert!(helper.out().ends_with("in helper\n"), "{}", helper.out());
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    assert_eq!(manager.aws.stopped()[0]["taskArn"], waiting[0]["taskArn"]);

    assert_eq!(kinds(&manager), ["job", "waiting"]);
    let entries = ledger::entries(&manager);
    assert_eq!(entries[0]["warm"], "claimed");
    assert!(
        entries[0]["tasks"][0]["claimed_at"].is_u64(),
        "{:#}",
        entries[0]
    );

    // The next one finds none.
    next_job(&mut manager);
    let prepared = manager.prepare();
    assert!(!prepared.out().contains("Claimed"), "{}", prepared.out());
    assert_eq!(manager.aws.calls("RunTask"), 2);
    manager.custom("cleanup").exits(0);
}

#[test]
fn another_image_another_size_and_those_who_want_a_new_image_start_cold() {
    let mut manager = manager(1);
    keep_once(&manager);
    for (asked, variable) in [
        (json!({ "image": { "name": "ruby:3.4" } }), None),
        (
            json!({ "image": { "name": "ruby:3.3", "entrypoint": [""] } }),
            None,
        ),
        (
            json!({ "image": { "name": "ruby:3.3", "pull_policy": ["always"] } }),
            None,
        ),
        (
            json!({ "image": { "name": "ruby:3.3" } }),
            Some(("CUSTOM_ENV_FARGATE_WARM", "false")),
        ),
    ] {
        manager.next_job();
        manager.ask(&asked);
        manager.variables = variable
            .into_iter()
            .map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()))
            .collect();
        let prepared = manager.prepare();
        assert!(
            !prepared.out().contains("Claimed"),
            "{asked}: {}",
            prepared.out()
        );
        manager.custom("cleanup").exits(0);
        let entry = ledger::entries(&manager).pop().unwrap();
        assert!(entry["warm"]["missed"].is_string(), "{entry:#}");
    }
    assert_eq!(files(&manager).len(), 1, "it still waits");
    manager.variables.clear();
    next_job(&mut manager);
    let prepared = manager.prepare();
    assert!(prepared.out().contains("Claimed"), "{}", prepared.out());
}

#[test]
fn a_task_that_is_gone_costs_its_job_no_more_than_a_second() {
    let manager = manager(1);
    keep_once(&manager);
    let waiting = manager.aws.running();
    manager
        .aws
        .stop_task(waiting[0]["taskArn"].as_str().unwrap(), "gone");
    wait_until("it is gone", || {
        manager
            .aws
            .stopped()
            .iter()
            .any(|task| task["lastStatus"] == "STOPPED")
    });
    let prepared = manager.prepare();
    let told = "The task that waited for this job cannot be used (";
    assert!(prepared.out().contains(told), "{}", prepared.out());
    assert_eq!(files(&manager), Vec::<PathBuf>::new());
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
}

#[test]
fn no_job_gets_a_task_that_has_run_something() {
    let manager = manager(1);
    keep_once(&manager);
    let file: Value = serde_json::from_slice(&std::fs::read(&files(&manager)[0]).unwrap()).unwrap();
    // As somebody would who has its key.
    let key = manager.path("key");
    std::fs::write(&key, file["private_key"].as_str().unwrap()).unwrap();
    std::process::Command::new("chmod")
        .arg("600")
        .arg(&key)
        .status()
        .unwrap();
    let login = &file["login"];
    let ssh = std::process::Command::new("ssh")
        .args([
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ])
        .arg("-i")
        .arg(&key)
        .args([
            "-p",
            &login["port"].to_string(),
            &format!("x@{}", login["address"].as_str().unwrap()),
            "true",
        ])
        .output()
        .unwrap();
    assert!(ssh.status.success(), "{ssh:?}");
    let prepared = manager.prepare();
    assert!(
        prepared.out().contains("cannot be used"),
        "{}",
        prepared.out()
    );
    assert_eq!(manager.aws.running().len(), 1);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn sweeps_leave_waiting_tasks_alone_until_their_keeper_is_long_gone() {
    let manager = manager(2);
    keep_once(&manager);
    let left = reap(&manager, &[]);
    assert!(left.contains("kept waiting task "), "{left}");
    assert_eq!(manager.aws.running().len(), 2);
    let ended = reap(&manager, &["--older-than", "0s"]);
    assert!(
        ended.contains("`fargate warm keep` has been gone for"),
        "{ended}"
    );
    manager.left_nothing();
    assert_eq!(files(&manager), Vec::<PathBuf>::new());
    assert_eq!(kinds(&manager), ["waiting", "waiting"]);
}

#[test]
fn a_job_on_a_task_definition_claims_one_too() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    manager.configure("", "[[Warm.Pool]]\nTasks = 1\n");
    keep_once(&manager);
    let prepared = manager.prepare();
    assert!(
        prepared.out().contains("Claimed task "),
        "{}",
        prepared.out()
    );
    let run = manager.run("echo here").exits(0);
    assert!(run.out().ends_with("here\n"), "{}", run.out());
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn keep_replaces_what_jobs_claim_and_leaves_its_tasks_when_it_is_stopped() {
    let mut manager = manager(1);
    let mut keep = manager.start(&["warm", "keep"]);
    let ready = || status(&manager)["pools"][0]["ready"] == 1;
    wait_until("a task is ready", ready);
    assert_eq!(status(&manager)["keeper"], true);
    let second = manager.start(&["warm", "keep"]).finish();
    second.exits(1);
    manager.prepare();
    wait_until("another one is ready", || {
        ready() && manager.aws.running().len() == 2
    });
    manager.custom("cleanup").exits(0);
    keep.signal(nix::sys::signal::Signal::SIGTERM);
    let told = keep.finish().exits(0).out();
    assert!(told.ends_with("1 tasks wait for jobs\n"), "{told}");
    assert_eq!(manager.aws.running().len(), 1);

    // The next one takes it over.
    let keep = manager.start(&["warm", "keep"]);
    wait_until("it lives", || status(&manager)["keeper"] == true);
    next_job(&mut manager);
    let prepared = manager.prepare();
    assert!(prepared.out().contains("Claimed"), "{}", prepared.out());
    drop(keep);
}

#[test]
fn drain_ends_all_and_keep_starts_none_until_it_is_told_to() {
    let manager = manager(1);
    keep_once(&manager);
    let drained = manager.start(&["warm", "drain"]).finish().exits(0).out();
    assert!(drained.contains("Ended 1 waiting tasks"), "{drained}");
    manager.left_nothing();
    keep_once(&manager);
    assert!(manager.aws.running().is_empty());
    assert_eq!(status(&manager)["resting"], "drained");
    manager
        .start(&["warm", "keep", "--once", "--resume"])
        .finish()
        .exits(0);
    assert_eq!(manager.aws.running().len(), 1);
}

#[test]
fn a_pool_that_is_wrong_does_not_keep_the_others_from_their_tasks() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let pools = "[[Warm.Pool]]\nTaskDefinition = \"none\"\nTasks = 1\n[[Warm.Pool]]\nTasks = 1\n";
    manager.configure("", pools);
    let kept = manager.start(&["warm", "keep", "--once"]).finish().exits(1);
    let told = "AWS knows no task definition none";
    assert!(kept.err().contains(told), "{}", kept.err());
    assert_eq!(manager.aws.running().len(), 1);
    let looked_up = manager.aws.calls("DescribeTaskDefinition");
    let keep = manager.start(&["warm", "keep"]);
    std::thread::sleep(4 * testing::SECOND);
    assert!(manager.aws.calls("DescribeTaskDefinition") <= looked_up + 2);
    drop(keep);
}

#[test]
fn one_round_after_the_other_keeps_tasks_alive_and_replaces_dead_ones() {
    let manager = job_image::manager_with(&json!({}), "IdleTimeout = \"8s\"", &pool(1));
    keep_once(&manager);
    let first = manager.aws.running()[0]["taskArn"].clone();
    for _ in 0..4 {
        std::thread::sleep(3 * testing::SECOND);
        keep_once(&manager);
    }
    assert_eq!(manager.aws.running()[0]["taskArn"], first);
    std::thread::sleep(9 * testing::SECOND);
    wait_until("nobody came", || manager.aws.running().is_empty());
    keep_once(&manager);
    assert_eq!(manager.aws.running().len(), 1);
}

#[test]
fn a_task_whose_file_is_taken_while_aws_starts_it_is_stopped() {
    let slow = json!({ "faults": [{
        "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 3 } },
    }] });
    let manager = job_image::manager_with(&slow, "", &pool(1));
    let keep = manager.start(&["warm", "keep", "--once"]);
    wait_until("it is asked for", || !files(&manager).is_empty());
    // As long ago as AWS may take until a list shows it.
    let file = files(&manager).remove(0);
    let mut task: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::thread::sleep(testing::SECOND);
    task["asked_at"] = json!(1);
    std::fs::write(&file, task.to_string()).unwrap();
    manager.start(&["warm", "drain"]).finish().exits(0);
    keep.finish();
    wait_until("it is stopped", || manager.aws.running().is_empty());
    assert_eq!(files(&manager), Vec::<PathBuf>::new());
}

#[test]
fn keep_reads_both_files_again_that_a_configuration_has() {
    let manager = manager(1);
    let mut keep = manager.start(&["warm", "keep"]);
    wait_until("a task is ready", || {
        status(&manager)["pools"][0]["ready"] == 1
    });
    let local = manager.path("fargate.local.toml");
    std::fs::write(local, "[SSH]\nConnectTimeout = \"9s\"\n").unwrap();
    keep.read_until("fargate.toml again\n");
    // Its tasks still suit its jobs.
    assert_eq!(manager.aws.running().len(), 1);
}
