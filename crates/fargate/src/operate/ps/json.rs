//! The jobs as one JSON document. docs/ps.md lists its members.

use serde_json::{Value, json};

use super::facts::Facts;
use super::job::{Job, Sweep, Time};
use crate::operate::cost::Prices;
use crate::task::console_link;
use crate::teardown::orphan::Verdict;

/// The document.
pub(super) fn document(facts: &Facts, prices: &Prices, now: u64) -> Value {
    let jobs = facts.jobs.iter();
    let jobs: Vec<_> = jobs.map(|facts| Job::of(facts, prices, now)).collect();
    let tasks = facts.tasks.iter().map(|(task, verdict)| {
        json!({ "task_arn": task.arn, "task_url": console_link(&task.arn),
            "started_at": task.times.created.map(Time), "sweep": Sweep::of(verdict) })
    });
    let waiting = facts.waiting.iter().map(|(task, why)| {
        let arn = task.task.as_deref();
        json!({ "id": task.id, "pool": task.pool, "task_arn": arn,
            "task_url": arn.and_then(console_link),
            "sweep": Sweep::of(&Verdict::End(why.clone())) })
    });
    let damaged = facts.damaged.iter();
    let damaged =
        damaged.map(|(file, why)| json!({ "file": file.display().to_string(), "why": why }));
    json!({
        "version": 1,
        "at": Time(now),
        "manager": facts.manager,
        "jobs": jobs,
        "tasks_without_record": tasks.collect::<Vec<_>>(),
        "waiting_tasks": waiting.collect::<Vec<_>>(),
        "damaged_records": damaged.collect::<Vec<_>>(),
        "unasked": facts.unasked,
    })
}
