//! Nothing is left in the engine: not by a task, not by a stand-in, and not even by a killed one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::cluster::{Cluster, ENDLESS, Task, serving_program, shell, with};
use crate::images::engine;

fn endless() -> Value {
    json!([with(
        shell("build", ENDLESS),
        json!({ "mountPoints": [{ "sourceVolume": "work", "containerPath": "/work" }] })
    )])
}

/// A running task with a volume.
fn running(stand_in: &Cluster) -> Task<'_> {
    let task = stand_in.run_with(
        endless(),
        &json!({ "volumes": [{ "name": "work" }] }),
        &json!({}),
    );
    task.running();
    task
}

fn left(task: &str) -> Vec<String> {
    engine().labelled(&format!("fargate.local.task={task}"))
}

#[test]
fn a_stopped_task_leaves_nothing() {
    let stand_in = Cluster::start();
    let task = running(&stand_in);
    // The container that holds the network, the task's own container, and the volume.
    assert_eq!(left(task.id()).len(), 3);
    task.stop();
    task.stopped();
    assert_eq!(left(task.id()), [""; 0]);
}

#[test]
fn a_task_that_fails_to_start_leaves_nothing() {
    let stand_in = Cluster::start();
    let task = stand_in.run(json!([
        shell("first", ENDLESS),
        { "name": "build", "image": "127.0.0.1:1/none:1" },
    ]));
    task.stopped();
    assert_eq!(left(task.id()), [""; 0]);
}

/// Stops at different times of the start.
#[test]
fn a_task_stopped_while_it_starts_leaves_nothing() {
    let stand_in = Cluster::start();
    for wait in [0, 20, 60, 150, 300] {
        let task = stand_in.run(json!([shell("build", ENDLESS)]));
        std::thread::sleep(std::time::Duration::from_millis(wait));
        task.stop();
        task.stopped();
        assert_eq!(left(task.id()), [""; 0], "stopped after {wait} ms");
    }
}

#[test]
fn the_end_of_the_stand_in_leaves_nothing() {
    let mut stand_in = Cluster::start();
    let ids = [
        running(&stand_in).id().to_owned(),
        running(&stand_in).id().to_owned(),
    ];
    stand_in.end();
    for id in ids {
        assert_eq!(left(&id), [""; 0]);
    }
}

/// A stand-in in a process of its own.
struct Server {
    child: Child,
    stand_in: Cluster,
}

impl Server {
    fn start() -> Self {
        let socket = format!("unix://{}", engine().socket.display());
        let mut child = Command::new(serving_program())
            .env("DOCKER_HOST", socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self {
            child,
            stand_in: Cluster::at(address.trim().parse().unwrap()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_stand_in_removes_the_containers_of_a_killed_one_and_keeps_those_of_a_running_one() {
    let living = Cluster::start();
    let theirs = running(&living);
    let killed = Server::start();
    let id = running(&killed.stand_in).id().to_owned();
    drop(killed);
    assert_eq!(left(&id).len(), 3);
    let next = Server::start();
    assert_eq!(left(&id), [""; 0]);
    assert_eq!(left(theirs.id()).len(), 3);
    assert_eq!(theirs.now().status(), "RUNNING");
    // It removed only those of the killed one. This one is killed, too, so that the next one has containers to remove.
    assert_eq!(running(&next.stand_in).now().status(), "RUNNING");
    drop(next);
    drop(Server::start());
}
