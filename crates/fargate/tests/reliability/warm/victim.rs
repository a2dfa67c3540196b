//! A job that is killed: at a time within its prepare, or as soon as that has come to some step.

use std::time::{Duration, Instant};

use nix::unistd::Pid;
use testing::{Job, process, wait_until};

use super::kind::Kind;
use super::step::Step;
use super::tally::{Point, Tally};
use super::traces;
use crate::runner_process::{Calls, RunnerProcess, Victim};

/// Bound of a job and of what goes on without its runner.
pub(super) const BOUND: Duration = Duration::from_secs(180);

/// The lines of a runner about a prepare that is over, and about one that has succeeded.
const OVER: &str = "stage: prepare ";
const PREPARED: &str = "stage: prepare 0 ";

/// Words of the line about a task that has yielded.
const YIELDED: &str = " to make room";

/// How often the folder is looked at for a step.
const LOOK: Duration = Duration::from_millis(1);

/// How long after a step was seen the kill comes, at the latest, in seconds.
const AFTER: f64 = 0.02;

/// The instant of a kill.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim {
    /// This long after the job's begin.
    At(Duration),
    /// This long from now.
    In(Duration),
    /// This long after a step.
    After(Step, Duration),
}

impl Aim {
    /// One for a prepare of this kind, which usually takes so long.
    pub(super) fn choose(random: &mut fastrand::Rng, kind: Kind, usual: Duration) -> Self {
        // A job that was refused spends most of its time in a pause.
        let by_time = match kind {
            Kind::Yield => 0.25,
            _ => 0.5,
        };
        if random.f64() < by_time {
            return Self::At(usual.mul_f64(1.1 * random.f64()));
        }
        let steps = Step::of(kind);
        let step = steps[random.usize(..steps.len())];
        Self::After(step, Duration::from_secs_f64(AFTER * random.f64()))
    }
}

/// A job that is under way.
pub(super) struct Running<'a> {
    pub(super) job: Job<'a>,
    pub(super) kind: Kind,
    begun: Instant,
    runner: RunnerProcess,
}

impl<'a> Running<'a> {
    /// Begins a job whose own script does this; its runner calls cleanup if it `cleans_up`.
    pub(super) fn start(job: Job<'a>, kind: Kind, then: &str, cleans_up: bool) -> Self {
        let scripts = ["true", then, "true"].map(|then| traces::script(&job, then));
        let calls = Calls {
            scripts: scripts.each_ref().map(String::as_str),
            variables: kind.variables(),
            cleans_up,
        };
        Self {
            begun: Instant::now(),
            runner: RunnerProcess::of(&job, &calls),
            job,
            kind,
        }
    }

    /// Waits until prepare is over; returns how long it took.
    pub(super) fn prepared(&mut self) -> Duration {
        while !self.is_prepared() && self.begun.elapsed() < BOUND {
            std::thread::sleep(LOOK);
        }
        self.begun.elapsed()
    }

    fn is_prepared(&mut self) -> bool {
        self.runner.has_said(OVER) || self.runner.is_over()
    }

    /// Waits for its end; an error where a stage has failed.
    pub(super) fn succeeds(self) -> Result<(), String> {
        let ended = self.runner.end(BOUND)?;
        match ended.code {
            Some(0) => self.job.left_nothing(),
            _ => Err(ended.story()),
        }
    }

    /// Kills it then, and enters that; returns whether a process died of it.
    pub(super) fn kill(mut self, aim: Aim, victim: Victim, tally: &Tally) -> Result<bool, String> {
        self.wait(aim);
        if self.runner.is_over() {
            return self.runner.end(BOUND).map(|_| false);
        }
        let mut killed = self.runner.kill(victim);
        while !killed.has_died && !self.runner.is_over() {
            // It was between two stages.
            std::thread::sleep(LOOK);
            killed = self.runner.kill(victim);
        }
        let point = match self.runner.has_said(PREPARED) {
            true => Point::Job,
            false => Point::Prepare(self.step()),
        };
        if killed.has_died {
            let kind = match point {
                Point::Job => Kind::Later,
                _ => self.kind,
            };
            tally.add(kind, point);
        }
        self.runner.end(BOUND)?;
        wait_until("its stages are over", || {
            !killed.orphans.iter().any(is_alive)
        });
        Ok(killed.has_died)
    }

    fn wait(&mut self, aim: Aim) {
        match aim {
            Aim::At(at) => {
                while self.begun.elapsed() < at && !self.runner.is_over() {
                    std::thread::sleep(LOOK);
                }
            }
            Aim::In(time) => std::thread::sleep(time),
            Aim::After(step, rest) => {
                while self.step() < step && !self.is_prepared() {
                    std::thread::sleep(LOOK);
                }
                std::thread::sleep(rest);
            }
        }
    }

    fn step(&self) -> Step {
        Step::look(&self.job, self.runner.has_said(YIELDED))
    }
}

fn is_alive(stage: &Pid) -> bool {
    process::is_alive(*stage)
}
