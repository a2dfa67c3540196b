//! GitLab Runner as a process of its own, which may die, and whose stages may.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::job::Job;
use crate::stage::{Ended, Stage};

/// What its scripts do: little, but long enough to be killed meanwhile.
pub(crate) const SCRIPT: &str = "echo here; sleep 0.2; echo done";

pub(crate) struct Runner(Stage);

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// The stage that is under way. Its runner goes on to cleanup.
    Stage,
    /// The runner. Its stage goes on without it.
    Runner,
    /// Both, as when the manager loses its power.
    Both,
}

/// Calls a stage in a process group of its own, as the runner does, and waits for it.
const CALLS: &str = "call() { begun=$SECONDS; setsid \"$@\" & wait $!; code=$?; echo; echo \"stage: $code $((SECONDS - begun))\"; return $code; }\n";

impl Runner {
    /// Begins a job: prepare, three scripts with this one in the middle, and cleanup if it `cleans_up`.
    pub(crate) fn start(job: &Job<'_>, script: &str, cleans_up: bool) -> Self {
        let line = |call: Command| {
            let words = [call.get_program()].into_iter().chain(call.get_args());
            // Paths of temporary folders, and names of stages.
            let words: Vec<_> = words
                .map(|word| format!("'{}'", word.to_str().unwrap()))
                .collect();
            format!("call {}", words.join(" "))
        };
        let stages = [
            line(job.call(&["custom", "prepare"])),
            line(job.script("get_sources", SCRIPT)),
            line(job.script("build_script", script)),
            line(job.script("after_script", SCRIPT)),
        ];
        let cleanup = line(job.call(&["custom", "cleanup"]));
        let mut program = format!("{CALLS}{}\n", stages.join(" && "));
        program.push_str(if cleans_up { &cleanup } else { ":" });
        let call = job.call(&[]);
        let mut bash = Command::new("bash");
        bash.args(["-c", &program])
            .env_clear()
            .envs(
                call.get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .current_dir(call.get_current_dir().unwrap())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(Stage::start(bash))
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.0.is_over()
    }

    pub(crate) fn end(self, bound: Duration) -> Result<Ended, String> {
        self.0.end(bound)
    }

    /// Sends a signal to the stage that is under way, if any is.
    pub(crate) fn signal_stage(&mut self, signal: Signal) {
        for stage in self.freeze() {
            send(stage, signal);
        }
        self.0.signal(Signal::SIGCONT);
    }

    /// Kills; the processes that go on.
    pub(crate) fn kill(&mut self, death: Death) -> Vec<Pid> {
        // It stands still, so that it starts nothing and collects nothing, and the numbers are still their processes'.
        let stages = self.freeze();
        if death != Death::Runner {
            for stage in &stages {
                send(*stage, Signal::SIGKILL);
            }
        }
        if death == Death::Stage {
            self.0.signal(Signal::SIGCONT);
        } else {
            self.0.signal(Signal::SIGKILL);
        }
        if death == Death::Runner {
            stages
        } else {
            Vec::new()
        }
    }

    /// Makes it stand still; the stages that are under way.
    fn freeze(&mut self) -> Vec<Pid> {
        self.0.signal(Signal::SIGSTOP);
        let id = self.0.id();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.is_over() && state(id) != Some('T') {
            assert!(Instant::now() < deadline, "it does not stand still");
            std::thread::sleep(Duration::from_millis(1));
        }
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        children
            .split_whitespace()
            .map(|id| Pid::from_raw(id.parse().unwrap()))
            .collect()
    }
}

/// Sends a signal. A process that is over needs none.
fn send(id: Pid, signal: Signal) {
    match kill(id, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The state of a process, as the kernel tells it; nothing when it is gone.
pub(crate) fn state(id: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
