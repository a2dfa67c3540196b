//! The traces: jobs as data, made once by `generate` and never changed to fit a decision.

use std::ops::Range;

use warm_policy::Job;

/// A trace and what is known of it.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) jobs: Vec<Job>,
    /// The number of its kinds, those of the most jobs first.
    pub(crate) kinds: usize,
    pub(crate) until: u64,
    /// The stretches of time in which the rates of all kinds stay as they are.
    pub(crate) stretches: Vec<Range<u64>>,
    /// When the operator's schedules are open, which are for the first kinds.
    pub(crate) working_hours: fn(u64) -> bool,
}

pub(crate) const HOUR: u64 = 60 * 60 * 1000;

/// All of them.
pub(crate) fn all() -> Vec<Trace> {
    let texts = [
        include_str!("../../../traces/steady.txt"),
        include_str!("../../../traces/bursts.txt"),
        include_str!("../../../traces/night.txt"),
        include_str!("../../../traces/change.txt"),
    ];
    described(&texts)
}

/// The same with other jobs, which no decision was made with.
pub(crate) fn other(seed: u64) -> Vec<Trace> {
    let texts = crate::generate::traces(seed).map(|(_, text)| text);
    described(&texts.each_ref().map(String::as_str))
}

/// The texts with what is known of each.
fn described(texts: &[&str; 4]) -> Vec<Trace> {
    let always = |_: u64| true;
    // From noon to noon: work ends at 18:00 and begins at 08:00.
    let by_day = |at: u64| !(6 * HOUR..20 * HOUR).contains(&at);
    let [steady, bursts, night, change] = texts;
    vec![
        trace("steady", steady, &[0, 10], always),
        trace("bursts", bursts, &[0, 10], always),
        trace("quiet night", night, &[0, 6, 20, 24], by_day),
        trace("new images", change, &[0, 5, 10], always),
    ]
}

fn trace(name: &'static str, text: &str, hours: &[u64], working_hours: fn(u64) -> bool) -> Trace {
    let jobs: Vec<Job> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(job)
        .collect();
    let bounds: Vec<_> = hours.iter().map(|hour| hour * HOUR).collect();
    Trace {
        name,
        kinds: jobs.iter().map(|job| job.kind + 1).max().unwrap_or(0),
        jobs,
        until: bounds.last().copied().unwrap_or(0),
        stretches: bounds.windows(2).map(|pair| pair[0]..pair[1]).collect(),
        working_hours,
    }
}

/// `AT KIND LENGTH`, both times in milliseconds.
fn job(line: &str) -> Job {
    let numbers: Vec<u64> = line
        .split(' ')
        .map(|number| number.parse().expect("a trace holds numbers"))
        .collect();
    match numbers.as_slice() {
        [at, kind, length] => Job {
            at: *at,
            kind: usize::try_from(*kind).expect("kinds are few"),
            length: *length,
            is_willing: true,
        },
        _ => panic!("{line:?} is no job"),
    }
}
