//! Tasks that wait for jobs with services.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use testing::{ManagerHost, SECOND, wait_until};

use crate::job_image::{WHERE, manager_with};
use crate::job_services::{LISTENS, free_port, service};
use crate::warm::{keep_once, status};

/// A pool for jobs with these services, which name a port each or none.
fn pool(services: &[Value]) -> String {
    let of = |service: &Value| {
        let variables = service["variables"].as_array().unwrap().iter();
        let variables: Vec<_> = variables
            .map(|variable| {
                format!(
                    "{} = {}",
                    variable["key"].as_str().unwrap(),
                    variable["value"]
                )
            })
            .collect();
        format!(
            "{{ Name = {}, Alias = {}, Entrypoint = {}, Command = {}, Variables = {{ {} }} }}",
            service["name"],
            service["alias"],
            service["entrypoint"],
            service["command"],
            variables.join(", ")
        )
    };
    let services: Vec<_> = services.iter().map(of).collect();
    format!(
        "[[Warm.Pool]]\nImage = \"ruby:3.3\"\nTasks = 1\nServices = [{}]\n",
        services.join(", ")
    )
}

/// A manager with such a pool, and a job for it.
fn manager(services: &[Value]) -> ManagerHost {
    let manager = manager_with(&json!({}), "", &pool(services));
    manager.ask(&json!({ "image": { "name": "ruby:3.3" }, "services": services }));
    manager
}

/// A service that listens once there is this file.
fn listens_after(file: &Path, port: u16) -> Value {
    let script = format!(
        "until [ -e {} ]; do sleep 0.1; done; {LISTENS}",
        file.display()
    );
    service("db", &script, Some(port))
}

fn claims(manager: &ManagerHost) {
    let prepared = manager.prepare().out();
    assert!(prepared.contains("Claimed task "), "{prepared}");
}

#[test]
fn a_task_is_ready_when_its_services_listen() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let go = folder.path().join("go");
    let manager = manager(&[listens_after(&go, port)]);
    let keep = manager.start(&["warm", "keep"]);
    wait_until("its task runs", || {
        let tasks = manager.aws.running();
        tasks.iter().any(|task| task["lastStatus"] == "RUNNING")
    });
    // Both agents take a second at most.
    std::thread::sleep(4 * SECOND);
    let row = status(&manager)["pools"][0].clone();
    assert_eq!((&row["starting"], &row["ready"]), (&json!(1), &json!(0)));
    std::fs::write(&go, "").unwrap();
    wait_until("it is ready", || status(&manager)["pools"][0]["ready"] == 1);
    claims(&manager);
    let connect = format!(
        "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port})); print(\"connected\")'"
    );
    let run = manager.start_stage("build_script", &connect).finish();
    assert_eq!(run.exits(0).out(), "connected\n");
    drop(keep);
    manager.custom("cleanup").exits(0);
}

#[test]
fn the_job_of_a_task_whose_services_never_listened_is_warned_and_goes_on_at_once() {
    let port = free_port();
    let services = [
        service("db", "exec sleep 1000", Some(port)),
        service("other", "exit 7", None),
    ];
    let manager = manager(&services);
    let begun = Instant::now();
    let kept = keep_once(&manager);
    assert!(begun.elapsed() > 29 * SECOND, "{:?}", begun.elapsed());
    let silent = format!("WARNING: nothing listens for db on port {port} after 30 s");
    assert!(kept.contains(&silent), "{kept}");
    assert!(kept.contains(" is ready\n"), "{kept}");
    claims(&manager);
    let begun = Instant::now();
    let run = manager.start_stage("build_script", WHERE).finish().exits(0);
    assert!(begun.elapsed() < 15 * SECOND, "{:?}", begun.elapsed());
    let said = run.out();
    assert!(said.contains(&silent), "{said}");
    let ended = "WARNING: service other (app:16) exited with status 7\n";
    assert!(said.contains(ended), "{said}");
    assert!(said.ends_with("in ci-coordinator\n"), "{said}");
    manager.custom("cleanup").exits(0);
}

#[test]
fn a_job_hears_what_was_found_while_its_task_waited() {
    let manager = manager(&[service("db", "exec sleep 1000", None)]);
    keep_once(&manager);
    let warning = "WARNING: the names db do not resolve in the job's container";
    let warm = manager.metadata().join("warm").read_dir().unwrap();
    let files = warm.map(|file| file.unwrap().path());
    let file = files
        .into_iter()
        .find(|file| file.extension().is_some_and(|it| it == "json"))
        .unwrap();
    let mut task: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    task["warning"] = json!(warning);
    std::fs::write(&file, task.to_string()).unwrap();
    let prepared = manager.prepare().out();
    let claimed = prepared.split_once("Claimed task ").unwrap().1;
    assert!(claimed.contains(warning), "{prepared}");
    manager.custom("cleanup").exits(0);
}

#[test]
fn services_that_listen_later_than_they_may_are_heard_by_the_job() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let go = folder.path().join("go");
    let manager = manager(&[listens_after(&go, port)]);
    keep_once(&manager);
    std::fs::write(&go, "").unwrap();
    claims(&manager);
    let run = manager.start_stage("build_script", WHERE).finish().exits(0);
    assert!(!run.out().contains("WARNING"), "{}", run.out());
    manager.custom("cleanup").exits(0);
}
