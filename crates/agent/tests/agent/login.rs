//! The clients that may log in, and the harmlessness of all others.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use testing::eventually;

use crate::harness::{Agent, Noise, binary, new_key, text};

#[test]
fn another_key_is_refused() {
    let agent = Agent::start();
    let other = agent.path("other");
    new_key(&other);
    let output = agent
        .ssh_with_key(&other, &[])
        .arg("true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(255));
    let message = text(&output.stderr);
    assert!(
        message.contains("Permission denied (publickey)"),
        "{message}"
    );
}

#[test]
fn after_a_few_other_keys_the_connection_is_closed() {
    let agent = Agent::start();
    let mut options = Vec::new();
    for number in 0..8 {
        let path = agent.path(&format!("other{number}"));
        new_key(&path);
        options.push(format!("IdentityFile={}", path.display()));
    }
    let options: Vec<_> = options.iter().flat_map(|option| ["-o", option]).collect();
    let first = agent.path("other0");
    let output = agent
        .ssh_with_key(&first, &options)
        .arg("true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(255));
    let message = text(&output.stderr);
    assert!(
        message.contains("Too many authentication attempts"),
        "{message}"
    );
}

#[test]
fn it_identifies_itself() {
    let agent = Agent::start();
    let mut stream = TcpStream::connect(agent.address).unwrap();
    let mut id = vec![0; fargate_wire::AGENT_SSH_ID.len()];
    stream.read_exact(&mut id).unwrap();
    assert_eq!(text(&id), fargate_wire::AGENT_SSH_ID);
}

#[test]
fn a_missing_or_wrong_key_is_told_at_once() {
    for (key, reason) in [
        (None, "SSH_PUBLIC_KEY is not set"),
        (Some(""), "empty"),
        (Some("ssh-rsa AAAA"), "only ssh-ed25519"),
        (Some("ssh-ed25519 AAAA"), "damaged"),
    ] {
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_remove("SSH_PUBLIC_KEY");
        if let Some(key) = key {
            command.env("SSH_PUBLIC_KEY", key);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.contains(reason), "{message}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn wrong_arguments_are_told_with_the_usage() {
    for (arguments, reason) in [
        (&[][..], "a command is missing"),
        (&["nonsense"], "unknown command \"nonsense\""),
        (&["install"], "install needs a FOLDER"),
        (&["install", "a", "b"], "unknown argument \"b\""),
        (&["serve", "--nonsense"], "unknown argument \"--nonsense\""),
        (&["serve", "--listen"], "--listen needs an ADDRESS:PORT"),
        (&["serve", "--host-key"], "--host-key needs a FILE"),
        (
            &["serve", "--listen=7022"],
            "--listen \"7022\" is not an ADDRESS:PORT",
        ),
        (
            &["serve", "--until-stdin-closes=yes"],
            "--until-stdin-closes takes no value",
        ),
    ] {
        let output = Command::new(binary()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let message = text(&output.stderr);
        assert!(
            message.contains(reason) && message.contains("Usage:"),
            "{message}"
        );
    }
}

/// Reads until the agent closes the connection.
fn until_closed(stream: &mut TcpStream) {
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => (),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let agent = Agent::start();
    let mut noise = Noise::new(2024);
    for round in 0..300 {
        let mut stream = TcpStream::connect(agent.address).unwrap();
        let mut bytes = Vec::new();
        // With and without the identification that a client must send first, and a plausible length of a packet.
        if round % 3 > 0 {
            bytes.extend_from_slice(b"SSH-2.0-noise\r\n");
        }
        if round % 3 > 1 {
            bytes.extend_from_slice(&[0, 0, noise.below(8) as u8, noise.below(256) as u8, 4, 20]);
        }
        let mut rest = vec![0; noise.below(3000)];
        noise.read_exact(&mut rest).unwrap();
        bytes.extend_from_slice(&rest);
        // The agent may close the connection before it has read everything.
        match stream.write_all(&bytes) {
            Ok(()) => (),
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                ),
                "{error}"
            ),
        }
    }
    eventually("a client gets in", || {
        agent.run("true").status.success().then_some(())
    });
}

/// A connection from this address of the machine.
fn connect_from(source: [u8; 4], agent: &Agent) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&agent.address.into()).unwrap();
    socket.into()
}

#[test]
fn connections_that_do_not_log_in_are_few_and_end() {
    let agent = Agent::start();
    let start = Instant::now();
    // Eight of one address. The agent greets all of them, so it has accepted them.
    let mut idle: Vec<_> = (0..8)
        .map(|_| TcpStream::connect(agent.address).unwrap())
        .collect();
    for stream in &mut idle {
        stream.read_exact(&mut [0; 4]).unwrap();
    }
    // A later connection takes the place of the oldest.
    assert!(agent.run("true").status.success());
    until_closed(&mut idle.remove(0));
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "it was not closed at once"
    );
    for stream in &mut idle {
        until_closed(stream);
    }
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "they were not closed in time"
    );
}

#[test]
fn strangers_keep_no_client_out() {
    let agent = Agent::start();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            // From the client's own address, too.
            let mut held = VecDeque::new();
            for number in (1..=9).cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                held.push_back(connect_from([127, 0, 0, number], &agent));
                if held.len() > 200 {
                    held.pop_front();
                }
                // An address keeps a place for most of a second: far longer than a login takes on a busy machine.
                std::thread::sleep(Duration::from_millis(25));
            }
            held.len()
        });
        std::thread::sleep(Duration::from_secs(1));
        let successes = (0..20).filter(|_| agent.run("true").status.success());
        let successes = successes.count();
        over.store(true, Ordering::Relaxed);
        assert!(flood.join().unwrap() > 40);
        assert_eq!(successes, 20);
    });
}

#[test]
fn a_client_that_is_slow_in_the_key_exchange_is_not_waited_for() {
    let agent = Agent::start();
    let mut stream = TcpStream::connect(agent.address).unwrap();
    stream.write_all(b"SSH-2.0-slow\r\n\0\0").unwrap();
    let start = Instant::now();
    until_closed(&mut stream);
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "it was not closed in time"
    );
}
