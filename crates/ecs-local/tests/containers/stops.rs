//! Stopping containers.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::{Cluster, ENDLESS, shell, with};
use crate::images::{USR1, engine};
use crate::silent_engine::silent_about_containers;

#[test]
fn containers_get_their_stop_signal_and_then_sigkill() {
    let stand_in = Cluster::start();
    let waits = "echo ready; while true; do sleep 0.1; done";
    let task = stand_in.run(json!([
        shell(
            "polite",
            &format!("trap 'echo asked; exit 5' TERM; {waits}")
        ),
        shell("stubborn", &format!("trap 'echo ignored' TERM; {waits}")),
        with(
            shell("special", &format!("trap 'exit 6' USR1; {waits}")),
            json!({ "image": USR1 })
        ),
    ]));
    for name in ["polite", "stubborn", "special"] {
        task.says(name, "ready");
    }
    task.running();
    let begin = Instant::now();
    task.stop();
    let shown = task.stopped();
    let took = begin.elapsed();
    assert_eq!(
        ["polite", "stubborn", "special"].map(|name| shown.exit_code(name)),
        [Some(5), Some(137), Some(6)]
    );
    assert_eq!(shown.stop_code(), "UserInitiated");
    // The stand-in killed it, so the reason is not its memory.
    assert!(
        shown.container("stubborn")["reason"].is_null(),
        "{}",
        shown.0
    );
    assert!(task.output("stubborn").ends_with("ignored\n"));
    assert!(task.output("polite").ends_with("asked\n"));
    assert!(took >= Duration::from_secs(2), "killed after {took:?}");
}

#[test]
fn only_the_end_of_an_essential_container_stops_the_others() {
    let stand_in = Cluster::start();
    let task = stand_in.run(json!([
        with(shell("extra", "exit 4"), json!({ "essential": false })),
        shell(
            "other",
            "trap 'exit 0' TERM; while true; do sleep 0.1; done"
        ),
        with(
            shell("essential", "sleep 0.5; exit 9"),
            json!({ "dependsOn": [{ "containerName": "extra", "condition": "COMPLETE" }] })
        ),
    ]));
    let shown = task.stopped();
    assert_eq!(
        ["extra", "essential", "other"].map(|name| shown.exit_code(name)),
        [Some(4), Some(9), Some(0)]
    );
}

#[test]
fn a_stop_reaches_a_task_whose_containers_have_not_started() {
    let rules = json!([{ "when": { "container": "build" }, "effect": { "pull_delay": { "seconds": 600 } } }]);
    let stand_in = Cluster::with_faults(&rules);
    let task = stand_in.run(json!([
        shell("build", "echo never"),
        shell("other", ENDLESS)
    ]));
    task.wait_until("the other's image is there", |shown| {
        shown.container("other")["imageDigest"].is_string()
    });
    task.stop();
    let shown = task.stopped();
    assert_eq!(
        (shown.stop_code(), shown.exit_code("build")),
        ("UserInitiated", None)
    );
}

/// Also among shared processes, where the first process of the task is not the container's.
#[test]
fn the_processes_of_a_container_end_with_it() {
    let stand_in = Cluster::start();
    let task = stand_in.run_with(
        json!([
            with(
                shell("leaves", "sleep 4242 & echo left"),
                json!({ "essential": false })
            ),
            with(
                shell(
                    "looks",
                    "while ps | grep '[s]leep 4242'; do sleep 0.1; done; echo none"
                ),
                json!({ "dependsOn": [{ "containerName": "leaves", "condition": "COMPLETE" }] })
            ),
        ]),
        &json!({ "pidMode": "task" }),
        &json!({}),
    );
    task.says("looks", "none");
    assert_eq!(task.stopped().exit_code("leaves"), Some(0));
}

#[test]
fn a_stop_reaches_a_container_about_which_the_engine_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    silent_about_containers(&socket, &engine().socket);
    let stand_in = Cluster::in_engine(socket, &json!([]));
    let task = stand_in.run(json!([shell(
        "build",
        "trap 'exit 5' TERM; echo ready; while true; do sleep 0.1; done"
    )]));
    task.says("build", "ready");
    task.running();
    let begun = Instant::now();
    task.stop();
    assert_eq!(task.stopped().exit_code("build"), Some(5));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
