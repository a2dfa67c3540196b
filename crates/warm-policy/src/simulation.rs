//! A manager's day, replayed: jobs that were, and a decision how many tasks wait.
//!
//! Tasks are started and ended by the manager's own [`moves`]. Left out are what AWS refuses, and the second that a
//! manager may need until it sees a claim.

use crate::stock::stopped;
use crate::{Bounds, Kept, Outcome, TaskTimes, moves};

/// A job that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// When it asked for a task.
    pub at: u64,
    /// The number of its kind.
    pub kind: usize,
    /// How long its task ran for it.
    pub length: u64,
    /// Whether it takes a task that waited, and counts where the decision looks at jobs.
    pub is_willing: bool,
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
    /// How many tasks wait, and for how long.
    pub bounds: Bounds,
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
    let mut pool = Pool::new(tasks, rules.bounds);
    let mut hits = Vec::new();
    let mut arrivals = vec![Vec::new(); tasks.len()];
    let mut wanted = Vec::new();
    let mut jobs = jobs.iter().filter(|job| job.at <= rules.until).peekable();
    let (mut now, mut tick) = (rules.from, rules.from);
    loop {
        let mut is_due = tick <= now;
        while let Some(job) = jobs.next_if(|job| job.at <= now) {
            hits.push(job.is_willing && pool.claim(job.kind, now));
            if let Some(arrivals) = arrivals.get_mut(job.kind).filter(|_| job.is_willing) {
                arrivals.push(now);
            }
            is_due = true;
        }
        if now >= rules.until {
            break;
        }
        if is_due {
            wanted = decide(now, &arrivals);
        }
        pool.keep(&wanted, now);
        if tick <= now {
            tick = now.saturating_add(rules.interval.max(1));
        }
        let next_job = jobs.peek().map_or(rules.until, |job| job.at);
        let next = tick.min(next_job).min(rules.until);
        now = pool.next_change(now).map_or(next, |at| at.min(next));
    }
    pool.keep(&[], now);
    Course {
        hits,
        kinds: pool.outcomes,
        unclaimed: pool.unclaimed,
    }
}

/// All tasks that wait or start, in the order of their starts.
struct Pool<'a> {
    times: &'a [TaskTimes],
    bounds: Bounds,
    tasks: Vec<Task>,
    outcomes: Vec<Outcome>,
    unclaimed: u64,
}

/// A task of a pool.
#[derive(Clone, Copy)]
struct Task {
    kind: usize,
    born: u64,
    /// When it is ready, or has become so.
    since: u64,
}

impl<'a> Pool<'a> {
    fn new(times: &'a [TaskTimes], bounds: Bounds) -> Self {
        Self {
            times,
            bounds,
            tasks: Vec::new(),
            outcomes: vec![Outcome::default(); times.len()],
            unclaimed: 0,
        }
    }

    /// Gives the oldest task of this kind to a job, if one is ready.
    fn claim(&mut self, kind: usize, now: u64) -> bool {
        let max_age = self.bounds.max_age;
        let fits = |task: &Task| {
            task.kind == kind && task.since <= now && now.saturating_sub(task.born) < max_age
        };
        let Some(place) = self.tasks.iter().position(fits) else {
            return false;
        };
        let task = self.tasks.remove(place);
        self.count(&task, 1, now - task.since);
        true
    }

    /// Starts and ends tasks, so that as many of each kind wait.
    fn keep(&mut self, wanted: &[usize], now: u64) {
        let kept: Vec<Kept> = self.tasks.iter().map(|task| task.at(now)).collect();
        let moves = moves(wanted, &kept, self.bounds);
        let mut ended: Vec<_> = moves.end.iter().map(|(place, _)| *place).collect();
        ended.sort_unstable();
        for place in ended.into_iter().rev() {
            let task = self.tasks.remove(place);
            self.unclaimed += 1;
            if let Some(times) = self.times.get(task.kind) {
                self.count(&task, 0, stopped(task.since, now, times));
            }
        }
        for kind in moves.start {
            if let Some(times) = self.times.get(kind) {
                self.tasks.push(Task {
                    kind,
                    born: now,
                    since: now.saturating_add(times.start),
                });
            }
        }
    }

    /// When the manager has something to do next for what its tasks become.
    fn next_change(&self, now: u64) -> Option<u64> {
        let changes = self.tasks.iter().flat_map(|task| {
            let at_age = |age| task.born.saturating_add(age);
            [
                task.since,
                at_age(self.bounds.renewal()),
                at_age(self.bounds.max_age),
            ]
        });
        changes.filter(|at| *at > now).min()
    }

    fn count(&mut self, task: &Task, hits: u64, idle: u64) {
        if let Some(outcome) = self.outcomes.get_mut(task.kind) {
            outcome.hits += hits;
            outcome.idle = outcome.idle.saturating_add(idle);
        }
    }
}

impl Task {
    fn at(&self, now: u64) -> Kept {
        Kept {
            kind: Some(self.kind),
            age: now.saturating_sub(self.born),
            is_ready: self.since <= now,
        }
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
