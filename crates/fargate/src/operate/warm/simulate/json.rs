//! The document of `fargate warm simulate --json`. docs/warm-sizing.md lists its members.

use serde_json::{Value, json};

use super::history::{History, Kind};
use super::ways::Way;
use crate::state::ledger::rfc3339;

pub(super) fn document(history: &History, ways: &[Way], unused_pools: &[String]) -> Value {
    let (usd, hours) = history.own();
    let jobs = history.jobs.len();
    json!({
        "version": 1,
        "since": rfc3339(history.since),
        "until": rfc3339(history.until),
        "jobs": jobs,
        "job_hours": hours,
        "job_usd": usd,
        "kinds": history.kinds.iter().map(kind).collect::<Vec<_>>(),
        "ways": ways.iter().map(|each| way(each, jobs)).collect::<Vec<_>>(),
        "unused_pools": unused_pools,
    })
}

fn kind(kind: &Kind) -> Value {
    let task = &kind.task;
    json!({
        "start_hash": task.start_hash,
        "image": task.image,
        "family": task.family,
        "cpu": task.cpu,
        "memory": task.memory,
        "architecture": task.architecture,
        "capacity_provider": task.provider,
        "jobs": kind.jobs,
        "start_p50_seconds": seconds(kind.times.start),
        "job_hours": kind.hours,
        "job_usd": kind.usd,
    })
}

fn way(way: &Way, jobs: usize) -> Value {
    json!({
        "way": way.name,
        "hits": way.hits,
        "misses": (jobs as u64).saturating_sub(way.hits),
        "start_p50_seconds": way.start_p50.map(seconds),
        "start_p95_seconds": way.start_p95.map(seconds),
        "idle_hours": way.idle_hours,
        "idle_usd": way.idle_usd,
    })
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
