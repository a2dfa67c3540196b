//! The settings of a container: user, limits, capabilities, memory.

use serde_json::json;

use crate::cluster::{Cluster, ENDLESS, shell, with};

/// The bits of CAP_SYS_PTRACE, and of CAP_CHOWN, which containers have by default.
const SYS_PTRACE: u64 = 1 << 19;
const CHOWN: u64 = 1;

#[test]
fn user_folder_limits_and_environment() {
    let stand_in = Cluster::start();
    let task = stand_in.run(json!([with(
        shell("build", "id -u; id -g; pwd; ulimit -n; echo \"$GREETING\""),
        json!({
            "user": "ci:0",
            "workingDirectory": "/etc",
            // Without a limit Podman requests the most processes possible, which some machines refuse.
            "ulimits": [{ "name": "nofile", "softLimit": 100, "hardLimit": 200 }, { "name": "nproc", "softLimit": 500, "hardLimit": 500 }],
            "environment": [{ "name": "GREETING", "value": "two  words = \"one\"" }],
        })
    )]));
    task.stopped();
    assert_eq!(
        task.output("build"),
        "1000\n0\n/etc\n100\ntwo  words = \"one\"\n"
    );
}

#[test]
fn the_root_can_be_read_only() {
    let stand_in = Cluster::start();
    let script = "touch /etc/file && echo written";
    let task = stand_in.run(json!([
        with(
            shell("writable", script),
            json!({ "essential": false, "readonlyRootFilesystem": false })
        ),
        with(
            shell("read-only", script),
            json!({ "readonlyRootFilesystem": true,
                "dependsOn": [{ "containerName": "writable", "condition": "SUCCESS" }] })
        ),
    ]));
    task.stopped();
    assert_eq!(task.output("writable"), "written\n");
    let output = task.output("read-only");
    assert!(output.contains("Read-only file system"), "{output}");
}

#[test]
fn capabilities_are_added_and_dropped() {
    let stand_in = Cluster::start();
    let script = "grep CapEff /proc/self/status";
    let changed = json!({ "add": ["SYS_PTRACE"], "drop": ["CHOWN"] });
    let task = stand_in.run(json!([
        shell("last", &format!("{script}; sleep 1")),
        with(
            shell("changed", script),
            json!({ "essential": false, "linuxParameters": { "capabilities": changed } })
        ),
    ]));
    task.stopped();
    let has = |container: &str| {
        let output = task.output(container);
        let bits = output.split_whitespace().nth(1).unwrap_or_default();
        let bits = u64::from_str_radix(bits, 16).unwrap();
        (bits & SYS_PTRACE != 0, bits & CHOWN != 0)
    };
    assert_eq!(has("last"), (false, true));
    assert_eq!(has("changed"), (true, false));
}

#[test]
fn an_init_process_reaps_orphans() {
    let stand_in = Cluster::start();
    // An ended orphan goes only when its new parent, the first process, reaps it.
    let script = "echo I am $$; (sleep 0.1 & echo $! > /tmp/orphan); \
                  while [ -e /proc/$(cat /tmp/orphan) ]; do sleep 0.1; done; echo gone";
    let init = json!({ "linuxParameters": { "initProcessEnabled": true } });
    let task = stand_in.run(json!([with(shell("build", script), init)]));
    task.stopped();
    let output = task.output("build");
    assert!(
        !output.contains("I am 1\n") && output.ends_with("gone\n"),
        "{output}"
    );
}

#[test]
fn a_container_over_its_memory_limit_ends_out_of_memory() {
    let stand_in = Cluster::start();
    // A string that grows forever.
    let greedy = "a=xxxxxxxxxxxxxxxx; while true; do a=$a$a; done";
    let task = stand_in.run(json!([
        with(shell("greedy", greedy), json!({ "memory": 32 })),
        shell("modest", ENDLESS),
    ]));
    let shown = task.stopped();
    assert_eq!(shown.exit_code("greedy"), Some(137));
    let reason = &shown.container("greedy")["reason"];
    assert_eq!(
        reason,
        "OutOfMemoryError: Container killed due to memory usage"
    );
    assert!(shown.container("modest")["reason"].is_null(), "{}", shown.0);
    assert_eq!(shown.stop_code(), "EssentialContainerExited");
}

#[test]
fn containers_that_use_too_much_together_end_out_of_memory() {
    let stand_in = Cluster::start();
    // So many bytes without a line's end are kept by the program that looks for the last lines.
    let uses = |name: &str, mib: u32| {
        let holds =
            format!("{{ head -c {mib}m /dev/zero; sleep 1000; }} | tail & echo holds; {ENDLESS}");
        with(shell(name, &holds), json!({ "essential": name == "large" }))
    };
    // None exceeds the 512 MiB of the task alone.
    let within = stand_in.run(json!([uses("large", 230), uses("small", 130)]));
    within.running();
    let task = stand_in.run(json!([uses("large", 330), uses("small", 230)]));
    let shown = task.stopped();
    assert_eq!(shown.exit_code("large"), Some(137));
    assert_eq!(
        shown.container("large")["reason"],
        "OutOfMemoryError: Container killed due to memory usage"
    );
    assert_eq!(shown.stop_code(), "EssentialContainerExited");
    assert!(shown.container("small")["reason"].is_null(), "{}", shown.0);
    // Meanwhile the first task has used its memory for as long.
    assert_eq!(within.now().status(), "RUNNING");
}

/// As an entry point that waits for the program whose script runs `kill -9 $PPID`.
#[test]
fn a_killed_child_of_the_first_process_is_not_out_of_memory() {
    let stand_in = Cluster::start();
    let wrapper = "sh -c 'kill -9 $$'; exit $?";
    let task = stand_in.run(json!([shell("wrapped", wrapper)]));
    let shown = task.stopped();
    assert_eq!(shown.exit_code("wrapped"), Some(137));
    assert!(
        shown.container("wrapped")["reason"].is_null(),
        "{}",
        shown.0
    );
    assert_eq!(shown.stop_code(), "EssentialContainerExited");
}
