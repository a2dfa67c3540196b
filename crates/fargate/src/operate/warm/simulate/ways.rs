//! The ways to keep tasks that are replayed: none, the operator's own, and proposals.

use warm_policy::{Bounds, Course, Demand, Limits, Rules, shares, simulate, wanted};

use super::history::{History, Kind};
use super::pools::Pools;
use crate::config::{Config, Mode, Pool};
use crate::operate::warm::start_times::quantile;
use crate::state::clock::millis;

/// How often `fargate warm keep` would decide while no job comes. It does so more often; this is as good for days.
const INTERVAL: u64 = 60_000;

/// How long a job waits for a task that is ready.
const CLAIM: u64 = 500;

/// `MaxTasks` of the proposals, as parts of what was asked for: that is what trades hits for cost best.
const PARTS: [usize; 3] = [4, 2, 1];

/// What a way would have brought.
pub(super) struct Way {
    pub(super) name: String,
    pub(super) hits: u64,
    /// Half of the starts, and 95 percent of them, took at most so many milliseconds.
    pub(super) start_p50: Option<u64>,
    pub(super) start_p95: Option<u64>,
    /// Hours that AWS would have billed beside those of the jobs, and about how many USD.
    pub(super) idle_hours: f64,
    pub(super) idle_usd: f64,
}

/// All ways, the one without waiting tasks first.
pub(super) fn all(
    history: &History,
    config: &Config,
    pools: &Pools<'_>,
    max_tasks: usize,
) -> Vec<Way> {
    let warm = &config.warm;
    let own = Limits {
        max_tasks: warm.max_tasks,
        follow_tasks: warm.follow.max_tasks,
        max_idle: millis(warm.follow.max_idle),
    };
    let none = Limits {
        max_tasks: 0,
        follow_tasks: 0,
        max_idle: 0,
    };
    let replay = Replay {
        history,
        config,
        pools,
    };
    let mut ways = vec![replay.way("none".to_owned(), &none, false, false)];
    let (has_pools, follows) = (!warm.pools.is_empty(), own.follow_tasks > 0);
    if has_pools {
        let limits = Limits {
            follow_tasks: 0,
            ..own
        };
        ways.push(replay.way("pools of fargate.toml".to_owned(), &limits, true, false));
    }
    if follows {
        let name = match has_pools {
            true => "pools and Follow of fargate.toml",
            false => "Follow of fargate.toml",
        };
        ways.push(replay.way(name.to_owned(), &own, true, false));
    }
    let mut sizes = PARTS.map(|part| max_tasks.div_ceil(part)).to_vec();
    sizes.dedup();
    for tasks in sizes {
        let limits = Limits {
            max_tasks: tasks,
            follow_tasks: tasks,
            max_idle: own.max_idle,
        };
        let of_all = match tasks > own.max_tasks {
            true => format!(", MaxTasks = {tasks}"),
            false => String::new(),
        };
        let name = format!("Follow = {{ MaxTasks = {tasks} }}, all images{of_all}");
        ways.push(replay.way(name, &limits, false, true));
    }
    ways
}

/// The jobs and the configuration.
struct Replay<'a> {
    history: &'a History,
    config: &'a Config,
    pools: &'a Pools<'a>,
}

impl Replay<'_> {
    fn way(&self, name: String, limits: &Limits, has_pools: bool, follows_all: bool) -> Way {
        let history = self.history;
        let course = self.course(limits, has_pools, follows_all);
        let starts = history.starts.iter().zip(&course.hits);
        let times = |(start, is_hit): (&u64, &bool)| if *is_hit { CLAIM } else { *start };
        let starts: Vec<_> = starts.map(times).collect();
        let hours = |millis: u64| millis as f64 / 3_600_000.0;
        let outcome = course.outcome();
        let idle = course.kinds.iter().zip(self.kinds());
        Way {
            name,
            hits: outcome.hits,
            start_p50: quantile(starts.clone(), 50),
            start_p95: quantile(starts, 95),
            idle_hours: hours(outcome.idle),
            idle_usd: idle
                .map(|(outcome, kind)| kind.price(hours(outcome.idle)))
                .sum(),
        }
    }

    fn course(&self, limits: &Limits, has_pools: bool, follows_all: bool) -> Course {
        let history = self.history;
        let tasks: Vec<_> = self.kinds().map(|kind| kind.times).collect();
        let is_followed: Vec<_> = self
            .kinds()
            .map(|kind| follows_all || self.is_followed(kind))
            .collect();
        let pools = match has_pools {
            true => self.pools.pools.as_slice(),
            false => &[],
        };
        let rules = Rules {
            from: history.since,
            until: history.until,
            interval: INTERVAL,
            bounds: Bounds {
                max_tasks: limits.max_tasks,
                max_age: millis(self.config.warm.max_age),
            },
        };
        simulate(&history.jobs, &tasks, &rules, |now, arrivals| {
            let seconds = i64::try_from(now / 1000).unwrap_or(i64::MAX);
            let is_open = |(pool, _): &(&Pool, usize)| pool.schedule.is_open(seconds);
            let asked = pools
                .iter()
                .map(|pool| if is_open(pool) { pool.0.tasks } else { 0 });
            let shares = shares(&asked.collect::<Vec<_>>(), limits.max_tasks);
            let scheduled = |kind: usize| {
                let of_kind = pools.iter().zip(&shares).filter(|(pool, _)| pool.1 == kind);
                of_kind.map(|(_, share)| share).sum()
            };
            let demand = |(kind, ((arrivals, task), is_followed))| Demand {
                arrivals,
                task,
                scheduled: scheduled(kind),
                is_followed,
            };
            let kinds = arrivals
                .iter()
                .map(Vec::as_slice)
                .zip(tasks.iter().copied())
                .zip(is_followed.iter().copied())
                .enumerate();
            let demands: Vec<Demand<'_>> = kinds.map(demand).collect();
            wanted(&demands, limits, now)
        })
    }

    /// The kinds of jobs, and of pools without jobs.
    fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.history.kinds.iter().chain(&self.pools.unasked)
    }

    /// Whether the operator's `Follow` may keep tasks of this kind.
    fn is_followed(&self, kind: &Kind) -> bool {
        let image = kind.task.image.as_deref().unwrap_or_default();
        let patterns = self.config.warm.follow.images.as_ref();
        match &self.config.mode {
            Mode::TaskDefinition(_) => true,
            Mode::JobImage(_) => {
                image.contains("@sha256:") || patterns.is_some_and(|globs| globs.allow(image))
            }
        }
    }
}
