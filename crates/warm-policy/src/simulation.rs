//! A manager's day, replayed: jobs that were, and a decision how many tasks wait.

use std::collections::VecDeque;

use crate::stock::stopped;
use crate::{Outcome, TaskTimes};

/// A job that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// When it asked for a task.
    pub at: u64,
    /// The number of its kind.
    pub kind: usize,
    /// How long its task ran for it.
    pub length: u64,
}

/// What is the same for all decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// When it begins.
    pub from: u64,
    /// When it ends. Tasks that wait then are stopped.
    pub until: u64,
    /// How often a decision is made while no job comes. At least a millisecond.
    pub interval: u64,
    /// How long a task waits before another one replaces it.
    pub max_age: u64,
}

/// What a decision brought and cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// Whether each job found a task ready.
    pub hits: Vec<bool>,
    /// What each kind's tasks brought.
    pub kinds: Vec<Outcome>,
    /// Tasks that were stopped before a job claimed them.
    pub unclaimed: u64,
}

/// Replays `jobs`, which are in order. `decide` says how many tasks of each kind are to wait, by the time and by when
/// jobs asked for each kind so far.
pub fn simulate(
    jobs: &[Job],
    tasks: &[TaskTimes],
    rules: &Rules,
    mut decide: impl FnMut(u64, &[Vec<u64>]) -> Vec<usize>,
) -> Course {
    let mut waiting: Vec<Waiting> = tasks.iter().map(Waiting::of).collect();
    let mut course = Course::default();
    let mut arrivals = vec![Vec::new(); tasks.len()];
    let mut jobs = jobs.iter().filter(|job| job.at <= rules.until).peekable();
    let mut now = rules.from;
    let mut tick = rules.from;
    loop {
        for kind in &mut waiting {
            kind.expire(now, rules.max_age);
        }
        while let Some(job) = jobs.next_if(|job| job.at <= now) {
            let kind = waiting.get_mut(job.kind);
            course.hits.push(kind.is_some_and(|kind| kind.claim(now)));
            if let Some(arrivals) = arrivals.get_mut(job.kind) {
                arrivals.push(now);
            }
        }
        if now >= rules.until {
            break;
        }
        for (kind, wanted) in waiting.iter_mut().zip(decide(now, &arrivals)) {
            kind.keep(wanted, now);
        }
        if tick <= now {
            tick = now.saturating_add(rules.interval.max(1));
        }
        let next_job = jobs.peek().map_or(rules.until, |job| job.at);
        now = tick.min(next_job).min(rules.until);
    }
    for kind in &mut waiting {
        kind.keep(0, now);
        course.kinds.push(kind.outcome);
        course.unclaimed += kind.unclaimed;
    }
    course
}

/// The waiting tasks of one kind.
struct Waiting {
    task: TaskTimes,
    /// When each is ready, in order.
    ready: VecDeque<u64>,
    outcome: Outcome,
    unclaimed: u64,
}

impl Waiting {
    fn of(task: &TaskTimes) -> Self {
        Self {
            task: *task,
            ready: VecDeque::new(),
            outcome: Outcome::default(),
            unclaimed: 0,
        }
    }

    /// Gives the oldest task to a job, if it is ready.
    fn claim(&mut self, now: u64) -> bool {
        let claimed = self.ready.pop_front_if(|since| *since <= now);
        if let Some(since) = claimed {
            self.outcome.hits += 1;
            self.outcome.idle = self.outcome.idle.saturating_add(now - since);
        }
        claimed.is_some()
    }

    /// Stops those that are too old.
    fn expire(&mut self, now: u64, max_age: u64) {
        let is_old = |since: &mut u64| now.saturating_sub(*since) > max_age;
        while let Some(since) = self.ready.pop_front_if(is_old) {
            self.stop(since, now);
        }
    }

    /// Starts tasks, or stops the youngest, so that as many wait.
    fn keep(&mut self, wanted: usize, now: u64) {
        while self.ready.len() < wanted {
            self.ready.push_back(now.saturating_add(self.task.start));
        }
        while self.ready.len() > wanted
            && let Some(since) = self.ready.pop_back()
        {
            self.stop(since, now);
        }
    }

    fn stop(&mut self, since: u64, now: u64) {
        self.unclaimed += 1;
        let cost = stopped(since, now, &self.task);
        self.outcome.idle = self.outcome.idle.saturating_add(cost);
    }
}

impl Course {
    /// Of all kinds together.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let sum = |sum: Outcome, kind: &Outcome| Outcome {
            hits: sum.hits + kind.hits,
            idle: sum.idle.saturating_add(kind.idle),
        };
        self.kinds.iter().fold(Outcome::default(), sum)
    }
}
