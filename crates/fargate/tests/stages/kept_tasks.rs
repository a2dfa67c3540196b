//! Tasks of failed jobs that are kept: which, for how long, and what ends them.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal::SIGTERM;
use serde_json::{Value, json};
use testing::{ManagerHost, SECOND, SshServer, ledger, wait_until};

use crate::sweep::{record, rewrite};
use crate::{fargate, job_image};

/// Adds keys to `[Fargate]`.
pub(crate) fn keep(manager: &ManagerHost, keys: &str) {
    let file = manager.path("fargate.toml");
    let text = std::fs::read_to_string(file).unwrap();
    manager.write_config(&text.replacen("[Fargate]\n", &format!("[Fargate]\n{keys}\n"), 1));
}

/// The record of one of several jobs.
fn record_of(manager: &ManagerHost, job: u64) -> Value {
    let file = manager.metadata().join(format!("t1_abc-{job}.json"));
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Prepares the job, lets its script fail, and ends it.
fn fail(manager: &ManagerHost) -> String {
    manager.prepare();
    let failed = manager.run("exit 3").exits(11);
    manager
        .start_stage("after_script", "true")
        .finish()
        .exits(0);
    manager.custom("cleanup").exits(0);
    failed.out()
}

fn kinds(manager: &ManagerHost) -> Vec<String> {
    let kind = |entry: Value| entry["kind"].as_str().unwrap().to_owned();
    ledger::entries(manager).into_iter().map(kind).collect()
}

fn reap(manager: &ManagerHost, arguments: &[&str]) -> String {
    let reap = manager.start(&[&["reap"], arguments].concat()).finish();
    reap.exits(0).out()
}

#[test]
fn on_openssh_the_next_sweep_after_its_time_ends_it() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    keep(&manager, "KeepFailedFor = \"1h\"");
    let log = fail(&manager);
    let config = manager.path("fargate.toml");
    let told = format!(
        "If the job fails, its task stays for up to 1h. A shell in it, on the host of GitLab Runner:\n  \
         fargate --config {} ssh 4711\n",
        config.display()
    );
    assert!(log.contains(&told), "{log}");

    // Cleanup may come twice.
    let again = manager.custom("cleanup").exits(0);
    assert!(again.out().contains("is kept until 20"), "{}", again.out());
    assert_eq!(manager.aws.running().len(), 1);
    let record = record(&manager);
    let until = record["kept_until"].as_u64().unwrap();
    let ended = record["times"]["ended"].as_u64().unwrap() / 1000;
    assert!((3599..=3601).contains(&(until - ended)), "{record:#}");
    let tags = manager.aws.running()[0]["tags"].clone();
    let mut tags = tags.as_array().unwrap().iter();
    let tag = tags.find(|tag| tag["key"] == "gitlab:kept-until").unwrap();
    let time = tag["value"].as_str().unwrap();
    assert!(again.out().contains(time), "{time}: {}", again.out());
    // Sweeps of other folders leave it at least as long.
    let over_at: u64 = record["group"]
        .as_str()
        .and_then(|group| group.rsplit('/').next()?.parse().ok())
        .unwrap();
    assert!(over_at >= until, "{record:#}");

    let left = reap(&manager, &[]);
    let kept = "kept job 4711 of acme/shop: its task is kept for another ";
    assert!(left.contains(kept), "{left}");
    assert_eq!(kinds(&manager), ["job"]);

    rewrite(&manager, |record| record["kept_until"] = json!(1));
    let ended = reap(&manager, &[]);
    assert!(
        ended.contains("the time is over for which its task was kept"),
        "{ended}"
    );
    manager.left_nothing();
    assert_eq!(kinds(&manager), ["job", "kept"]);
    ledger::is_whole(&manager).unwrap();
    let entries = ledger::entries(&manager);
    for entry in &entries {
        assert_eq!(entry["outcome"]["exit_code"], 3);
        assert_eq!(entry["tasks"][0]["kept_from"], entry["times"]["ended"]);
    }
    let report = manager.start(&["report", "--json"]).finish().exits(0).out();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["attempts"], &report["cost"]["total"]["tasks"]),
        (&json!(1), &json!(1))
    );
    assert!(report["cost"]["total"]["kept_hours"].as_f64().unwrap() > 0.0);
}

#[test]
fn without_a_tag_it_is_kept_all_the_same() {
    let denied = json!({ "faults": [{ "when": { "operation": "TagResource" }, "effect": "access_denied" }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::OpenSsh, &denied);
    keep(&manager, "KeepFailedFor = \"1h\"");
    fail(&manager);
    assert_eq!(manager.aws.calls("TagResource"), 1);
    assert_eq!(manager.aws.running().len(), 1);
    let again = manager.custom("cleanup").exits(0);
    assert!(again.out().contains("is kept until 20"), "{}", again.out());
    assert!(again.err().is_empty(), "{}", again.err());
    reap(&manager, &["--kept"]);
    assert_eq!(manager.aws.running().len(), 0);
}

#[test]
fn in_job_image_mode_it_ends_by_itself() {
    let manager = job_image::manager_with(&json!({}), "IdleTimeout = \"2s\"", "");
    keep(&manager, "KeepFailedFor = \"6s\"");
    manager.prepare();
    manager.run("exit 3").exits(11);
    // Its runner is killed during cleanup, and nobody comes again.
    let cleanup = manager.start(&["custom", "cleanup"]);
    wait_until("it is kept", || record(&manager)["is_entered"] == true);
    let kept = Instant::now();
    drop(cleanup);
    // Longer than a task lives without a driver.
    std::thread::sleep(4 * SECOND);
    assert_eq!(manager.aws.running().len(), 1);
    wait_until("the task is gone", || manager.aws.running().is_empty());
    assert!(
        kept.elapsed() < Duration::from_secs(25),
        "{:?}",
        kept.elapsed()
    );
    assert!(manager.aws.calls("StopTask") == 0);
    reap(&manager, &[]);
    manager.left_nothing();
    assert_eq!(kinds(&manager), ["job", "kept"]);
    ledger::is_whole(&manager).unwrap();
}

#[test]
fn other_jobs_are_not_kept() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    keep(&manager, "KeepFailedFor = \"1h\"");
    let ends = |manager: &mut ManagerHost| {
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
        manager.next_job();
    };
    manager.prepare();
    manager.run("true").exits(0);
    manager
        .start_stage("after_script", "exit 1")
        .finish()
        .exits(11);
    ends(&mut manager);

    manager.prepare();
    let mut cancelled = manager.start_run("echo begun; sleep 1000");
    cancelled.read_until("begun");
    cancelled.signal(SIGTERM);
    cancelled.finish();
    ends(&mut manager);

    // Cancelled after its failure.
    manager.prepare();
    manager.run("exit 3").exits(11);
    let mut cancelled = manager.start_stage("after_script", "echo begun; sleep 1000");
    cancelled.read_until("begun");
    cancelled.signal(SIGTERM);
    cancelled.finish();
    ends(&mut manager);

    // Its task is gone.
    manager.prepare();
    manager.run("exit 3").exits(11);
    let arn = manager.aws.running()[0]["taskArn"]
        .as_str()
        .unwrap()
        .to_owned();
    manager.aws.stop_task(&arn, "by hand");
    wait_until("it has stopped", || {
        manager
            .aws
            .stopped()
            .iter()
            .any(|task| task["taskArn"] == *arn && task["lastStatus"] == "STOPPED")
    });
    let cleanup = manager.custom("cleanup").exits(0);
    let told = "The task of job 4714 is not kept: ";
    assert!(cleanup.out().contains(told), "{}", cleanup.out());
    manager.left_nothing();

    manager.next_job();
    keep(&manager, "KeepFailedTasks = 0");
    let log = fail(&manager);
    assert!(!log.contains("stays"), "{log}");
    manager.left_nothing();
    assert!(kinds(&manager).iter().all(|kind| kind == "job"));
}

#[test]
fn at_most_so_many_are_kept_and_reap_ends_all() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    keep(&manager, "KeepFailedFor = \"1h\"\nKeepFailedTasks = 2");
    for _ in 0..3 {
        fail(&manager);
        manager.next_job();
    }
    let stopped = manager.aws.stopped();
    assert_eq!((stopped.len(), manager.records().len()), (1, 2));
    assert_eq!(
        stopped[0]["stoppedReason"],
        "fargate: job 4711 of acme/shop: newer tasks are kept in its place (KeepFailedTasks = 2)"
    );
    assert_eq!(kinds(&manager), ["job", "job", "job", "kept"]);
    let left = reap(&manager, &[]);
    assert_eq!(left.matches("is kept for another").count(), 2, "{left}");
    let ended = reap(&manager, &["--kept"]);
    assert_eq!(
        ended.matches("no tasks are kept any more").count(),
        2,
        "{ended}"
    );
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
}

#[test]
fn a_new_attempt_ends_the_kept_task_of_the_one_before() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    keep(&manager, "KeepFailedFor = \"1h\"");
    fail(&manager);
    manager.prepare();
    assert_eq!(manager.aws.running().len(), 1);
    assert_eq!(record(&manager)["kept_until"], Value::Null);
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    assert_eq!(kinds(&manager), ["job", "kept", "job"]);
}

#[test]
fn wherever_a_cleanup_is_killed_each_attempt_and_its_kept_time_are_in_the_ledger_once() {
    const JOBS: u32 = 12;
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    keep(&manager, "KeepFailedFor = \"1h\"\nKeepFailedTasks = 100");
    for step in 0..JOBS {
        manager.prepare();
        manager.run("exit 3").exits(11);
        let cleanup = manager.start(&["custom", "cleanup"]);
        std::thread::sleep(step * Duration::from_millis(15));
        // Dropping it kills it.
        drop(cleanup);
        let state = record_of(&manager, manager.job);
        assert_eq!(
            state["outcome"].is_null(),
            state["kept_until"].is_null(),
            "{state:#}"
        );
        manager.custom("cleanup").exits(0);
        assert!(record_of(&manager, manager.job)["kept_until"].is_u64());
        manager.next_job();
    }
    assert_eq!(manager.aws.running().len(), JOBS as usize);
    assert_eq!(kinds(&manager), vec!["job"; JOBS as usize]);
    reap(&manager, &["--kept"]);
    manager.left_nothing();
    ledger::is_whole(&manager).unwrap();
    let kinds = kinds(&manager);
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "kept").count(),
        JOBS as usize
    );
    assert_eq!(kinds.len(), 2 * JOBS as usize);
}
