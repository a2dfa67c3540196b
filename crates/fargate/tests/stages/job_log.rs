//! How our own lines look in the job log.

use serde_json::{Value, json};
use testing::{ManagerHost, SshServer};

use crate::fargate;

#[test]
fn errors_and_warnings_have_the_runners_colours() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    // Empty, it asks for nothing (no-color.org).
    manager.variables.push(("NO_COLOR".into(), String::new()));
    manager.configure("Subnett = \"subnet-1\"", "");
    let warned = manager.prepare().err();
    // GitLab Runner 19.4: yellow for warnings, bold red for errors.
    assert!(warned.starts_with("\u{1b}[0;33mWARNING: /"), "{warned}");
    assert!(
        warned.ends_with("did you mean Subnet?\u{1b}[0;m\n"),
        "{warned}"
    );
    manager.custom("cleanup").exits(0);
    let failed = manager.run("true").exits(22).err();
    let first = failed.lines().next().unwrap();
    assert!(
        first.starts_with("\u{1b}[31;1mERROR: there is no record of the job's task"),
        "{failed}"
    );
    assert!(first.ends_with("\u{1b}[0;m"), "{failed}");
    // Cleanup's lines go to the runner's own log.
    manager.write_config("[Fargate");
    let failed = manager.custom("cleanup").exits(22).err();
    assert!(failed.starts_with("ERROR: "), "{failed}");
}

#[test]
fn an_image_that_the_operators_task_definition_replaces_is_told_in_one_line() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.ask(&json!({ "variables": null, "image": { "name": "ruby:3.3" },
        "services": [{ "name": "postgres:16" }, { "name": "redis:7" }] }));
    let told = "The job's image: ruby:3.3 and services: postgres:16, redis:7 have no effect: jobs run in the operator's \
        task definition\n";
    assert!(manager.prepare().out().starts_with(told));
    manager.custom("cleanup").exits(0);
    manager.ask(&json!({ "variables": null, "image": { "name": "" }, "services": [] }));
    assert!(!manager.prepare().out().contains("no effect"));
}

#[test]
fn scripts_are_for_bash_whatever_shell_the_runner_is_configured_with() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let answer = manager.custom("config").exits(0).out();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["shell"], "bash");
    // The operator's folders stay those of the runner's configuration.
    assert!(answer.get("builds_dir").is_none());
}

#[test]
fn what_is_invisible_is_shown() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let name = "ruby\u{200b}\u{202e}\u{e0041}:3";
    manager.ask(&json!({ "variables": null, "image": { "name": name } }));
    let out = manager.prepare().out();
    assert!(
        out.contains("image: ruby\\u{200b}\\u{202e}\\u{e0041}:3 "),
        "{out}"
    );
}
