//! The order of a script's two streams in the job log.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use testing::{ManagerHost, SshServer};

use crate::fargate;

/// Runs a command, and reads its two streams as GitLab Runner does: one reader for each, and whatever comes goes into
/// one log.
fn job_log(mut command: Command) -> String {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = piped.spawn().unwrap();
    let log = Arc::<Mutex<Vec<u8>>>::default();
    let read = |mut stream: Box<dyn Read + Send>| {
        let log = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut piece = [0; 32 * 1024];
            while let Ok(length @ 1..) = stream.read(&mut piece) {
                log.lock().unwrap().extend_from_slice(&piece[..length]);
            }
        })
    };
    let readers = [
        read(Box::new(run.stdout.take().unwrap())),
        read(Box::new(run.stderr.take().unwrap())),
    ];
    assert!(run.wait().unwrap().success());
    for reader in readers {
        reader.join().unwrap();
    }
    let log = log.lock().unwrap();
    String::from_utf8_lossy(&log).into_owned()
}

/// How many of ten pairs of lines, each written within a moment, changed places.
fn overtaken(manager: &ManagerHost, server: Option<SshServer>) -> usize {
    let pair = |number: usize| match number % 2 {
        0 => format!("echo {number}a; echo {number}b >&2; sleep .03\n"),
        _ => format!("echo {number}a >&2; echo {number}b; sleep .03\n"),
    };
    let script: String = (0..10).map(pair).collect();
    let file = manager.write_script(script.as_bytes());
    let command = if server.is_some() {
        manager.call(&["custom", "run", file.to_str().unwrap(), "build_script"])
    } else {
        let mut bash = Command::new("bash");
        bash.arg(file);
        bash
    };
    let log = job_log(command);
    let place = |line: String| log.lines().position(|other| other == line).unwrap();
    let pairs = (0..10).filter(|n| place(format!("{n}a")) > place(format!("{n}b")));
    pairs.count()
}

/// Runs for `FARGATE_ORDER_RUNS` scripts (default: 5), and prints how many pairs changed places; also with sshd, which
/// reads standard output first, and without a driver, as the runner's shell executor has it.
///
/// A busy machine may not let the reader of the first line run before that of the second, so a few may.
#[test]
fn lines_written_within_a_moment_keep_their_order() {
    let runs = std::env::var("FARGATE_ORDER_RUNS").map_or(5, |runs| runs.parse().unwrap());
    for server in [Some(SshServer::Agent), Some(SshServer::OpenSsh), None] {
        let manager = ManagerHost::new(fargate(), server.unwrap_or(SshServer::Nothing));
        if server.is_some() {
            manager.prepare();
        }
        let overtaken: usize = (0..runs).map(|_| overtaken(&manager, server)).sum();
        println!(
            "{server:?}: {overtaken} of {} pairs changed places",
            runs * 10
        );
        assert!(
            server != Some(SshServer::Agent) || overtaken <= runs,
            "{overtaken} in {runs} runs"
        );
    }
}
