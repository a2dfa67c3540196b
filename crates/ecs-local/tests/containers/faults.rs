//! The faults that real containers support.

use ecs_local::Backend;
use serde_json::json;

use crate::cluster::{Cluster, ENDLESS, shell};

#[test]
fn a_slow_pull_delays_all_containers_and_without_waiting_for_others_only_its_own() {
    let rules =
        json!([{ "when": { "container": "build" }, "effect": { "pull_delay": { "seconds": 3 } } }]);
    for lazy in [false, true] {
        // ECS shows the same with processes.
        for stand_in in [
            Cluster::with_pulls(lazy, &rules),
            Cluster::with(Backend::default(), lazy, &rules),
        ] {
            let task = stand_in.run(json!([
                shell("build", &format!("echo built; {ENDLESS}")),
                shell("helper", &format!("echo helping; {ENDLESS}")),
            ]));
            if lazy {
                task.says("helper", "helping");
                let before = task.now();
                assert_eq!(before.status(), "PENDING", "{}", before.0);
                assert_eq!(before.container("helper")["lastStatus"], "RUNNING");
                assert_eq!(before.container("build")["lastStatus"], "PENDING");
                assert!(before.container("build")["imageDigest"].is_null());
                assert!(before.0["pullStoppedAt"].is_null(), "{}", before.0);
            }
            let after = task.wait_until("running", |shown| {
                let helper = &shown.container("helper")["lastStatus"];
                let is_pulled = !shown.0["pullStoppedAt"].is_null();
                assert!(lazy || is_pulled || helper == "PENDING", "{}", shown.0);
                shown.status() == "RUNNING"
            });
            task.says("build", "built");
            let time = |name: &str| after.0[name].as_f64().unwrap();
            assert!(
                time("pullStoppedAt") - time("pullStartedAt") >= 3.0,
                "{}",
                after.0
            );
            assert!(time("startedAt") >= time("pullStoppedAt"));
        }
    }
}

#[test]
fn a_container_ends_at_the_time_and_with_the_code_of_the_fault() {
    let rules = json!([
        { "when": { "container": "exits" }, "effect": { "exit": { "after_seconds": 0.2, "code": 9 } } },
        { "when": { "container": "grows" }, "effect": { "out_of_memory": { "after_seconds": 0.2 } } },
    ]);
    let stand_in = Cluster::with_faults(&rules);
    let endless = |name: &str| stand_in.run(json!([shell(name, ENDLESS)]));
    let shown = endless("exits").stopped();
    assert_eq!(shown.exit_code("exits"), Some(9));
    let shown = endless("grows").stopped();
    assert_eq!(shown.exit_code("grows"), Some(137));
    let reason = shown.container("grows")["reason"].as_str().unwrap();
    assert!(reason.starts_with("OutOfMemoryError: "), "{reason}");
}

/// On ECS one file is made for a task, and mounted into all its containers (amazon-ecs-agent,
/// ecs-agent/netlib/platform/common_linux.go: createDNSConfig).
#[test]
fn a_container_shares_the_tasks_hosts_file_unless_a_fault_says_otherwise() {
    let rules = json!([{ "when": { "container": "apart" }, "effect": "own_hosts" }]);
    let stand_in = Cluster::with_faults(&rules);
    let writer = format!("echo 127.0.0.1 database >> /etc/hosts; echo written; {ENDLESS}");
    let reader = "until grep database /etc/hosts; do sleep 0.1; done; ".to_owned() + ENDLESS;
    let task = stand_in.run(json!([
        shell("writer", &writer),
        shell("reader", &reader),
        shell(
            "apart",
            &format!("sleep 3; grep -c database /etc/hosts; cat /etc/hosts; {ENDLESS}")
        ),
    ]));
    task.says("writer", "written");
    task.says("reader", "127.0.0.1 database");
    task.says("apart", "127.0.0.1 localhost");
    assert_eq!(task.output("apart"), "0\n127.0.0.1 localhost\n");

    let processes = Cluster::with(Backend::default(), false, &rules);
    let shown = processes
        .run(json!([shell("apart", "echo never")]))
        .stopped();
    assert!(
        shown.reason().contains("only with real containers"),
        "{}",
        shown.reason()
    );
}

#[test]
fn an_unsupported_fault_fails_the_start_with_its_reason() {
    let rules = json!([{ "effect": { "port_refused": {} } }]);
    let stand_in = Cluster::with_faults(&rules);
    let shown = stand_in
        .run(json!([shell("build", "echo never")]))
        .stopped();
    assert!(
        shown
            .reason()
            .contains("only where containers are processes"),
        "{}",
        shown.reason()
    );
}
