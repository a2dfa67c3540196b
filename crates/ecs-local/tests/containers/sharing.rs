//! The resources that the containers of a task share, and those that they do not.

use std::io::Read;
use std::net::TcpStream;

use serde_json::json;

use crate::cluster::{Cluster, ENDLESS, shell, with};

/// A definition with a volume and shared processes.
fn all_shared() -> serde_json::Value {
    json!({ "pidMode": "task", "volumes": [{ "name": "work" }] })
}

fn mounted(container: serde_json::Value) -> serde_json::Value {
    let mounts = json!([{ "sourceVolume": "work", "containerPath": "/work" }]);
    with(container, json!({ "mountPoints": mounts }))
}

#[test]
fn network_processes_and_volumes_are_shared() {
    let stand_in = Cluster::start();
    let task = stand_in.run_with(
        json!([
            mounted(shell(
                "server",
                "echo written > /work/file; exec nc -ll -p 9000 -e echo served"
            )),
            mounted(shell(
                "client",
                &["until nc 127.0.0.1 9000 </dev/null | grep served; do sleep 0.1; done; until cat /work/file; do sleep 0.1; done; \
                 ps; ps | grep -q '[n]c -ll' && echo seen; ", ENDLESS].concat()
            )),
        ]),
        &all_shared(),
        &json!({}),
    );
    task.says("client", "seen");
    let output = task.output("client");
    assert!(output.contains("served\nwritten\n"), "{output}");
    // Connects as the driver would: from this machine, to the address that ECS shows.
    let address = task.running().address();
    let mut reply = String::new();
    let mut stream = TcpStream::connect((address, 9000)).unwrap();
    stream.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "served\n");
}

#[test]
fn processes_are_private_unless_shared() {
    let stand_in = Cluster::start();
    let task = stand_in.run(json!([shell(
        "alone",
        "echo I am $$; ps | grep -c /[p]ause"
    )]));
    task.stopped();
    // The program that holds the network is invisible, too.
    assert_eq!(task.output("alone"), "I am 1\n0\n");
}

#[test]
fn tasks_have_addresses_of_their_own() {
    let stand_in = Cluster::start();
    let server = |words: &str| {
        stand_in.run(json!([shell(
            "server",
            &format!("exec nc -ll -p 9000 -e echo {words}")
        )]))
    };
    let (one, other) = (server("one"), server("other"));
    for (task, words) in [(one, "one\n"), (other, "other\n")] {
        let address = task.running().address();
        let mut reply = String::new();
        // A RUNNING task may not listen yet.
        testing::wait_until("it listens", || {
            reply.clear();
            TcpStream::connect((address, 9000))
                .is_ok_and(|mut stream| stream.read_to_string(&mut reply).is_ok())
        });
        assert_eq!(reply, words);
    }
}

#[test]
fn a_volume_is_empty_and_of_root_and_can_be_read_only() {
    let stand_in = Cluster::start();
    let read_only = json!([{ "sourceVolume": "work", "containerPath": "/tmp", "readOnly": true }]);
    let task = stand_in.run_with(
        json!([
            with(
                mounted(shell(
                    "user",
                    &["stat -c '%u %a' /work; touch /work/file; ", ENDLESS].concat()
                )),
                json!({ "user": "ci" })
            ),
            with(
                shell("reader", "touch /tmp/file; ls -A /tmp | wc -l"),
                json!({ "mountPoints": read_only, "essential": false })
            ),
        ]),
        &json!({ "volumes": [{ "name": "work" }] }),
        &json!({}),
    );
    task.says("user", "Permission denied");
    assert!(
        task.output("user").starts_with("0 755\n"),
        "{}",
        task.output("user")
    );
    task.says("reader", "0\n");
    let output = task.output("reader");
    assert!(output.contains("Read-only file system"), "{output}");
}

#[test]
fn a_container_has_volumes_from_another() {
    let stand_in = Cluster::start();
    let from = |read_only| json!({ "volumesFrom": [{ "sourceContainer": "owner", "readOnly": read_only }] });
    let after = json!({ "dependsOn": [{ "containerName": "owner", "condition": "SUCCESS" }] });
    let task = stand_in.run_with(
        json!([
            with(
                mounted(shell("owner", "echo owned > /work/file")),
                json!({ "essential": false })
            ),
            with(
                with(
                    shell("heir", "cat /work/file; touch /work/other"),
                    from(true)
                ),
                after
            ),
        ]),
        &json!({ "volumes": [{ "name": "work" }] }),
        &json!({}),
    );
    let shown = task.stopped();
    let output = task.output("heir");
    assert!(
        output.starts_with("owned\n") && output.contains("Read-only"),
        "{output}"
    );
    assert_eq!(shown.exit_code("heir"), Some(1));
}

/// With SYS_PTRACE and shared processes, root in one container can change the files of another.
#[test]
fn a_tracing_container_reaches_the_files_of_the_others() {
    let stand_in = Cluster::start();
    let tracing =
        json!({ "user": "0", "linuxParameters": { "capabilities": { "add": ["SYS_PTRACE"] } } });
    let reach = &["until pid=$(ps | awk '/[s]leep 4242/ { print $1; found = 1; exit } END { exit !found }'); do sleep 0.1; done; \
                 echo '127.0.0.1 database' >> /proc/$pid/root/etc/hosts && echo done; ", ENDLESS].concat();
    let task = stand_in.run_with(
        json!([
            with(shell("tracer", reach), tracing),
            with(
                shell(
                    "traced",
                    &[
                        "sleep 4242 & until grep database /etc/hosts; do sleep 0.1; done; ",
                        ENDLESS
                    ]
                    .concat()
                ),
                json!({ "user": "ci" })
            ),
        ]),
        &all_shared(),
        &json!({}),
    );
    task.says("tracer", "done");
    task.says("traced", "127.0.0.1 database");
}
