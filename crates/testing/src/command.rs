//! A command under way, and how it ended.

use std::io::Read;
use std::process::{Child, Command, Output};

use nix::sys::signal::{Signal, kill};

use crate::process;

/// A command under way with its output in pipes; killed when dropped.
pub struct RunningCommand(Option<Child>);

impl RunningCommand {
    /// Starts it. Its standard output and standard error have to be pipes.
    pub fn start(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&mut self, signal: Signal) {
        kill(process::pid(self.child()), signal).unwrap();
    }

    /// Sends it SIGINT, as Ctrl-C does.
    pub fn interrupt(&mut self) {
        self.signal(Signal::SIGINT);
    }

    /// Reads standard output up to the end of `text`. The outcome does not repeat what was read here.
    #[track_caller]
    pub fn read_until(&mut self, text: &str) -> String {
        let stdout = self.child().stdout.as_mut().unwrap();
        let mut read = Vec::new();
        while !read.ends_with(text.as_bytes()) {
            // Byte by byte: the rest stays in the pipe.
            let mut byte = [0];
            let count = stdout.read(&mut byte).unwrap();
            assert_eq!(
                count,
                1,
                "no {text:?} in:\n{}",
                String::from_utf8_lossy(&read)
            );
            read.push(byte[0]);
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Leaves its standard output without a reader.
    pub fn leave_stdout(&mut self) {
        drop(self.child().stdout.take());
    }

    /// The most memory that it has had, in KiB; 0 once it has ended.
    pub fn peak_memory_kib(&mut self) -> u64 {
        process::peak_memory_kib(process::pid(self.child())).unwrap_or_default()
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child().try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output, without what was read before.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }
}

impl Outcome {
    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Checks the exit code, and shows all output if it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let (out, err) = (self.out(), self.err());
        assert_eq!(self.code, Some(code), "stdout:\n{out}\nstderr:\n{err}");
        self
    }

    /// Checks that standard error holds each of `parts`.
    #[track_caller]
    pub fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err().contains(part), "no {part:?} in:\n{}", self.err());
        }
        self
    }

    /// Checks that standard output holds each of `parts`, in this order.
    #[track_caller]
    pub fn logs(self, parts: &[&str]) -> Self {
        let log = self.out();
        let mut rest = log.as_str();
        for part in parts {
            let found = rest.split_once(part);
            rest = found
                .unwrap_or_else(|| panic!("no {part:?} where it should be in:\n{log}"))
                .1;
        }
        self
    }
}
