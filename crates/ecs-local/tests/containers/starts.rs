//! The conditions for the start of a container, and the reasons of a failed start.

use serde_json::json;

use crate::cluster::{Cluster, ENDLESS, shell, with};
use crate::images::{BUSYBOX, ECHO};

#[test]
fn entry_points_and_commands_are_combined_as_docker_does() {
    let stand_in = Cluster::start();
    let echo = |name: &str, members| {
        with(
            json!({ "name": name, "image": ECHO, "essential": false }),
            members,
        )
    };
    let first = ["neither", "command", "entry", "both", "overridden", "empty"]
        .map(|name| json!({ "containerName": name, "condition": "SUCCESS" }));
    let task = stand_in.run_with(
        json!([
            echo("neither", json!({})),
            echo("command", json!({ "command": ["given"] })),
            echo("entry", json!({ "entryPoint": ["/bin/echo", "other"] })),
            echo(
                "both",
                json!({ "entryPoint": ["/bin/echo", "other"], "command": ["given"] })
            ),
            echo("overridden", json!({ "command": ["given"] })),
            echo("empty", json!({ "entryPoint": [], "command": [] })),
            with(shell("last", "true"), json!({ "dependsOn": first })),
        ]),
        &json!({}),
        &json!({ "containerOverrides": [{ "name": "overridden", "command": ["at", "last"] }] }),
    );
    let shown = task.stopped();
    assert_eq!(shown.exit_code("last"), Some(0), "{}", shown.0);
    for (name, output) in [
        ("neither", "entry cmd\n"),
        ("command", "entry given\n"),
        ("entry", "other\n"),
        ("both", "other given\n"),
        ("overridden", "entry at last\n"),
        ("empty", "entry cmd\n"),
    ] {
        assert_eq!(task.output(name), output, "{name}");
    }
}

/// Like a job: one container prepares a volume and ends, then another uses it.
#[test]
fn a_container_waits_until_another_has_succeeded() {
    let stand_in = Cluster::start();
    let mounts = json!([{ "sourceVolume": "tools", "containerPath": "/tools" }]);
    let task = stand_in.run_with(
        json!([
            with(
                shell("build", "/tools/tool"),
                json!({ "mountPoints": mounts, "dependsOn": [{ "containerName": "bootstrap", "condition": "SUCCESS" }] })
            ),
            with(
                shell(
                    "bootstrap",
                    "sleep 0.5; echo '#!/bin/sh' > /tools/tool; echo 'echo installed; exit 3' >> /tools/tool; chmod 755 /tools/tool"
                ),
                json!({ "mountPoints": mounts, "essential": false })
            ),
        ]),
        &json!({ "volumes": [{ "name": "tools" }] }),
        &json!({}),
    );
    let shown = task.stopped();
    assert_eq!(task.output("build"), "installed\n");
    assert_eq!(
        (shown.exit_code("bootstrap"), shown.exit_code("build")),
        (Some(0), Some(3))
    );
    assert_eq!(shown.stop_code(), "EssentialContainerExited");
    assert_eq!(shown.reason(), "Essential container in task exited");
    let digest = shown.container("build")["imageDigest"].as_str().unwrap();
    assert!(
        digest.starts_with("sha256:") && digest.len() == 71,
        "{digest}"
    );
}

#[test]
fn a_container_with_a_failed_dependency_does_not_start() {
    let stand_in = Cluster::start();
    let task = stand_in.run(json!([
        with(
            shell("build", "echo never"),
            json!({ "dependsOn": [{ "containerName": "bootstrap", "condition": "SUCCESS" }] })
        ),
        with(shell("bootstrap", "exit 7"), json!({ "essential": false })),
    ]));
    let shown = task.stopped();
    assert_eq!(shown.stop_code(), "TaskFailedToStart");
    assert_eq!(
        (shown.exit_code("bootstrap"), shown.exit_code("build")),
        (Some(7), Some(143))
    );
    let reason = shown.container("build")["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("CannotStartContainerError: dependency graph: "),
        "{reason}"
    );
    assert_eq!(task.output("build"), "");
}

/// The check can succeed only inside the container. ECS ignores the check of the image.
#[test]
fn a_health_check_runs_in_the_container() {
    let stand_in = Cluster::start();
    let check = json!({ "command": ["CMD-SHELL", "test \"$MARK\" = inside -a -e /etc/group -a ! -e /usr"], "interval": 5 });
    let task = stand_in.run(json!([
        with(
            shell("database", ENDLESS),
            json!({ "healthCheck": check, "environment": [{ "name": "MARK", "value": "inside" }] })
        ),
        with(
            shell("build", &["echo ready; ", ENDLESS].concat()),
            json!({ "dependsOn": [{ "containerName": "database", "condition": "HEALTHY" }] })
        ),
    ]));
    task.says("build", "ready");
    assert_eq!(
        task.running().container("database")["healthStatus"],
        "HEALTHY"
    );
}

#[test]
fn a_failed_pull_shows_the_registrys_message() {
    let stand_in = Cluster::start();
    // Nothing listens on port 1.
    let image = "127.0.0.1:1/team/app:1";
    let task = stand_in.run(json!([
        shell("first", ENDLESS),
        { "name": "build", "image": image },
    ]));
    let shown = task.stopped();
    assert_eq!(shown.stop_code(), "TaskFailedToStart");
    let begin = format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
    );
    for reason in [
        shown.reason(),
        shown.container("build")["reason"].as_str().unwrap(),
    ] {
        assert!(
            reason.starts_with(&begin) && reason.contains("connection refused"),
            "{reason}"
        );
    }
    assert_eq!(shown.exit_code("build"), None);
    assert!(shown.0["startedAt"].is_null(), "{}", shown.0);
}

#[test]
fn a_failed_start_shows_the_engines_message() {
    let stand_in = Cluster::start();
    for (members, hint) in [
        (
            json!({ "entryPoint": ["/no/such/program"] }),
            "/no/such/program",
        ),
        (
            json!({ "entryPoint": ["/bin/true"], "user": "ghost" }),
            "ghost",
        ),
    ] {
        let task = stand_in.run(json!([with(
            json!({ "name": "build", "image": BUSYBOX }),
            members
        )]));
        let shown = task.stopped();
        assert_eq!(shown.stop_code(), "TaskFailedToStart");
        let reason = shown.reason();
        assert!(
            reason.starts_with("CannotStartContainerError: ") && reason.contains(hint),
            "{reason}"
        );
        assert_eq!(shown.exit_code("build"), None);
    }
}
