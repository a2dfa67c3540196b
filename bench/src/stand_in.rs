//! The stand-in for AWS in a process of its own, for many jobs at once.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testing::{Account, ManagerHost};

use crate::fargate;

/// How long a task takes that is asked for alone, in seconds, and the scale of AWS's own time (27.9 s) for that.
pub(crate) const TASK_SECONDS: f64 = 20.0;
const LATENCY: &str = "0.717";

/// A process that answers as AWS does, until it is dropped.
pub(crate) struct StandIn {
    process: Child,
    /// Kept open: the process ends with it.
    _stdout: BufReader<ChildStdout>,
}

impl StandIn {
    /// Starts it, with AWS's rate limits or without, and a manager host that uses it.
    pub(crate) fn start(unlimited: bool) -> (Self, ManagerHost) {
        let mut process = Command::new(fargate())
            .args(["local", "serve", "--listen", "127.0.0.1:0"])
            .args(["--latency", LATENCY])
            .args((!unlimited).then_some("--throttle"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (_, rest) = line
            .split_once("http://")
            .expect("the first line has the address");
        let address = rest.split_whitespace().next().unwrap().parse().unwrap();
        let stand_in = Self {
            process,
            _stdout: stdout,
        };
        let folder = tempfile::tempdir().unwrap();
        let manager = ManagerHost::in_account(fargate(), Account::at(address), folder);
        (stand_in, manager)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let id = i32::try_from(self.process.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
        self.process.wait().unwrap();
    }
}
