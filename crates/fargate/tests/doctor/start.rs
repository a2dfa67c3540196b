//! `--start`: a real task with a real SSH server in it, to its end.

use serde_json::{Value, json};
use testing::{ManagerHost, Outcome, RunningCommand, SECOND, SshServer, leftovers, wait_for};

use crate::fargate;

fn doctor(manager: &ManagerHost, more: &[&str]) -> std::process::Command {
    let mut command = manager.call(&["doctor", "--start", "--only", "start"]);
    command.args(more);
    // Doctor is no stage: it sets the runner's variables itself.
    for name in [
        "BUILD_FAILURE_EXIT_CODE",
        "SYSTEM_FAILURE_EXIT_CODE",
        "JOB_RESPONSE_FILE",
        "BUILD_EXIT_CODE_FILE",
    ] {
        command.env_remove(name);
    }
    command
}

fn checks(outcome: &Outcome) -> Vec<(String, String, String)> {
    let document: Value = serde_json::from_str(&outcome.out())
        .unwrap_or_else(|error| panic!("{error}: {}", outcome.out()));
    let checks = document["checks"].as_array().unwrap().iter();
    let text = |check: &Value, member: &str| check[member].as_str().unwrap_or_default().to_owned();
    checks
        .map(|check| {
            (
                text(check, "id"),
                text(check, "status"),
                text(check, "found"),
            )
        })
        .collect()
}

/// The manager has no job, no record and no running task, and `/tmp` no folder of doctor's.
fn left_nothing(manager: &ManagerHost) {
    assert!(
        manager.aws.running().is_empty(),
        "{:?}",
        manager.aws.running()
    );
    assert!(manager.records().is_empty(), "{:?}", manager.records());
    let others: Vec<_> = leftovers(manager)
        .into_iter()
        .filter(|name| !name.contains("looks/"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    let folders = std::fs::read_dir(manager.folder.path()).unwrap();
    let mut names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.find(|name| name.starts_with("fargate-doctor-")), None);
}

#[test]
fn a_task_with_openssh_takes_scripts_and_ends() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    let outcome = Outcome::from(doctor(&manager, &["--json"]).output().unwrap()).exits(0);
    let checks = checks(&outcome);
    let status = |id: &str| {
        checks
            .iter()
            .find(|(one, ..)| one == id)
            .map(|(_, status, _)| status.as_str())
    };
    for id in [
        "start-task",
        "start-scripts",
        "start-end",
        "claim-missing",
        "claim-group",
        "claim-stop-code",
    ] {
        assert_eq!(status(id), Some("pass"), "{id}: {checks:#?}");
    }
    assert_eq!(status("claim-hosts-file"), Some("skip"), "{checks:#?}");
    left_nothing(&manager);
}

#[test]
fn a_job_with_its_own_image_confirms_what_it_can_see() {
    let manager = ManagerHost::new(fargate(), SshServer::JobImage);
    manager.configure_job_image(
        "AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"",
        "",
    );
    let outcome = Outcome::from(doctor(&manager, &[]).output().unwrap()).exits(0);
    outcome.logs(&[
        "A real task\n",
        "✓ a task for a job           takes scripts after ",
        "✓ its scripts                in the helper and in the job's container",
        "✓ its end                    the task is gone",
        // Who asks first finds nothing: doctor or the stage.
        "DescribeTasks ",
        // The stand-in's containers are processes of one machine.
        "✓ one hosts file per task    confirmed: helper and job's container have the same file",
        "✓ container's environment    confirmed: scripts have the container's variables",
        "confirmed: gitlab/",
        "✓ / in tags                  confirmed: ",
        "✓ code of a stop             confirmed: UserInitiated",
    ]);
    left_nothing(&manager);
}

#[test]
fn a_task_that_does_not_start_is_reported_with_awss_reason_and_leaves_nothing() {
    let faults = json!({ "faults": [{ "when": { "first": 9 }, "effect":
        { "start_failure": { "at": "pull", "reason": "CannotPullContainerError: no account 111122223333" } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::OpenSsh, &faults);
    let outcome = Outcome::from(doctor(&manager, &[]).output().unwrap()).exits(1);
    outcome.logs(&[
        "✗ a task for a job",
        "CannotPullContainerError",
        "no account ************",
        "fix ",
        "✓ its end",
    ]);
    left_nothing(&manager);
}

#[test]
fn ctrl_c_ends_the_task_too() {
    let manager = ManagerHost::new(fargate(), SshServer::Nothing);
    let mut running = RunningCommand::start(&mut doctor(&manager, &[]));
    wait_for(30 * SECOND, SECOND / 20, "the task", || {
        !manager.aws.running().is_empty()
    });
    std::thread::sleep(SECOND / 2);
    running.interrupt();
    let outcome = running.finish();
    assert_eq!(
        outcome.code,
        Some(130),
        "{}{}",
        outcome.out(),
        outcome.err()
    );
    left_nothing(&manager);
}
