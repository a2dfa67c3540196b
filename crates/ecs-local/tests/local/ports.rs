//! Faults of connections to a container's port.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::wait_until;

use crate::cluster::{Cluster, detail};

const PORT: u16 = 2222;

/// A server that sends nine bytes on every connection, and then everything back that it receives.
const ECHO: &str = "
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b'greetings')
        while data := self.request.recv(1000):
            self.wfile.write(data)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server((sys.argv[1], int(sys.argv[2])), Echo).serve_forever()";

/// A stand-in with one program for the container `job`, and its running task's address.
fn start(rules: &Value) -> (Cluster, String) {
    use ecs_local::{Backend, Faults, Options, Program};
    let command = ["python3", "-c", ECHO, "{address}", "{port}"].map(str::to_owned);
    let program = Program {
        command: command.to_vec(),
        default_port: PORT,
    };
    let local = Cluster::start(Options {
        faults: Faults::parse(&json!({ "faults": rules }).to_string()).unwrap(),
        backend: Backend::Process {
            programs: [("job".to_owned(), program)].into(),
        },
        ..Options::default()
    });
    local.register("job", json!([{ "name": "job" }]));
    let task = local.wait_for(&local.run("job"), "RUNNING");
    let address = detail(&task, "privateIPv4Address");
    (local, address)
}

fn connect(address: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((address, PORT))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Connects as soon as something listens.
fn reach(address: &str) -> TcpStream {
    let mut reached = None;
    wait_until("the port opens", || {
        reached = connect(address).ok();
        reached.is_some()
    });
    reached.unwrap()
}

/// Asserts that nothing listens, even after another task of the same program, without faults, has opened its port.
fn assert_refused(local: &Cluster, address: &str) {
    local.put_faults("{}");
    let other = local.wait_for(&local.run("job"), "RUNNING");
    reach(&detail(&other, "privateIPv4Address"));
    let error = connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

/// Everything that comes until the connection ends, and whether it was reset.
fn read_all(mut stream: TcpStream) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    let mut buffer = [0; 100];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (read, false),
            Ok(n) => read.extend_from_slice(&buffer[..n]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                return (read, true);
            }
        }
    }
}

fn greeting(stream: &mut TcpStream) -> [u8; 9] {
    let mut greeting = [0; 9];
    stream.read_exact(&mut greeting).unwrap();
    greeting
}

#[test]
fn without_faults_the_program_itself_listens() {
    let (_local, address) = start(&json!([]));
    let mut stream = reach(&address);
    assert_eq!(&greeting(&mut stream), b"greetings");
    stream.write_all(b"and back!").unwrap();
    assert_eq!(&greeting(&mut stream), b"and back!");
}

#[test]
fn a_program_may_listen_long_after_its_task_runs() {
    let begin = Instant::now();
    let (_local, address) = start(&json!([{ "effect": { "listen_delay": { "seconds": 0.5 } } }]));
    reach(&address);
    assert!(begin.elapsed() >= Duration::from_millis(500));
}

#[test]
fn a_running_task_may_not_listen_yet() {
    let (local, address) = start(&json!([{ "effect": { "listen_delay": { "seconds": 1000 } } }]));
    assert_refused(&local, &address);
}

#[test]
fn a_connection_stays_silent_at_first() {
    let (_local, address) = start(&json!([{ "effect": { "port_delay": { "seconds": 0.4 } } }]));
    let mut stream = reach(&address);
    let connected = Instant::now();
    assert_eq!(&greeting(&mut stream), b"greetings");
    assert!(
        connected.elapsed() >= Duration::from_millis(350),
        "{:?}",
        connected.elapsed()
    );
}

#[test]
fn a_port_is_refused_for_a_time() {
    let begin = Instant::now();
    let (_local, address) = start(&json!([{ "effect": { "port_refused": { "seconds": 0.5 } } }]));
    let mut stream = reach(&address);
    assert!(begin.elapsed() >= Duration::from_millis(500));
    assert_eq!(&greeting(&mut stream), b"greetings");
}

#[test]
fn a_port_is_refused_forever() {
    let (local, address) = start(&json!([{ "effect": { "port_refused": {} } }]));
    assert_refused(&local, &address);
}

#[test]
fn the_first_connections_are_dropped_after_some_bytes() {
    let drops = json!({ "after_bytes": 4, "connections": 2 });
    let (_local, address) = start(&json!([{ "effect": { "port_drops": drops } }]));
    for _ in 0..2 {
        assert_eq!(read_all(reach(&address)), (b"gree".to_vec(), true));
    }
    assert_eq!(&greeting(&mut reach(&address)), b"greetings");
}

#[test]
fn a_connection_goes_silent_and_stays_open() {
    let freezes = json!({ "after_bytes": 4, "connections": 1 });
    let (_local, address) = start(&json!([{ "effect": { "port_freezes": freezes } }]));
    let mut stream = reach(&address);
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"gree");
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let silence = stream.read(&mut greeting).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    assert_eq!(&self::greeting(&mut reach(&address)), b"greetings");
}

#[test]
fn all_connections_are_dropped() {
    let (_local, address) = start(&json!([{ "effect": { "port_drops": { "after_bytes": 9 } } }]));
    for _ in 0..4 {
        assert_eq!(read_all(reach(&address)), (b"greetings".to_vec(), true));
    }
}
