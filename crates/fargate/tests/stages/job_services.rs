//! JobImage mode: the services of a job, as processes of this machine.

use std::net::TcpListener;
use std::time::Instant;

use nix::sys::signal::Signal::SIGTERM;
use serde_json::{Value, json};
use testing::{ManagerHost, SECOND};

use crate::job_image::{WHERE, definition, manager, manager_with};
use crate::proxy::{Cut, Proxy};

/// A port that nobody uses just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A service that runs `script`, and says that it listens on `port`.
pub(crate) fn service(alias: &str, script: &str, port: Option<u16>) -> Value {
    let variables: Vec<_> = port
        .map(|port| json!({ "key": "HEALTHCHECK_TCP_PORT", "value": port.to_string() }))
        .into_iter()
        .collect();
    json!({ "name": "app:16", "alias": alias, "entrypoint": ["/bin/sh", "-c"], "command": [script], "variables": variables })
}

/// Listens on the port that its variable names.
pub(crate) const LISTENS: &str = "exec python3 -c 'import os, socket, time; \
    server = socket.create_server((\"127.0.0.1\", int(os.environ[\"HEALTHCHECK_TCP_PORT\"]))); time.sleep(1000)'";

#[test]
fn the_jobs_script_waits_until_its_services_listen() {
    let manager = manager();
    let port = free_port();
    let go = manager.path("go");
    let script = format!(
        "until [ -e {} ]; do sleep 0.1; done; {LISTENS}",
        go.display()
    );
    manager.ask(
        &json!({ "image": { "name": "a" }, "services": [service("db", &script, Some(port))] }),
    );
    let prepared = manager.prepare();
    assert!(
        prepared.out().contains("Starting a with db in cluster"),
        "{}",
        prepared.out()
    );
    // Nobody but the job's script waits.
    assert_eq!(
        manager
            .start_stage("get_sources", WHERE)
            .finish()
            .exits(0)
            .out(),
        "in helper\n"
    );
    let connect = format!(
        "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port})); print(\"connected\")'"
    );
    let mut run = manager.start_stage("build_script", &connect);
    run.read_until(&format!("Waiting for services: db on port {port}\n"));
    std::fs::write(&go, "").unwrap();
    let rest = run.finish().exits(0).out();
    assert_eq!(rest.lines().last(), Some("connected"), "{rest}");
    assert_eq!(
        manager
            .start_stage("after_script", "echo after")
            .finish()
            .exits(0)
            .out(),
        "after\n"
    );
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_service_that_never_listens_is_warned_of_and_the_job_goes_on() {
    let manager = manager();
    let port = free_port();
    manager.ask(&json!({ "image": { "name": "a" }, "services": [service("db", "exec sleep 1000", Some(port)), service("other", "exec sleep 1000", None)] }));
    let prepared = manager.prepare().out();
    let note = format!(
        "The job's script waits for its services: db on port {port}; not for other: HEALTHCHECK_TCP_PORT names no port\n"
    );
    assert!(prepared.contains(&note), "{prepared}");
    let begun = Instant::now();
    let run = manager.start_stage("build_script", WHERE).finish().exits(0);
    assert!(
        begun.elapsed() > 29 * SECOND && begun.elapsed() < 40 * SECOND,
        "{:?}",
        begun.elapsed()
    );
    let said = run.out();
    assert!(
        said.contains(&format!(
            "WARNING: nothing listens for db on port {port} after 30 s"
        )),
        "{said}"
    );
    assert!(!said.contains("WARNING: service"), "{said}");
    assert!(said.ends_with("in ci-coordinator\n"), "{said}");
}

/// A job that waits for a service in vain.
fn waits_in_vain() -> ManagerHost {
    let manager = manager();
    let silent = service("db", "exec sleep 1000", Some(free_port()));
    manager.ask(&json!({ "image": { "name": "a" }, "services": [silent] }));
    manager.prepare();
    manager
}

/// How many connections to the helper six seconds of waiting take.
fn connections_of_a_wait(manager: &ManagerHost, proxy: &Proxy) -> usize {
    let mut run = manager.start_stage("build_script", "true");
    run.read_until("Waiting for services: db on port ");
    std::thread::sleep(6 * SECOND);
    let count = proxy.connections();
    run.signal(SIGTERM);
    run.finish().exits(22);
    count
}

#[test]
fn a_helper_that_is_hard_to_reach_is_tried_less_and_less_often() {
    let manager = waits_in_vain();
    let proxy = Proxy::before(&manager);
    // In the middle of the handshake.
    proxy.cut_next([Cut::Down(1000); 1000]);
    let count = connections_of_a_wait(&manager, &proxy);
    assert!((3..=8).contains(&count), "{count} connections");
}

#[test]
fn a_helper_is_asked_over_one_connection() {
    let manager = waits_in_vain();
    let proxy = Proxy::before(&manager);
    let count = connections_of_a_wait(&manager, &proxy);
    assert!((1..=2).contains(&count), "{count} connections");
}

#[test]
fn a_service_that_ended_is_not_waited_for_and_is_named_although_the_script_succeeds() {
    let manager = manager();
    let ends = service("db", "sleep 2; exit 7", Some(free_port()));
    manager.ask(
        &json!({ "image": { "name": "a" }, "services": [ends, service("other", "exit 0", None)] }),
    );
    manager.prepare();
    let asked = manager.aws.calls("DescribeTasks");
    let begun = Instant::now();
    let run = manager
        .start_stage("build_script", "sleep 1; echo done")
        .finish()
        .exits(0);
    assert!(begun.elapsed() < 15 * SECOND, "{:?}", begun.elapsed());
    let said = run.out();
    for (warning, times) in [
        ("WARNING: service db (app:16) exited with status 7\n", 1),
        ("WARNING: service other (app:16) exited with status 0\n", 1),
        ("WARNING: nothing listens", 0),
    ] {
        assert_eq!(said.matches(warning).count(), times, "{warning}: {said}");
    }
    assert_eq!(
        manager.aws.calls("DescribeTasks"),
        asked,
        "the task itself knows"
    );
}

/// The second one cannot bind the port. The script would find the first one, whatever name it used.
#[test]
fn two_databases_on_one_port_do_not_pass_unnoticed() {
    let manager = manager();
    let script = "exec python3 -c 'import socket, time; server = socket.create_server((\"127.0.0.1\", 11211)); time.sleep(1000)'";
    let services = ["one", "two"].map(|alias| {
        let script = if alias == "two" { format!("sleep 1; {script}") } else { script.to_owned() };
        json!({ "name": "memcached:1", "alias": alias, "entrypoint": ["/bin/sh", "-c"], "command": [script] })
    });
    manager.ask(&json!({ "image": { "name": "a" }, "services": services }));
    let prepared = manager.prepare().out();
    let warning = "WARNING: the services one and two both usually listen on port 11211, ";
    assert!(prepared.contains(warning), "{prepared}");
    let run = manager
        .start_stage("build_script", "sleep 3; echo done")
        .finish()
        .exits(0);
    let said = run.out();
    assert!(
        said.contains("WARNING: service two (memcached:1) exited with status 1\n"),
        "{said}"
    );
    assert!(!said.contains("service one"), "{said}");
}

/// ECS's API may know of the end of a container half a minute later; within the task it is known at once.
#[test]
fn a_service_that_died_is_named_before_the_api_knows_of_it() {
    let late = json!({ "faults": [{ "effect": "late_containers" }] });
    let manager = manager_with(&late, "", "");
    manager.ask(&json!({ "image": { "name": "a" }, "services": [service("db", "exit 7", None)] }));
    manager.prepare();
    let failed = manager
        .start_stage("build_script", "sleep 1; exit 4")
        .finish()
        .exits(11);
    let said = failed.out();
    assert!(
        said.contains("WARNING: service db (app:16) exited with status 7\n"),
        "{said}"
    );
    let task = &manager.aws.running()[0];
    let containers = task["containers"].as_array().unwrap();
    assert!(
        containers
            .iter()
            .all(|container| container["exitCode"].is_null() || container["name"] == "bootstrap"),
        "{task}"
    );
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn a_service_that_died_is_named_when_the_script_fails() {
    let manager = manager();
    manager.ask(&json!({ "image": { "name": "a" }, "services": [service("db", "exit 7", None)] }));
    manager.prepare();
    let failed = manager
        .start_stage("build_script", "sleep 1; echo no database; exit 4")
        .finish()
        .exits(11);
    assert_eq!(
        failed.out(),
        "no database\nWARNING: service db (app:16) exited with status 7\n"
    );
    assert_eq!(manager.exit_code_file().unwrap(), "4\n");
    // A script that succeeds costs no call.
    let before = manager.aws.calls("DescribeTasks");
    manager
        .start_stage("after_script", "true")
        .finish()
        .exits(0);
    assert_eq!(manager.aws.calls("DescribeTasks"), before);
}

#[test]
fn several_services_start_when_somebody_is_there_to_name_them() {
    let manager = manager();
    let services = ["one", "two"].map(|alias| service(alias, "exec sleep 1000", None));
    manager.ask(&json!({ "image": { "name": "a" }, "services": services }));
    manager.prepare();
    let containers = definition(&manager)["containerDefinitions"].clone();
    let helper = json!([{ "containerName": "helper", "condition": "START" }]);
    assert_eq!(containers[3]["dependsOn"], helper, "{containers}");
    assert_eq!(containers[4]["dependsOn"], helper, "{containers}");
    manager
        .start_stage("build_script", "true")
        .finish()
        .exits(0);
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
    // One alone knows its names, and waits for nobody.
    manager.ask(&json!({ "image": { "name": "a" }, "services": services[..1] }));
    manager.prepare();
    let alone = definition(&manager)["containerDefinitions"][3].clone();
    assert!(
        alone["dependsOn"].as_array().is_none_or(Vec::is_empty),
        "{alone}"
    );
}

#[test]
fn a_services_variables_reach_it() {
    let manager = manager();
    let file = manager.path("environment");
    let script = format!("env > {}; exec sleep 1000", file.display());
    let mut with = service("db", &script, None);
    with["variables"] = json!([{ "key": "URL", "value": "x://${NAME}/$OPEN/$DATA" },
                               { "key": "POSTGRES_PASSWORD", "value": "a$VAULT_PW" }]);
    manager.ask(&json!({ "image": { "name": "a" }, "services": [with],
        "variables": [{ "key": "NAME", "value": "shop" }, { "key": "OPEN", "value": "yes", "public": true },
                      { "key": "DATA", "value": "$NAME/data", "public": true },
                      { "key": "AS_IT_IS", "value": "$NAME", "public": true, "raw": true },
                      { "key": "CI_COMMIT_SHA", "value": "abc", "public": true }] }));
    let prepared = manager.prepare();
    // Of which GitLab says nothing.
    let note = "WARNING: VAULT_PW, to which POSTGRES_PASSWORD of service db refers, is empty there";
    assert!(prepared.out().contains(note), "{}", prepared.out());
    testing::wait_until("the service runs", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("URL="))
    });
    let environment = std::fs::read_to_string(&file).unwrap();
    for line in [
        "URL=x://shop/yes/shop/data\n",
        "POSTGRES_PASSWORD=a\n",
        "OPEN=yes\n",
        "DATA=shop/data\n",
        "AS_IT_IS=$NAME\n",
    ] {
        assert!(environment.contains(line), "{environment}");
    }
    assert!(
        !environment.contains("NAME=shop") && !environment.contains("CI_COMMIT_SHA"),
        "{environment}"
    );
}
