//! GitLab Runner as a process of its own. It may die, and so may its stages.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testing::{Job, process, wait_until};

use crate::watched_process::{Ended, WatchedProcess};

/// A script that does little, but lasts long enough to be killed.
pub(crate) const SCRIPT: &str = "echo here; sleep 0.2; echo done";

pub(crate) struct RunnerProcess(WatchedProcess);

/// The calls of a job's runner.
pub(crate) struct Calls<'a> {
    /// The scripts `get_sources`, `build_script` and `after_script`.
    pub(crate) scripts: [&'a str; 3],
    /// More environment variables of each stage.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Whether cleanup follows.
    pub(crate) cleans_up: bool,
}

/// The outcome of a kill.
#[derive(Debug)]
pub(crate) struct Killed {
    /// The stages that go on without their runner.
    pub(crate) orphans: Vec<Pid>,
    /// Whether a process that was alive was killed. Between two stages there is the runner only.
    pub(crate) has_died: bool,
}

/// The process that dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The stage that is under way. Its runner goes on to cleanup.
    Stage,
    /// The runner. Its stage goes on without it.
    Runner,
    /// Both, as when the manager loses its power.
    Both,
}

/// Calls a stage in a process group of its own, as the runner does, and waits for it.
const CALLS: &str = "call() { stage=$1; shift; begun=$SECONDS; setsid \"$@\" & wait $!; code=$?; echo; \
    echo \"stage: $stage $code $((SECONDS - begun))\"; return $code; }\n";

impl RunnerProcess {
    /// Begins a job: prepare, three scripts with this one in the middle, and cleanup if it `cleans_up`.
    pub(crate) fn start(job: &Job<'_>, script: &str, cleans_up: bool) -> Self {
        let calls = Calls {
            scripts: [SCRIPT, script, SCRIPT],
            variables: &[],
            cleans_up,
        };
        Self::of(job, &calls)
    }

    /// Begins a job with these calls.
    pub(crate) fn of(job: &Job<'_>, calls: &Calls<'_>) -> Self {
        let line = |stage: &str, call: Command| {
            let words = [call.get_program()].into_iter().chain(call.get_args());
            // Paths of temporary folders, and names of stages.
            let words: Vec<_> = words
                .map(|word| format!("'{}'", word.to_str().unwrap()))
                .collect();
            format!("call {stage} {}", words.join(" "))
        };
        let [sources, script, after] = calls.scripts;
        let stages = [
            line("prepare", job.call(&["custom", "prepare"])),
            line("get_sources", job.script("get_sources", sources)),
            line("build_script", job.script("build_script", script)),
            line("after_script", job.script("after_script", after)),
        ];
        let cleanup = line("cleanup", job.call(&["custom", "cleanup"]));
        let mut program = format!("{CALLS}{}\n", stages.join(" && "));
        program.push_str(if calls.cleans_up { &cleanup } else { ":" });
        let call = job.call(&[]);
        let mut bash = Command::new("bash");
        bash.args(["-c", &program])
            .env_clear()
            .envs(
                call.get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .envs(calls.variables.iter().copied())
            .current_dir(call.get_current_dir().unwrap())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(WatchedProcess::start(bash))
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.0.is_over()
    }

    /// Whether the job log has this text by now.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        self.0.has_said(text)
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

    /// Kills the victim.
    pub(crate) fn kill(&mut self, victim: Victim) -> Killed {
        // It stands still, so that it starts nothing and collects nothing, and the numbers are still their processes'.
        let mut stages = self.freeze();
        stages.retain(|stage| process::is_alive(*stage));
        if victim != Victim::Runner {
            for stage in &stages {
                send(*stage, Signal::SIGKILL);
            }
        }
        let has_died = match victim {
            // It may have been about to end by itself.
            Victim::Stage => stages.iter().any(|stage| is_killed(*stage)),
            Victim::Runner | Victim::Both => true,
        };
        if victim == Victim::Stage {
            self.0.signal(Signal::SIGCONT);
        } else {
            self.0.signal(Signal::SIGKILL);
        }
        if victim != Victim::Runner {
            stages.clear();
        }
        Killed {
            orphans: stages,
            has_died,
        }
    }

    /// Makes it stand still; the stages that are under way.
    fn freeze(&mut self) -> Vec<Pid> {
        self.0.signal(Signal::SIGSTOP);
        let id = self.0.id();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.is_over() && process::state(id) != Some('T') {
            assert!(Instant::now() < deadline, "the runner does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
        process::children(id)
    }
}

/// Whether the signal is what ended a process that was killed, and whose parent stands still.
fn is_killed(stage: Pid) -> bool {
    wait_until("it is over", || !process::is_alive(stage));
    process::wait_status(stage) == Some(Signal::SIGKILL as i32)
}

/// Sends a signal. A process that is over needs none.
fn send(id: Pid, signal: Signal) {
    match kill(id, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("{error}"),
    }
}
