//! How a job's task is stopped and its record removed, whoever does it.

use std::fs::File;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use testing::{CLUSTER, ManagerHost, REGION, SshServer, wait_until};

use crate::fargate;
use crate::sweep::{prepare_and_lose_runner, rewrite};

#[test]
fn a_sweep_leaves_the_next_attempt_of_a_job_alone() {
    // The first attempt's cleanup was cut short, and the sweep is about it when GitLab Runner tries again. AWS's answer
    // takes long to come back.
    let slow = json!({ "faults": [{ "when": { "operation": "StopTask", "nth": 1 }, "effect": { "slow_reply": { "seconds": 5.0 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &slow);
    manager.prepare();
    rewrite(&manager, |record| record["ends"] = json!(true));
    let sweeping = manager.start(&["reap"]);
    wait_until("StopTask is called", || manager.aws.calls("StopTask") == 1);
    manager.prepare();
    sweeping.finish().exits(0);
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();

    // The same when it looks for the task of a call that nobody saw the end of. The new attempt need not look as long:
    // its time has passed.
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"].clone();
    manager.aws.stop_task(arn.as_str().unwrap(), "over");
    rewrite(&manager, |record| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        record["starts"][0]["intended_at"] = json!(now.unwrap().as_secs());
        record["starts"][0]["standing"] = json!("asked");
        record["starts"][0]["task"] = Value::Null;
        record["ends"] = json!(true);
    });
    let lists = manager.aws.calls("ListTasks");
    let sweeping = manager.start(&["reap"]);
    wait_until("it has looked", || manager.aws.calls("ListTasks") > lists);
    rewrite(&manager, |record| {
        record["starts"][0]["intended_at"] = json!(1)
    });
    manager.prepare();
    sweeping.finish().exits(0);
    manager.run("true").exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_task_that_aws_does_not_know_yet_is_stopped_once_it_does() {
    let late = json!({ "faults": [{ "effect": { "missing": { "reads": 4 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &late);
    let mut preparing = manager.start(&["custom", "prepare"]);
    preparing.read_until("Task ");
    preparing.signal(nix::sys::signal::Signal::SIGKILL);
    preparing.finish();
    manager.custom("cleanup").exits(0);
    manager.left_nothing();

    // One that was asked for long ago is stopped when AWS does not know it.
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"].clone();
    let arn = arn.as_str().unwrap();
    manager.aws.stop_task(arn, "over");
    let (cluster, _) = arn.rsplit_once('/').unwrap();
    rewrite(&manager, |record| {
        record["starts"][0]["intended_at"] = json!(1);
        record["starts"][0]["task"] = json!(format!("{cluster}/{}", "0".repeat(32)));
    });
    let before = manager.aws.calls("StopTask");
    manager.custom("cleanup").exits(0);
    assert_eq!(manager.aws.calls("StopTask"), before + 1);
    manager.left_nothing();
}

#[test]
fn a_task_is_stopped_in_the_region_it_was_started_in() {
    // The operator goes to another region, where a cluster of that name is, too, and the jobs of the old one are not
    // over.
    const OTHER: &str = "eu-central-1";
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let here = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let elsewhere = here.replace(REGION, OTHER);
    manager.prepare();
    manager.write_config(&elsewhere);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();

    manager.write_config(&here);
    prepare_and_lose_runner(&manager);
    manager.write_config(&elsewhere);
    let cluster = json!({ "clusterName": CLUSTER });
    manager.aws.call_in(OTHER, "CreateCluster", &cluster);
    let done = manager.start(&["reap"]).finish().exits(0);
    let out = done.out();
    assert!(out.contains("ended job 4711 of acme/shop, task "), "{out}");
    manager.left_nothing();
}

#[test]
fn a_cleanup_that_fails_before_it_asks_aws_is_done_by_a_sweep() {
    // It cannot tell which manager this is, and leaves word all the same.
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let name = manager.metadata().join("manager");
    let aside = manager.path("aside");
    std::fs::rename(&name, &aside).unwrap();
    std::fs::create_dir(&name).unwrap();
    manager.custom("cleanup").exits(22);
    std::fs::remove_dir(&name).unwrap();
    std::fs::rename(&aside, &name).unwrap();
    let done = manager.start(&["reap"]).finish().exits(0);
    assert!(done.out().contains("its end had begun"), "{}", done.out());
    manager.left_nothing();

    // It cannot read its configuration, so it knows of no record. No job outlives its time by a day.
    manager.prepare();
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config("[Fargate");
    manager.custom("cleanup").exits(22);
    manager.write_config(&config);
    let time_was_over = |days: u64| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let over_at = now.unwrap().as_secs() + 60 - days * 24 * 3600;
        rewrite(&manager, |record| record["over_at"] = json!(over_at));
        manager.start(&["reap"]).finish().exits(0)
    };
    let kept = time_was_over(1);
    assert!(kept.out().contains("GitLab Runner lives"), "{}", kept.out());
    let done = time_was_over(2);
    let said = "ago, though its GitLab Runner lives";
    assert!(done.out().contains(said), "{}", done.out());
    manager.left_nothing();
}

#[test]
fn a_clock_set_back_does_not_make_prepare_wait() {
    // An earlier attempt that was recorded an hour from now, and whose call nobody saw the end of.
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"].clone();
    manager.aws.stop_task(arn.as_str().unwrap(), "over");
    rewrite(&manager, |record| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        record["starts"][0]["intended_at"] = json!(now.unwrap().as_secs() + 3600);
        record["starts"][0]["standing"] = json!("asked");
        record["starts"][0]["task"] = Value::Null;
    });
    // And a queue for RunTask of that time.
    let queue = manager.metadata().join("run-task-eu-west-1.lock");
    let ahead = SystemTime::now() + Duration::from_secs(300);
    let slot = ahead
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    std::fs::write(&queue, format!("{slot:020}")).unwrap();
    File::open(&queue).unwrap().set_modified(ahead).unwrap();
    let begun = Instant::now();
    manager.prepare();
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_deleted_cluster_leaves_nothing_to_stop() {
    // In AWS's words for one that is still listed as inactive, and one that is not.
    for words in ["The referenced cluster was inactive.", "Cluster not found."] {
        let gone = json!({ "error": { "status": 400, "code": "ClusterNotFoundException", "message": words } });
        let gone = json!({ "faults": [
            { "when": { "operation": "StopTask" }, "effect": gone },
            { "when": { "operation": "ListTasks" }, "effect": gone },
        ] });
        for standing in ["started", "asked"] {
            let manager = ManagerHost::new(fargate(), SshServer::Agent);
            manager.prepare();
            let arn = manager.aws.running()[0]["taskArn"].clone();
            manager.aws.stop_task(arn.as_str().unwrap(), "over");
            if standing == "asked" {
                rewrite(&manager, |record| {
                    record["starts"][0]["standing"] = json!("asked");
                    record["starts"][0]["task"] = Value::Null;
                });
            }
            manager.aws.faults(&gone);
            manager.custom("cleanup").exits(0);
            manager.aws.faults(&json!({}));
            manager.left_nothing();
        }
    }
}
