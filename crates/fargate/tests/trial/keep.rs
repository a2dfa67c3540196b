//! `--keep`: the task stays, and can be used and stopped.

use std::process::Command;

use testing::{Project, SshServer};

use crate::fargate;
use crate::with_config::ConfiguredProject;

/// The program that the log names after `label`.
fn program(log: &str, label: &str) -> String {
    let (_, rest) = log.split_once(label).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[test]
fn on_aws_it_stays_until_it_is_stopped() {
    let account = ConfiguredProject::new(
        SshServer::Agent,
        "job: {variables: {GIT_STRATEGY: none}, script: ['true']}",
    );
    let mut command = account.project.command(&account.arguments(&["--keep"]));
    let output = command.output().unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert_eq!(account.aws.running().len(), 1);

    // A sweep does not take it for one whose runner has died.
    let mut reap = Command::new(crate::fargate());
    let environment = command
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    reap.args(["--config", "fargate.toml", "reap"])
        .current_dir(account.project.path("project"))
        .envs(environment);
    let reaped = String::from_utf8(reap.output().unwrap().stdout).unwrap();
    assert!(reaped.starts_with("kept job "), "{reaped}");
    assert_eq!(account.aws.running().len(), 1);

    // They hold all that the driver needs, but for credentials.
    let mut in_task = Command::new(program(&log, "run commands in it:"));
    let environment = command
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    in_task.arg("echo still here").envs(environment);
    assert_eq!(in_task.output().unwrap().stdout, b"still here\n");
    let mut stop = Command::new(program(&log, "stop it:"));
    let environment = command
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    assert!(stop.envs(environment).output().unwrap().status.success());
    assert_eq!(account.aws.stopped().len(), 1);
    account.left_nothing();
}

#[test]
fn on_this_machine_it_stays_as_long_as_the_command() {
    let project = Project::new(fargate(), "job: {script: [touch made, exit 4]}");
    let mut running = project.start(&["--keep"]);
    let log = running.read_until("Ctrl-C stops both.\n");
    assert!(log.contains("ERROR: Job failed: exit status 4\n"), "{log}");
    let program = program(&log, "run commands in it:");
    assert_eq!(
        run(&program, &["ls; echo still here"]),
        "made\nstill here\n"
    );
    running.interrupt();
    running.finish().exits(1).logs(&["Stopped task "]);
    project.left_nothing();
}
