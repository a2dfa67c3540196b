//! What becomes of jobs that nobody cleans up.

use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};
use testing::{ManagerHost, Outcome, SECOND, SshServer, wait_until};

use crate::fargate;

/// Prepares the manager's job for a runner that is gone then.
pub(crate) fn prepare_and_lose_runner(manager: &ManagerHost) {
    let call = &mut manager.call_of_dying_runner(&["custom", "prepare"]);
    let output = call.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

pub(crate) fn reap(manager: &ManagerHost, arguments: &[&str]) -> Outcome {
    manager.start(&[&["reap"], arguments].concat()).finish()
}

pub(crate) fn record(manager: &ManagerHost) -> Value {
    let file = manager.records().pop().unwrap();
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

pub(crate) fn rewrite(manager: &ManagerHost, change: impl FnOnce(&mut Value)) {
    let mut record = record(manager);
    change(&mut record);
    std::fs::write(manager.records().pop().unwrap(), record.to_string()).unwrap();
}

#[test]
fn reap_ends_the_job_of_a_runner_that_is_gone_and_no_other() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    manager.next_job();
    prepare_and_lose_runner(&manager);
    assert_eq!(manager.aws.running().len(), 2);

    let dry = reap(&manager, &["--dry-run", "--older-than", "0s"]).exits(0);
    assert!(
        dry.out()
            .contains("would end job 4712 of acme/shop: its GitLab Runner is gone"),
        "{}",
        dry.out()
    );
    assert_eq!(
        (manager.aws.running().len(), manager.records().len()),
        (2, 2)
    );

    let done = reap(&manager, &["--older-than", "0s"]).exits(0);
    assert!(
        done.out()
            .contains("kept job 4711 of acme/shop: its GitLab Runner lives"),
        "{}",
        done.out()
    );
    assert!(
        done.out().contains("ended job 4712 of acme/shop, task "),
        "{}",
        done.out()
    );
    let stopped = manager.aws.stopped();
    assert_eq!(stopped.len(), 1);
    let reason = "fargate: job 4712 of acme/shop: its GitLab Runner is gone";
    assert_eq!(stopped[0]["stoppedReason"], reason);
    assert_eq!(
        (manager.aws.running().len(), manager.records().len()),
        (1, 1)
    );

    // The one that lives goes on as if nothing had been.
    manager.job = 4711;
    manager.ask(&json!({}));
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    let nothing = reap(&manager, &[]).exits(0);
    assert!(
        nothing.out().starts_with("nothing is left"),
        "{}",
        nothing.out()
    );
}

#[test]
fn prepare_ends_what_others_left_while_it_waits() {
    let slow = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": 2.0 } } }] });
    let mut manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    prepare_and_lose_runner(&manager);
    manager.next_job();
    // The first one has swept as well, a moment ago.
    manager.let_sweep();
    manager.prepare();
    assert_eq!(manager.aws.running().len(), 1);
    assert_eq!(record(&manager)["job"]["id"], 4712);
    let lists = manager.aws.calls("ListTasks");
    // prepare's own lines are in a job's log. Those of cleanup are in the manager's.
    let told = manager.custom("cleanup").exits(0).out();
    let line = "sweep: ended job 4711 of acme/shop, task ";
    assert!(told.contains(line), "{told}");
    assert!(told.contains("its GitLab Runner is gone\n"), "{told}");

    // Not at every job.
    manager.next_job();
    manager.prepare();
    manager.custom("cleanup").exits(0);
    // Those of this test itself are not counted: the stand-in was asked for its tasks once since.
    assert_eq!(
        manager.aws.calls("ListTasks"),
        lists,
        "the manager's tasks were listed again"
    );
    manager.left_nothing();
}

#[test]
fn a_call_to_aws_that_nobody_saw_the_end_of() {
    // The driver is killed while RunTask is under way: a record without a task, and a task all the same.
    let slow = json!({ "faults": [{ "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 30.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    let mut runner = manager
        .call_of_dying_runner(&["custom", "prepare"])
        .spawn()
        .unwrap();
    wait_until("there is a task", || !manager.aws.running().is_empty());
    kill_group_of_call(&manager);
    runner.wait().unwrap();
    let starts = &record(&manager)["starts"];
    assert_eq!(starts[0]["standing"], "asked");
    assert_eq!(starts[0]["task"], Value::Null);
    let done = reap(&manager, &[]).exits(0);
    assert!(
        done.out().contains("ended job 4711 of acme/shop, task "),
        "{}",
        done.out()
    );
    manager.left_nothing();
}

#[test]
fn a_call_that_is_refused_after_it_had_its_effect() {
    // Its reply is lost, once or several times, and the next repetition is refused for good.
    for lost in [1, 3] {
        let faults = json!({ "faults": [
            { "when": { "operation": "RunTask", "first": lost }, "effect": { "lost_reply": {} } },
            { "when": { "operation": "RunTask", "nth": lost + 1 }, "effect": "expired_credentials" },
        ] });
        let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
        manager
            .custom("prepare")
            .exits(22)
            .complains(&["ExpiredTokenException"]);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn a_cleanup_that_does_not_wait_for_prepare() {
    // A runner that is told to stop goes on to cleanup while prepare still runs.
    let slow = json!({ "faults": [{ "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 3.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    let preparing = manager.start(&["custom", "prepare"]);
    wait_until("there is a task", || !manager.aws.running().is_empty());
    manager.custom("cleanup").exits(0);
    preparing
        .finish()
        .exits(22)
        .complains(&["cleanup ended the job during this stage"]);
    manager.left_nothing();

    // The same while it waits to ask again: cleanup waits for what that may bring.
    let trouble = json!({ "faults": [{ "when": { "operation": "RunTask", "first": 2 }, "effect": "server_error" }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &trouble);
    let mut preparing = manager.start(&["custom", "prepare"]);
    preparing.read_until("trying again in");
    manager.custom("cleanup").exits(0);
    preparing.finish();
    manager.left_nothing();

    // The same when the task is there and no script can run yet.
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let mut preparing = manager.start(&["custom", "prepare"]);
    preparing.read_until("\nTask ");
    manager.custom("cleanup").exits(0);
    preparing.finish().exits(22);
    manager.left_nothing();
}

/// Kills the driver that works for the job of the manager's only record, as the kernel does when memory is short.
pub(crate) fn kill_group_of_call(manager: &ManagerHost) {
    let folder = manager.folder.path().to_string_lossy().into_owned();
    for process in std::fs::read_dir("/proc").unwrap() {
        let process = process.unwrap().path();
        let arguments = std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
        if arguments.contains(&folder)
            && arguments.contains("\0custom\0prepare")
            && arguments.starts_with(crate::fargate())
        {
            let id = process
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            let id = nix::unistd::Pid::from_raw(id);
            nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
    }
}

#[test]
fn a_task_without_a_record_is_ended_when_it_is_old_enough() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    std::fs::remove_file(manager.records().pop().unwrap()).unwrap();
    let kept = reap(&manager, &[]).exits(0);
    assert!(
        kept.out()
            .contains("no record names it, but it was started only"),
        "{}",
        kept.out()
    );
    assert_eq!(manager.aws.running().len(), 1);
    let done = reap(&manager, &["--older-than", "0s"]).exits(0);
    assert!(done.out().contains("ended task "), "{}", done.out());
    manager.left_nothing();
}

#[test]
fn managers_in_one_cluster_leave_each_others_tasks_alone() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    // Another manager, with a folder of its own, and one that is an image of this one's disk.
    for (folder, machine) in [("other", None), ("image", Some("another-machine"))] {
        let directory = manager.path(folder);
        std::fs::create_dir(&directory).unwrap();
        if let Some(machine) = machine {
            let name = std::fs::read_to_string(manager.metadata().join("manager")).unwrap();
            let (name, made_on) = name.split_once('\n').unwrap();
            if made_on.trim().is_empty() {
                // Machines without an id, as most containers are, cannot be told apart.
                continue;
            }
            std::fs::write(directory.join("manager"), format!("{name}\n{machine}\n")).unwrap();
        }
        let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
        let text = text.replace("/metadata\"", &format!("/{folder}\""));
        let config = manager.path(&format!("{folder}.toml"));
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        let outcome = manager
            .start(&["--config", config, "reap", "--older-than", "0s"])
            .finish()
            .exits(0);
        assert!(
            outcome.out().starts_with("nothing is left"),
            "{}",
            outcome.out()
        );
        assert_eq!(manager.aws.running().len(), 1);
    }
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_job_whose_runner_cannot_be_seen_has_until_its_time_is_over() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    rewrite(&manager, |record| {
        record["runner"]["machine"] = json!("another")
    });
    let kept = reap(&manager, &["--older-than", "0s"]).exits(0);
    assert!(
        kept.out()
            .contains("cannot be seen from here, and its time is over in 2h"),
        "{}",
        kept.out()
    );
    rewrite(&manager, |record| record["over_at"] = json!(1));
    let done = reap(&manager, &[]).exits(0);
    assert!(done.out().contains("its time was over"), "{}", done.out());
    manager.left_nothing();
}

#[test]
fn a_cleanup_that_failed_or_was_killed_is_done_by_the_next_sweep() {
    // No other cleanup comes: GitLab Runner lives, and has done with the job.
    let denied =
        json!({ "faults": [{ "when": { "operation": "StopTask" }, "effect": "access_denied" }] });
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    manager.aws.faults(&denied);
    manager.custom("cleanup").exits(22);
    manager.aws.faults(&json!({}));
    let done = reap(&manager, &[]).exits(0);
    assert!(
        done.out().contains("ended job 4711 of acme/shop, task ")
            && done.out().contains(": its end had begun"),
        "{}",
        done.out()
    );
    manager.left_nothing();

    let throttled =
        json!({ "faults": [{ "when": { "operation": "StopTask" }, "effect": "throttle" }] });
    manager.prepare();
    manager.aws.faults(&throttled);
    let before = manager.aws.calls("StopTask");
    let mut cleanup = manager.start(&["custom", "cleanup"]);
    wait_until("StopTask is called", || {
        manager.aws.calls("StopTask") > before
    });
    cleanup.signal(nix::sys::signal::Signal::SIGKILL);
    cleanup.finish();
    manager.aws.faults(&json!({}));
    reap(&manager, &[]).exits(0);
    manager.left_nothing();
}

#[test]
fn a_restart_of_the_manager_ends_its_jobs() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    rewrite(&manager, |record| {
        record["runner"]["boot"] = json!("another")
    });
    reap(&manager, &[]).exits(0);
    manager.left_nothing();
}

#[test]
fn records_that_are_none() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let record = manager.records().pop().unwrap();
    let beside = |name: &str| record.with_file_name(name);
    let age = |path: &Path| {
        let file = std::fs::File::open(path).unwrap();
        file.set_modified(SystemTime::now() - 7200 * SECOND)
            .unwrap();
    };
    // One that GitLab's own driver left, a damaged one, one that was never completed, and files of others.
    let old_driver = beside(&format!("t1_abc-{}.json", "ab12".repeat(16)));
    std::fs::write(&old_driver, "{\"TaskARN\": \"arn\"}").unwrap();
    let damaged = beside("t1_abc-99.json");
    std::fs::write(&damaged, "{").unwrap();
    let draft = beside("t1_abc-98.tmp1");
    std::fs::write(&draft, "{").unwrap();
    let others = ["notes.tmp", "notes.tmp1", "mutt.lock", "report-2026.json"].map(beside);
    for other in &others {
        std::fs::write(other, "1").unwrap();
    }
    for path in [&old_driver, &damaged, &draft].into_iter().chain(&others) {
        age(path);
    }
    let kept = reap(&manager, &[]).exits(0);
    assert!(
        kept.out().contains("t1_abc-99.json: it is damaged"),
        "{}",
        kept.out()
    );
    assert!(damaged.exists() && !draft.exists() && old_driver.exists());
    assert!(others.iter().all(|other| other.exists()), "{others:?}");
    let draft = beside("t1_abc-98.tmp1");
    std::fs::write(&draft, "{").unwrap();
    reap(&manager, &[]).exits(0);
    assert!(draft.exists(), "its process may live");
    manager.run("true").exits(0);
}

#[test]
fn what_cannot_be_stopped_is_told_and_kept_for_the_next_time() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    prepare_and_lose_runner(&manager);
    let denied =
        json!({ "faults": [{ "when": { "operation": "StopTask" }, "effect": "access_denied" }] });
    manager.aws.faults(&denied);
    let failed = reap(&manager, &[]).exits(1);
    assert!(
        failed.out().contains("could not end job 4711"),
        "{}",
        failed.out()
    );
    failed.complains(&["ERROR: 1 could not be ended"]);
    assert_eq!(manager.records().len(), 1);
    manager.aws.faults(&json!({}));
    reap(&manager, &[]).exits(0);
    manager.left_nothing();
}
