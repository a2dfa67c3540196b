//! Managers, folders and machines that share a cluster: none stops another's living jobs.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};
use testing::{ManagerHost, Outcome, SshServer};

use crate::fargate;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMzxVGcVbWvbLfvRBZLpsiPGbFeIxfYPy9zc5UTxLrGM";

/// Gives the manager a name, and the folder below its own.
fn name(manager: &ManagerHost, name: &str, folder: &str) -> PathBuf {
    let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let directory = "[TaskMetadata]\nDirectory = ";
    let named = format!("[TaskMetadata]\nManager = {name:?}\nDirectory = ");
    let text = text
        .replace(directory, &named)
        .replace("/metadata\"", &format!("/{folder}\""));
    let file = manager.path(&format!("{folder}.toml"));
    std::fs::write(&file, text).unwrap();
    file
}

fn call(manager: &ManagerHost, config: &Path, arguments: &[&str]) -> Outcome {
    let config = config.to_str().unwrap();
    let arguments = [&["--config", config], arguments].concat();
    manager.start(&arguments).finish()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// Starts a task as a driver would, with these marks.
fn run_task(manager: &ManagerHost, started_by: &str, group: &str) {
    manager.aws.call(
        "RunTask",
        &json!({
            "cluster": testing::CLUSTER, "taskDefinition": "test-task", "startedBy": started_by, "group": group,
            // Without a key the agent ends at once.
            "overrides": { "containerOverrides": [{ "name": "ci-coordinator",
                "environment": [{ "name": "SSH_PUBLIC_KEY", "value": KEY }] }] },
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": [ecs_local::SUBNET_A],
                "securityGroups": [ecs_local::SECURITY_GROUP] } },
        }),
    );
    // Not a task of this second, which DescribeTasks does not know yet.
    manager.aws.running();
}

#[test]
fn tasks_carry_the_managers_name_and_their_own_end() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = name(&manager, "ci-eu_1", "metadata");
    call(&manager, &config, &["custom", "prepare"]).exits(0);
    let task = &manager.aws.running()[0];
    assert_eq!(task["startedBy"], "fargate/ci-eu_1");
    let folder = std::fs::read_to_string(manager.metadata().join("manager")).unwrap();
    let folder = folder.lines().next().unwrap();
    let group = task["group"].as_str().unwrap();
    let over_at = group
        .strip_prefix(&format!("gitlab/77/4711/{folder}/"))
        .unwrap_or_else(|| panic!("{group}"));
    assert!(over_at.parse::<u64>().unwrap() > now() + 3600, "{group}");
    call(&manager, &config, &["custom", "cleanup"]).exits(0);
    manager.left_nothing();
}

#[test]
fn two_folders_under_one_name_leave_each_others_living_jobs_alone() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let one = name(&manager, "ci", "metadata");
    let other = name(&manager, "ci", "other");
    call(&manager, &one, &["custom", "prepare"]).exits(0);
    let kept = call(&manager, &other, &["reap", "--older-than", "0s"]).exits(0);
    assert!(
        kept.out().contains("its record is in another folder"),
        "{}",
        kept.out()
    );
    assert_eq!(manager.aws.running().len(), 1);
    // The folder is lost, and a new one of that name ends the tasks of it whose time is over.
    let over = format!("gitlab/77/4712/fedcba9876543210/{}", now() - 700);
    run_task(&manager, "fargate/ci", &over);
    let done = call(&manager, &other, &["reap"]).exits(0);
    assert!(
        done.out().contains("its time was over")
            && done.out().contains("in folder fedcba9876543210"),
        "{}",
        done.out()
    );
    assert_eq!(manager.aws.running().len(), 1);
    call(&manager, &one, &["custom", "cleanup"]).exits(0);
    manager.left_nothing();
}

#[test]
fn a_clone_of_a_managers_disk_leaves_the_living_jobs_of_the_first_alone() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let one = name(&manager, "ci", "metadata");
    call(&manager, &one, &["custom", "prepare"]).exits(0);
    // The records are cloned as well. Their runner is on a machine that cannot be seen from the clone.
    let clone = name(&manager, "ci", "clone");
    std::fs::create_dir(manager.path("clone")).unwrap();
    for entry in std::fs::read_dir(manager.metadata()).unwrap() {
        let entry = entry.unwrap().path();
        let copy = manager.path("clone").join(entry.file_name().unwrap());
        if entry.is_file() {
            std::fs::copy(&entry, &copy).unwrap();
        }
        if entry.extension().is_some_and(|end| end == "json") {
            let mut record: Value = serde_json::from_slice(&std::fs::read(&copy).unwrap()).unwrap();
            record["runner"]["machine"] = json!("another-machine");
            std::fs::write(&copy, record.to_string()).unwrap();
        }
    }
    std::fs::write(
        manager.path("clone").join("manager"),
        "0123456789abcdef\nanother-machine\n",
    )
    .unwrap();
    let kept = call(&manager, &clone, &["reap", "--older-than", "0s"]).exits(0);
    assert!(
        kept.out().contains("cannot be seen from here"),
        "{}",
        kept.out()
    );
    // Its records may be lost, too.
    for entry in std::fs::read_dir(manager.path("clone")).unwrap() {
        let entry = entry.unwrap().path();
        if entry.extension().is_some_and(|end| end == "json") {
            std::fs::remove_file(entry).unwrap();
        }
    }
    call(&manager, &clone, &["reap", "--older-than", "0s"]).exits(0);
    assert_eq!(manager.aws.running().len(), 1);
    call(&manager, &one, &["custom", "cleanup"]).exits(0);
    manager.left_nothing();
}

#[test]
fn a_container_on_another_host_is_not_taken_for_a_rebooted_machine() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    crate::sweep::rewrite(&manager, |record| {
        record["runner"]["machine"] = json!("");
        record["runner"]["boot"] = json!("another");
    });
    let kept = manager
        .start(&["reap", "--older-than", "0s"])
        .finish()
        .exits(0);
    assert!(
        kept.out().contains("cannot be seen from here"),
        "{}",
        kept.out()
    );
    assert_eq!(manager.aws.running().len(), 1);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

/// Turns the manager's record into one of format 1, of a runner that lives.
fn as_of_format_1(manager: &ManagerHost) {
    crate::sweep::rewrite(manager, |record| {
        let start = record["starts"][0].clone();
        let fields = record.as_object_mut().unwrap();
        for new in [
            "starts",
            "started_by",
            "group",
            "endpoint",
            "job_folder",
            "missing_since",
        ] {
            fields.remove(new);
        }
        fields.insert("call".into(), Value::Null);
        for old in ["intended_at", "task", "memory"] {
            fields.insert(old.into(), start[old].clone());
        }
    });
    std::fs::remove_file(manager.metadata().join("format")).unwrap();
}

#[test]
fn an_upgrade_with_running_jobs_goes_on_with_them() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    as_of_format_1(&manager);
    // The operator gives the manager a name at the same time.
    let config = name(&manager, "ci", "metadata");
    std::fs::rename(config, manager.path("fargate.toml")).unwrap();
    let folder = std::fs::read_to_string(manager.metadata().join("manager")).unwrap();
    let started_by = format!("fargate/{}", folder.lines().next().unwrap());
    // Of a job whose record was lost, as the old driver marked it.
    run_task(&manager, &started_by, "gitlab/77/4700");
    let swept = manager
        .start(&["reap", "--older-than", "0s"])
        .finish()
        .exits(0);
    assert!(
        swept
            .out()
            .contains("kept job 4711 of acme/shop: its GitLab Runner lives")
            && swept.out().contains("no record names it"),
        "{}",
        swept.out()
    );
    assert_eq!(manager.aws.running().len(), 1);
    manager.run("echo hello").exits(0);
    manager.custom("cleanup").exits(0);
    assert!(manager.metadata().join("format").exists());
    manager.left_nothing();

    // A call of the old driver that nobody saw the end of: its task has the old marks.
    manager.next_job();
    manager.prepare();
    let arn = manager.aws.running()[0]["taskArn"].clone();
    manager.aws.stop_task(arn.as_str().unwrap(), "over");
    as_of_format_1(&manager);
    crate::sweep::rewrite(&manager, |record| {
        record["intended_at"] = json!(now());
        record["task"] = Value::Null;
        record["login"] = Value::Null;
        record["call"] = json!("job-4712-x-0");
    });
    run_task(&manager, &started_by, "gitlab/77/4712");
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_driver_refuses_the_folder_of_a_newer_one() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let format = manager.metadata().join("format");
    let ours = std::fs::read(&format).unwrap();
    std::fs::write(&format, "99\n").unwrap();
    for stage in ["prepare", "cleanup"] {
        manager.custom(stage).exits(22).complains(&[
            "a newer fargate has used the folder",
            "Use the newer version",
        ]);
    }
    manager.run("true").exits(22);
    manager.start(&["reap"]).finish().exits(1);
    assert_eq!(manager.aws.running().len(), 1);
    std::fs::write(&format, ours).unwrap();
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}
