//! The cost of the agent, which runs in every container of every job.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::table::{megabytes, row, seconds};

/// Any key: nobody logs in.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

/// Time without work before the agent counts as idle.
const REST: Duration = Duration::from_secs(1);

pub(crate) fn measure(program: &str, runs: usize) {
    let size = std::fs::metadata(program).unwrap().len();
    row(
        "agent: size of its program",
        &megabytes(size as f64 / 1024.0),
        "-",
        "5 MB",
    );
    let mut times: Vec<_> = (0..runs).map(|_| Agent::start(program).ready).collect();
    times.sort();
    row(
        "agent: from its start until it greets a driver",
        &seconds(times[times.len() / 2]),
        "-",
        "0.05 s",
    );
    row(
        "the longest of these",
        &seconds(times[times.len() - 1]),
        "-",
        "0.05 s",
    );
    let agent = Agent::start(program);
    std::thread::sleep(REST);
    row(
        "agent: memory when idle",
        &megabytes(agent.memory()),
        "-",
        "6 MB",
    );
}

struct Agent {
    child: Child,
    ready: Duration,
}

impl Agent {
    fn start(program: &str) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("SSH_PUBLIC_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.rsplit(' ').next().unwrap().trim();
        TcpStream::connect(address)
            .and_then(|mut stream| stream.read_exact(&mut [0; 4]))
            .expect("the agent greets");
        let ready = begun.elapsed();
        Self { child, ready }
    }

    /// Resident memory now, in KiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
