//! What is possible: with all jobs known beforehand, and without knowing the future.

use warm_policy::Outcome;

use crate::trace::Trace;

/// The stocks between which one may change, so that any number of hits comes of a part of the time with each: the
/// corners of the convex hull.
pub(crate) fn corners(best: impl Iterator<Item = Outcome>) -> Vec<Outcome> {
    let mut corners: Vec<Outcome> = Vec::new();
    for next in best {
        while let [.., one, last] = corners.as_slice()
            && price(one, last) >= price(last, &next)
        {
            corners.pop();
        }
        corners.push(next);
    }
    corners
}

/// The idle time of one more hit between two stocks.
fn price(one: &Outcome, other: &Outcome) -> f64 {
    (other.idle - one.idle) as f64 / (other.hits - one.hits) as f64
}

/// The least idle time with so many hits.
pub(crate) fn least_idle(corners: &[Outcome], hits: u64) -> f64 {
    let between = corners.windows(2).find_map(|pair| match pair {
        [one, other] if hits <= other.hits => Some((one, other)),
        _ => None,
    });
    between.map_or(f64::NAN, |(one, other)| {
        one.idle as f64 + price(one, other) * (hits - one.hits) as f64
    })
}

/// The least idle time, on average, with these hits for whoever does not know the future, where jobs know nothing of
/// each other.
///
/// A task that waits for a kind of which n jobs come in a time T waits T/n for its job on average, whatever has been
/// before. So all hits of a kind cost T, those of the kind with the most jobs are the cheapest, and no decision can
/// do better.
pub(crate) fn least_idle_unknowing(trace: &Trace, hits: f64) -> f64 {
    let (mut left, mut idle) = (hits, 0.0);
    for jobs in jobs_of_kinds(trace) {
        idle += trace.until as f64 * (left / jobs).clamp(0.0, 1.0);
        left -= jobs;
    }
    idle
}

/// The jobs of each kind, the most first.
fn jobs_of_kinds(trace: &Trace) -> Vec<f64> {
    let count = |kind| trace.jobs.iter().filter(|job| job.kind == kind).count() as f64;
    let mut jobs: Vec<_> = (0..trace.kinds).map(count).collect();
    jobs.sort_by(|one, other| other.total_cmp(one));
    jobs
}
