//! Subnets with IPv6 alone: the whole job in a network namespace without an IPv4 address.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use ecs_local::{Options, Seed};
use testing::{Account, ManagerHost, SshServer};

use crate::fargate;

/// Set in the process that runs inside of the namespace.
const INSIDE: &str = "FARGATE_TEST_IPV6";

/// Leaves IPv6 alone: loopback without its IPv4 address, and the stand-in's range as addresses of this machine.
const SET_UP: &str = "ip link set lo up && ip address delete 127.0.0.1/8 dev lo && \
                      ip -6 route add local fd7a:6761:7465::/48 dev lo && \
                      echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind && exec \"$@\"";

/// Runs the rest of a test in such a namespace. Returns whether this process is the one inside.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let done = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", SET_UP, "inside"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(said.contains("1 passed"), "{said}");
    false
}

fn manager(server: SshServer) -> ManagerHost {
    assert!(
        std::net::TcpListener::bind("127.0.0.1:0").is_err(),
        "there is IPv4"
    );
    let mut seed = Seed::default();
    for subnet in &mut seed.subnets {
        subnet.ipv6_only = true;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        backend: server.backend(fargate(), folder.path()),
        seed,
        ..Options::default()
    };
    ManagerHost::in_account(fargate(), Account::start_with(options), folder)
}

#[test]
fn a_job_runs_in_a_subnet_with_ipv6_alone() {
    if !is_inside("ipv6::a_job_runs_in_a_subnet_with_ipv6_alone") {
        return;
    }
    let manager = manager(SshServer::Agent);
    for public in ["", "EnablePublicIP = true"] {
        manager.configure(public, "");
        let ready = manager.prepare();
        assert!(ready.out().contains("@[fd7a:6761:7465:"), "{}", ready.out());
        let run = manager.run("echo here; exit 3").exits(11);
        assert!(run.out().contains("here"), "{}", run.out());
        manager.custom("cleanup").exits(0);
    }
    manager.left_nothing();
}

#[test]
fn the_agent_listens_on_all_addresses_of_a_task_with_ipv6_alone() {
    if !is_inside("ipv6::the_agent_listens_on_all_addresses_of_a_task_with_ipv6_alone") {
        return;
    }
    agent_greets_at(&["::1", "fd7a:6761:7465::7"]);
}

#[test]
fn the_agent_listens_on_addresses_of_both_families() {
    agent_greets_at(&["::1", "127.0.0.1", "127.64.0.7"]);
}

fn agent_greets_at(addresses: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key);
    assert!(keygen.status().unwrap().success());
    // As the task definition has it.
    let mut agent = Command::new(fargate())
        .args([
            "agent",
            "serve",
            "--until-stdin-closes",
            "--listen",
            "[::]:0",
        ])
        .env(
            "SSH_PUBLIC_KEY",
            std::fs::read_to_string(key.with_extension("pub")).unwrap(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(agent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let port: u16 = line.trim().rsplit(':').next().unwrap().parse().unwrap();
    for address in addresses {
        let mut greeting = String::new();
        let server = TcpStream::connect((*address, port)).unwrap();
        BufReader::new(server).read_line(&mut greeting).unwrap();
        assert!(greeting.starts_with("SSH-2.0-"), "{greeting}");
    }
    agent.kill().unwrap();
    agent.wait().unwrap();
}
