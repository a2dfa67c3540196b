//! Many jobs of one manager at once.

use std::time::SystemTime;

use nix::sys::signal::Signal;
use serde_json::json;
use testing::{Job, ManagerHost, REGION, SECOND, SshServer};

use crate::fargate;

/// How many.
const JOBS: u64 = 20;

#[test]
fn jobs_that_start_together_ask_aws_together() {
    let late = json!({ "faults": [{ "effect": { "listen_delay": { "seconds": 3.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &late);
    let asked = json!({ "variables": null });
    let jobs: Vec<_> = (5000..5000 + JOBS)
        .map(|id| Job::new(&manager, id, &asked))
        .collect();
    let mut preparing: Vec<_> = jobs
        .iter()
        .map(|job| job.call(&["custom", "prepare"]).spawn().unwrap())
        .collect();
    // One of them is killed; the others go on without it.
    let mut killed = preparing.remove(3);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    killed.kill().unwrap();
    killed.wait().unwrap();
    for prepared in preparing {
        let output = prepared.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let calls = manager.aws.calls("DescribeTasks");
    assert!(calls < JOBS, "{calls} calls for {JOBS} jobs");

    for job in &jobs {
        let output = job.call(&["custom", "cleanup"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    manager.left_nothing();
    let looks = manager.metadata().join("looks").read_dir().unwrap();
    let names = looks.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What the killed one left goes with the next who asks.
    let left: Vec<_> = names.filter(|name| name != "turn").collect();
    assert!(left.len() <= 2, "{left:?}");
}

#[test]
fn jobs_that_are_refused_for_their_number_ask_again_in_turn() {
    let when = json!({ "operation": "RunTask", "first": JOBS });
    let refusing = json!({ "faults": [{ "when": when, "effect": "throttle" }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &refusing);
    let begun = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    for prepared in manager.call_for_all(JOBS, &["custom", "prepare"], &json!({})) {
        prepared.exits(0);
    }
    assert_eq!(manager.aws.calls("RunTask"), 2 * JOBS);
    // Each took a place of its own, AWS's twentieth of a second or more from the one before.
    let queue = manager.metadata().join(format!("run-task-{REGION}.lock"));
    let free_at: u128 = std::fs::read_to_string(queue).unwrap().parse().unwrap();
    let all_placed = begun + 50 * u128::from(JOBS);
    assert!(free_at >= all_placed, "{free_at} < {all_placed}");
    for cleaned in manager.call_for_all(JOBS, &["custom", "cleanup"], &json!({})) {
        cleaned.exits(0);
    }
    manager.left_nothing();
}

/// A crowd that is cancelled while it queues does not list all tasks of the manager once for each of its jobs.
#[test]
fn a_job_that_was_refused_a_task_leaves_nothing_to_look_for() {
    for effect in [json!("throttle"), json!({ "ec2_throttle": {} })] {
        let when = json!({ "operation": "RunTask" });
        let refusing = json!({ "faults": [{ "when": when, "effect": effect }] });
        let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &refusing);
        let mut preparing = manager.start(&["custom", "prepare"]);
        preparing.read_until("trying again in");
        preparing.signal(Signal::SIGTERM);
        preparing.finish().exits(22);
        manager.custom("cleanup").exits(0);
        // The first prepare's sweep, which has nothing to do with the job.
        assert!(manager.aws.calls("ListTasks") <= 1, "{effect}");
        manager.left_nothing();
    }
}

#[test]
fn what_killed_processes_left_among_the_looks_is_cleared_away_by_who_looks_next() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let looks = manager.metadata().join("looks");
    std::fs::create_dir_all(&looks).unwrap();
    let task = "0".repeat(32);
    // One was about to announce itself, and another one has begun a moment ago. An answer that nobody waits for, and
    // one that was never laid out. Files of others stay.
    let [old, young] = [1, 2].map(|process| looks.join(format!("{task}.{process}.new")));
    let draft = format!(".{task}.4.seen.a1B2c3D4e5F6.draft");
    let names = [format!("{task}.3.seen"), draft, "draft".into()];
    let [seen, draft, old_draft] = names.map(|name| looks.join(name));
    let others =
        ["notes.seen", "notes.new", ".notes.a1B2c3D4e5F6.draft"].map(|name| looks.join(name));
    for file in [&old, &young, &seen, &draft, &old_draft]
        .into_iter()
        .chain(&others)
    {
        std::fs::write(file, "").unwrap();
    }
    let long_ago = SystemTime::now() - 120 * SECOND;
    for file in [&old].into_iter().chain(&others) {
        let file = std::fs::File::open(file).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    manager.prepare();
    assert!(!old.exists() && !seen.exists() && !draft.exists() && !old_draft.exists());
    assert!(young.exists() && others.iter().all(|other| other.exists()));
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}
