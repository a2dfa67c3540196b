//! Stages in a network that fails: when they begin, while AWS does not know the task, and while nobody reads.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal::SIGTERM;
use serde_json::{Value, json};

use crate::fargate;
use crate::proxy::Proxy;
use testing::{ManagerHost, SECOND, SshServer};

/// A job that is prepared, with a network that can fail.
fn prepared(server: SshServer, ssh: &str) -> (ManagerHost, Proxy) {
    let manager = ManagerHost::new(fargate(), server);
    manager.configure_ssh(ssh);
    manager.prepare();
    let proxy = Proxy::before(&manager);
    (manager, proxy)
}

#[test]
fn a_stage_that_begins_in_an_outage_waits_for_the_network() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let (manager, proxy) = prepared(server, "ReconnectTimeout = \"60s\"");
        proxy.close(true);
        let run = manager.start_run("echo here; exit 3");
        std::thread::sleep(Duration::from_secs(7));
        proxy.close(false);
        let outcome = run.finish().exits(11);
        let out = outcome.out();
        assert!(out.ends_with("here\n"), "{out}");
        assert!(
            out.starts_with("Waiting for the job's task to take a connection ("),
            "{out}"
        );
        assert_eq!(manager.exit_code_file().as_deref(), Some("3\n"));
    }
}

#[test]
fn a_neighbours_flood_delays_a_stage_and_does_not_fail_it() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let file = manager.records().pop().unwrap();
    let record: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let login = &record["login"];
    let agent = format!("{}:{}", login["address"].as_str().unwrap(), login["port"]);
    // More connections than the agent has places for, which nobody logs in on.
    let mut flood: VecDeque<TcpStream> = VecDeque::new();
    let run = manager.start_run("echo here; exit 3");
    let until = Instant::now() + 8 * SECOND;
    while Instant::now() < until {
        flood.extend(TcpStream::connect(&agent));
        if flood.len() > 64 {
            flood.pop_front();
        }
        std::thread::sleep(SECOND / 20);
    }
    drop(flood);
    let outcome = run.finish().exits(11);
    assert!(outcome.out().ends_with("here\n"), "{}", outcome.out());
}

#[test]
fn an_outage_that_a_stage_begins_in_has_a_bound() {
    let (manager, proxy) = prepared(SshServer::Agent, "ReconnectTimeout = \"3s\"");
    proxy.close(true);
    let begun = Instant::now();
    manager.run("echo never run").exits(22).complains(&[
        "could not connect to the job's task at 127.",
        "within 3 s (ReconnectTimeout)",
    ]);
    assert!(begun.elapsed() >= 3 * SECOND);
    // A stop is heard at once.
    proxy.close(false);
    manager.configure_ssh("ReconnectTimeout = \"60s\"");
    proxy.close(true);
    let mut run = manager.start_run("echo never run");
    run.read_until("Waiting for the job's task");
    let begun = Instant::now();
    run.signal(SIGTERM);
    run.finish().exits(22).complains(&["stopped by SIGTERM"]);
    assert!(begun.elapsed() < 2 * SECOND, "{:?}", begun.elapsed());
}

#[test]
fn a_task_that_aws_does_not_know_for_a_moment_is_not_given_up_while_reconnecting() {
    const READ: u64 = 40;
    let faults = json!({ "faults": [{ "effect": { "missing_once": { "read": READ } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    manager.configure_ssh("ReconnectTimeout = \"60s\"");
    manager.prepare();
    let proxy = Proxy::before(&manager);
    let arn = manager.aws.running()[0]["taskArn"].clone();
    let look = || {
        let body = json!({ "cluster": "test-cluster", "tasks": [arn.clone()] });
        manager.aws.call("DescribeTasks", &body)
    };
    // The next look is the driver's, and does not find the task.
    while manager.aws.calls("DescribeTasks") < READ - 1 {
        look();
    }
    let mut run = manager.start_run("echo begun; sleep 8; echo ended; exit 3");
    run.read_until("begun\n");
    proxy.close(true);
    proxy.cut();
    while manager.aws.calls("DescribeTasks") < READ {
        std::thread::sleep(SECOND / 20);
    }
    std::thread::sleep(SECOND);
    proxy.close(false);
    let outcome = run.finish().exits(11);
    assert_eq!(outcome.out(), "ended\n");
}

#[test]
fn a_process_left_behind_that_goes_on_printing_does_not_hold_a_finished_stage() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    manager.prepare();
    let begun = Instant::now();
    let script = "(for n in $(seq 300); do echo tick; sleep .2; done) & echo said; exit 3";
    let outcome = manager.run(script).exits(11);
    let took = begun.elapsed();
    assert!(outcome.out().contains("said\n"));
    assert!(took > 3 * SECOND && took < 15 * SECOND, "{took:?}");
}

#[test]
fn a_runner_that_reads_slowly_still_gets_all_that_the_script_wrote() {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    manager.prepare();
    let mut run = manager.start_run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last");
    // Longer than the output of a process left behind is waited for.
    run.read_until("x");
    std::thread::sleep(8 * SECOND);
    let out = run.finish().exits(0).out();
    assert!(out.ends_with("x\nlast\n"), "{} bytes", out.len());
}

#[test]
fn a_stop_is_heard_while_the_runner_does_not_read() {
    for server in [SshServer::OpenSsh, SshServer::Agent] {
        let manager = ManagerHost::new(fargate(), server);
        manager.prepare();
        let mut run =
            manager.start_run("echo begun; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxx; done");
        run.read_until("begun\n");
        std::thread::sleep(SECOND);
        run.signal(SIGTERM);
        let begun = Instant::now();
        while !run.is_over() {
            assert!(begun.elapsed() < 20 * SECOND, "it is deaf");
            std::thread::sleep(SECOND / 20);
        }
        run.finish().exits(22);
    }
}
