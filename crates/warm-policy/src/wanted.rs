//! The decision: how many tasks of each kind are to wait now.
//!
//! Schedules ask for fixed numbers. `Follow` adds tasks for kinds that jobs asked for lately. It replays each kind's
//! recent jobs over a stock of one task, of two, and so on ([`crate::replay`]). So it knows of each further task how
//! many jobs it would have served and how long it would have waited for them, whatever the pattern of the jobs is. It
//! takes the tasks in the order of hits per idle time, over all kinds, and ends where the jobs' share is reached, at
//! the limits, or where a task would have waited longer than `max_idle` for each job.
//!
//! When work is over, the jobs of the day say nothing any more. A silence tells: for much longer than in all pauses of
//! the last hours nobody has asked for anything. All kinds together show it within minutes, long before each has been
//! idle for too long. Jobs before a silence do not count.

use crate::{Span, TaskTimes, replay};

/// How far back jobs count.
pub const WINDOW: u64 = 4 * 60 * 60 * 1000;

/// The percentage of jobs that are to find a task ready. More would cost far more.
pub const HIT_PERCENT: u64 = 95;

/// Pauses between jobs of all kinds that are known before a longer one may be a silence.
const PAUSES: usize = 50;

/// A silence is longer than so many times each pause before it.
const LONGER: u64 = 2;

/// A silence is longer than that, in milliseconds. A shorter one would save less than new starts cost.
const LEAST_SILENCE: u64 = 5 * 60 * 1000;

/// What jobs asked for of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    /// When jobs asked for it, in order. Those of the future do not count: a clock was set back.
    pub arrivals: &'a [u64],
    /// The times of its tasks.
    pub task: TaskTimes,
    /// How many tasks schedules ask for now.
    pub scheduled: usize,
    /// Whether `Follow` may add tasks.
    pub is_followed: bool,
}

/// The operator's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most tasks of all kinds together.
    pub max_tasks: usize,
    /// Most tasks that `Follow` adds.
    pub follow_tasks: usize,
    /// How long after its last job a kind is followed, and how long a followed task may wait for a job on average.
    pub max_idle: u64,
}

/// How many tasks of each kind are to wait, in the order of `demands`. Schedules come first, in their order.
#[must_use]
pub fn wanted(demands: &[Demand<'_>], limits: &Limits, now: u64) -> Vec<usize> {
    let scheduled: Vec<_> = demands.iter().map(|demand| demand.scheduled).collect();
    let scheduled = shares(&scheduled, limits.max_tasks);
    let left = limits.max_tasks - scheduled.iter().sum::<usize>();
    let since = last_silence(demands, now);
    let mut stocks: Vec<Stock<'_>> = demands
        .iter()
        .zip(scheduled)
        .map(|(demand, tasks)| Stock::new(demand, tasks, limits, (since, now)))
        .collect();
    let jobs: u64 = stocks.iter().map(|stock| stock.jobs).sum();
    let mut hits: u64 = stocks.iter().map(|stock| stock.hits).sum();
    for _ in 0..left.min(limits.follow_tasks) {
        if hits.saturating_mul(100) >= jobs.saturating_mul(HIT_PERCENT) {
            break;
        }
        let best = stocks
            .iter_mut()
            .filter(|stock| stock.next.is_some())
            .max_by(|one, other| one.compare(other));
        let Some(best) = best else { break };
        hits += best.take();
    }
    stocks.iter().map(|stock| stock.tasks).collect()
}

/// How many tasks each pool gets where there are `max_tasks` for all: the first ones get what they ask for.
#[must_use]
pub fn shares(pools: &[usize], max_tasks: usize) -> Vec<usize> {
    let mut left = max_tasks;
    let share = |asked: &usize| {
        let share = left.min(*asked);
        left -= share;
        share
    };
    pools.iter().map(share).collect()
}

/// The tasks of one kind, while they are counted.
struct Stock<'a> {
    recent: &'a [u64],
    task: TaskTimes,
    span: Span,
    tasks: usize,
    /// Recent jobs, and how many of them `tasks` would have served.
    jobs: u64,
    hits: u64,
    idle: u64,
    /// What one more task would have brought. Nothing where it is not worth its wait.
    next: Option<Gain>,
}

/// What a further task brings.
#[derive(Debug, Clone, Copy)]
struct Gain {
    hits: u64,
    idle: u64,
}

impl<'a> Stock<'a> {
    fn new(demand: &Demand<'a>, tasks: usize, limits: &Limits, (since, now): (u64, u64)) -> Self {
        let max_idle = limits.max_idle;
        let mut stock = Self {
            recent: recent(demand, max_idle, since, now),
            task: demand.task,
            span: Span {
                from: now,
                until: now,
                max_idle,
                is_over: false,
            },
            tasks,
            jobs: 0,
            hits: 0,
            idle: 0,
            next: None,
        };
        // The first one only makes the kind known.
        if let Some((first, rest)) = stock.recent.split_first() {
            stock.span.from = *first;
            stock.recent = rest;
            stock.jobs = rest.len() as u64;
            let outcome = stock.replay(tasks);
            (stock.hits, stock.idle) = (outcome.hits, outcome.idle);
            stock.next = stock.gain();
        }
        stock
    }

    fn replay(&self, tasks: usize) -> crate::Outcome {
        replay(self.recent.iter().copied(), tasks, &self.task, &self.span)
    }

    /// What one more task would have brought, if it is worth its wait.
    fn gain(&self) -> Option<Gain> {
        let more = self.replay(self.tasks.saturating_add(1));
        let gain = Gain {
            hits: more.hits.saturating_sub(self.hits),
            idle: more.idle.saturating_sub(self.idle),
        };
        let is_worth = gain.hits > 0 && gain.idle <= gain.hits.saturating_mul(self.span.max_idle);
        is_worth.then_some(gain)
    }

    /// Takes the next task, and says how many more jobs are served.
    fn take(&mut self) -> u64 {
        let Some(gain) = self.next else { return 0 };
        self.tasks = self.tasks.saturating_add(1);
        self.hits = self.hits.saturating_add(gain.hits);
        self.idle = self.idle.saturating_add(gain.idle);
        self.next = self.gain();
        gain.hits
    }

    /// Which of two stocks gains more hits for its idle time by its next task.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let weigh = |gain: Option<Gain>, idle: Option<Gain>| {
            let (hits, idle) = (
                gain.map_or(0, |gain| gain.hits),
                idle.map_or(0, |gain| gain.idle),
            );
            u128::from(hits) * u128::from(idle)
        };
        weigh(self.next, other.next).cmp(&weigh(other.next, self.next))
    }
}

/// The jobs that count. None where the last one is too long ago.
fn recent<'a>(demand: &Demand<'a>, max_idle: u64, since: u64, now: u64) -> &'a [u64] {
    let recent = between(demand.arrivals, since, now);
    let is_live = recent.last().is_some_and(|last| now - last <= max_idle);
    match demand.is_followed && is_live {
        true => recent,
        false => &[],
    }
}

/// The moment from which on jobs count: the beginning of the window, or the end of the last silence in it. After a
/// silence that goes on, that is now.
fn last_silence(demands: &[Demand<'_>], now: u64) -> u64 {
    let begin = now.saturating_sub(WINDOW);
    let followed = demands.iter().filter(|demand| demand.is_followed);
    let mut jobs: Vec<_> = followed
        .flat_map(|demand| between(demand.arrivals, begin, now))
        .copied()
        .collect();
    jobs.sort_unstable();
    jobs.push(now);
    let (mut since, mut pauses, mut longest) = (begin, 0, 0);
    for pair in jobs.windows(2) {
        let [one, next] = pair else { continue };
        let pause = next - one;
        if pauses >= PAUSES && pause > (longest * LONGER).max(LEAST_SILENCE) {
            (since, pauses, longest) = (*next, 0, 0);
        } else {
            (pauses, longest) = (pauses + 1, pause.max(longest));
        }
    }
    since
}

/// The jobs between two moments, both included.
fn between(arrivals: &[u64], from: u64, until: u64) -> &[u64] {
    let begin = arrivals.partition_point(|at| *at < from);
    let end = arrivals.partition_point(|at| *at <= until);
    arrivals.get(begin..end).unwrap_or_default()
}
