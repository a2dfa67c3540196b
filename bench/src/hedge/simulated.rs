//! A thousand starts, one after the other, without a clock: what is drawn, and what the driver decides.

use std::time::Duration;

use super::{Figures, ONE_IN, SEED, SLOWER, in_order};
use crate::driver::bucket::Bucket;
use crate::driver::facts::TaskTimes;
use crate::driver::lag::UsualStart;

const STARTS: usize = 1000;

/// Seconds until a task has an address, from there until its pull begins, and from there until it takes scripts.
const PARTS: [f64; 3] = [8.0, 12.0, 5.0];

/// Time between two starts.
const SPACING: f64 = 18.0;

/// Seconds of a job after its start, at the median and on the logarithm's scale: DESIGN.md's jobs, and short ones.
const JOBS: [(&str, f64, f64); 2] = [("4 min", 240.0, 1.0), (SHORT, 10.0, 0.0)];
pub(super) const SHORT: &str = "10 s";

/// AWS bills on for so long after a stop, and a minute at least.
const WIND_DOWN: f64 = 33.0;
const LEAST: f64 = 60.0;

/// How many starts the driver remembers, and how old a look may be that shows a start going on.
const REMEMBERED: usize = 200;
const FRESH: f64 = 2.0;

/// When a second task is started.
#[derive(Clone, Copy)]
enum After {
    Off,
    Time(f64),
    Auto,
}

/// One task's way.
#[derive(Clone, Copy)]
struct Start {
    addressed: f64,
    pull: f64,
    ready: f64,
}

/// The figures of all settings.
pub(super) fn all() -> Vec<Figures> {
    let mut all = Vec::new();
    for (job, median, sigma) in JOBS {
        for (spread, words) in [(0.0, ""), (0.2, ", spread")] {
            for (after, setting) in [
                (After::Off, "off"),
                (After::Time(30.0), "30 s"),
                (After::Auto, "auto"),
            ] {
                let title = title(job, words);
                all.push(run(after, spread, (median, sigma), title, setting));
            }
        }
    }
    all
}

/// The name of the starts of such jobs, with a word about how they vary.
pub(super) fn title(job: &str, spread: &str) -> String {
    format!("{STARTS} simulated{spread}, jobs of {job}")
}

fn run(after: After, spread: f64, job: (f64, f64), title: String, setting: &str) -> Figures {
    let mut random = fastrand::Rng::with_seed(SEED);
    // A generator of its own: all settings see the same jobs and first tasks.
    let mut seconds = fastrand::Rng::with_seed(SEED + 1);
    let (mut bucket, mut ledger): (Bucket, Vec<TaskTimes>) = (Bucket::FULL, Vec::new());
    let (mut starts, mut hedges, mut won) = (Vec::new(), 0, 0);
    let (mut billed, mut behind) = (0.0, 0.0);
    for number in 0..STARTS {
        let first = Start::draw(spread, &mut random);
        let length = lognormal(job.0, job.1, &mut random);
        bucket = bucket.started();
        let recent = &ledger[ledger.len().saturating_sub(REMEMBERED)..];
        let lags_at = match after {
            After::Off => None,
            After::Time(time) => Some(time),
            After::Auto => lags_at(&first, &UsualStart::of(recent)),
        };
        let lags_at = lags_at.filter(|at| *at < first.ready);
        let now = 1_800_000_000_000 + (number as f64 * SPACING * 1000.0) as u64;
        let second = lags_at.and_then(|at| {
            bucket = bucket.take(now)?;
            hedges += 1;
            Some((at, Start::draw(spread, &mut seconds).later(at)))
        });
        let (winner, asked, loser) = match second {
            Some((at, second)) if second.ready < first.ready => {
                won += 1;
                (second, at, Some(first))
            }
            second => (first, 0.0, second.map(|(_, second)| second)),
        };
        starts.push(Duration::from_secs_f64(winner.ready));
        billed += bill(&winner, winner.ready + length);
        behind += loser.map_or(0.0, |loser| bill(&loser, winner.ready));
        ledger.push(winner.times(asked));
    }
    Figures {
        title,
        setting: setting.to_owned(),
        starts: in_order(starts),
        hedges,
        won,
        more: behind / billed,
    }
}

impl Start {
    fn draw(spread: f64, random: &mut fastrand::Rng) -> Self {
        let is_slow = random.f64() < ONE_IN;
        let parts = PARTS.map(|part| lognormal(part, spread, random));
        let addressed = parts[0] + if is_slow { SLOWER } else { 0.0 };
        Self {
            addressed,
            pull: addressed + parts[1],
            ready: addressed + parts[1] + parts[2],
        }
    }

    /// The same, of a task that was asked for at this second.
    fn later(self, at: f64) -> Self {
        Self {
            addressed: self.addressed + at,
            pull: self.pull + at,
            ready: self.ready + at,
        }
    }

    /// Its times in the ledger, where it was asked for at this second.
    fn times(self, asked: f64) -> TaskTimes {
        let own = self.later(-asked);
        TaskTimes {
            created: millis(0.0),
            addressed: own.seen_addressed(own.ready).and_then(millis),
            pull_started: millis(own.pull),
            started: millis(own.ready),
            ..TaskTimes::default()
        }
    }

    /// About when it got its address, as looks until then show it: between the last one without it and the first with.
    fn seen_addressed(&self, until: f64) -> Option<f64> {
        let mut before = 0.0;
        for look in looks(until) {
            if look >= self.addressed {
                return Some((before + look) / 2.0);
            }
            before = look;
        }
        None
    }

    /// What a look at this second shows of it.
    fn seen(&self, look: f64) -> TaskTimes {
        TaskTimes {
            created: millis(0.0),
            addressed: self.seen_addressed(look + 0.001).and_then(millis),
            pull_started: (self.pull <= look).then(|| millis(self.pull)).flatten(),
            ..TaskTimes::default()
        }
    }
}

/// When a start lags, by looks at it.
fn lags_at(start: &Start, usual: &UsualStart) -> Option<f64> {
    let all: Vec<f64> = looks(start.ready).collect();
    for (at, look) in all.iter().enumerate() {
        let next = all.get(at + 1).copied().unwrap_or(start.ready);
        let Some(lag) = usual.lag(&start.seen(*look)) else {
            continue;
        };
        let due = lag.at.as_secs_f64().max(*look);
        if due < next && due - look <= FRESH {
            return Some(due);
        }
    }
    None
}

/// The seconds of looks at a task without an address, as the driver paces them (`look_again`), until then.
fn looks(until: f64) -> impl Iterator<Item = f64> {
    let next = |look: &f64| Some(look + (look / 4.0).clamp(0.2, 2.0));
    std::iter::successors(Some(0.2), next).take_while(move |look| *look < until)
}

/// The seconds that AWS bills for a task that is stopped at this one.
fn bill(start: &Start, stopped: f64) -> f64 {
    match stopped > start.pull {
        true => (stopped + WIND_DOWN - start.pull).max(LEAST),
        false => 0.0,
    }
}

fn millis(seconds: f64) -> Option<u64> {
    Some(1_800_000_000_000 + (seconds * 1000.0).round() as u64)
}

fn lognormal(median: f64, sigma: f64, random: &mut fastrand::Rng) -> f64 {
    let (radius, angle) = (1.0 - random.f64(), random.f64());
    let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
    median * (sigma * normal).exp()
}
