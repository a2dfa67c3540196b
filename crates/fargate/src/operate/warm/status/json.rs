//! The document of `fargate warm status --json`. docs/warm.md lists its members.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rows::Row;
use super::today::Count;
use super::{Facts, tables};
use crate::state::ledger::rfc3339;
use crate::state::waiting::Waiting;
use crate::state::warm::Rest;

pub(super) fn document(facts: &Facts) -> Value {
    json!({
        "version": 1,
        "at": rfc3339(facts.at),
        "since": rfc3339(facts.since),
        "keeper": facts.has_keeper,
        "resting": facts.rest.map(|rest| match rest {
            Rest::Drained => "drained",
            Rest::Yielded => "yielded",
        }),
        "pools": facts.rows.iter().map(pool).collect::<Vec<_>>(),
        "others": count(&facts.others),
        "tasks": facts.tasks.iter().map(task).collect::<Vec<_>>(),
    })
}

fn pool(row: &Row) -> Value {
    let mut pool = count(&row.count);
    let own = json!({
        "pool": row.pool,
        "configured": row.is_configured,
        "wanted": row.wanted,
        "starting": row.starting,
        "ready": row.ready,
    });
    if let (Some(pool), Value::Object(own)) = (pool.as_object_mut(), own) {
        pool.extend(own);
    }
    pool
}

fn count(count: &Count) -> Value {
    json!({
        "claimed": count.claimed,
        "missed": count.missed.values().sum::<u64>(),
        "missed_reasons": reasons(&count.missed),
        "unclaimed": count.unclaimed.values().sum::<u64>(),
        "unclaimed_reasons": reasons(&count.unclaimed),
        "waiting_hours": count.cost.waiting_hours,
        "waiting_usd": count.cost.waiting_usd,
        "unpriced_vcpu_hours": count.cost.unpriced_vcpu_hours,
    })
}

fn reasons(reasons: &BTreeMap<String, u64>) -> Vec<Value> {
    let reason = |(why, number): (&String, u64)| json!({ "why": why, "count": number });
    tables::most_first(reasons)
        .into_iter()
        .map(reason)
        .collect()
}

fn task(task: &Waiting) -> Value {
    json!({
        "id": task.id,
        "pool": task.pool,
        "task_arn": task.task,
        "ready": task.is_ready(),
        "age_seconds": task.age().as_secs(),
    })
}
