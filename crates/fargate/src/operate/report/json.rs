//! The report as one JSON document, for programs. docs/report.md lists its members.

use serde_json::{Value, json};

use super::phases::Phase;
use super::sketch::{ERROR, Sketch};
use super::span::Span;
use super::summary::{Summary, largest};
use crate::operate::cost::{Prices, Usage, WIND_DOWN_SECONDS};
use crate::state::ledger::rfc3339;

/// The document.
pub(super) fn document(summary: &Summary, prices: &Prices, span: &Span) -> Value {
    let outcomes = summary.outcomes.iter();
    let outcomes: serde_json::Map<_, _> = outcomes
        .filter_map(|(kind, count)| {
            Some((
                serde_json::to_value(kind).ok()?.as_str()?.to_owned(),
                json!(count),
            ))
        })
        .collect();
    let failures = summary.failures.iter().map(|((kind, cause), failure)| {
        json!({ "outcome": kind, "cause": cause, "count": failure.count, "last_at": rfc3339(failure.last_at),
            "last_job_id": failure.last_job, "last_project": failure.last_project })
    });
    json!({
        "version": 1,
        "since": rfc3339(span.since),
        "until": rfc3339(span.until),
        "attempts": summary.attempts(),
        "outcomes": outcomes,
        "starts": starts(summary),
        "failures": failures.collect::<Vec<_>>(),
        "cost": cost(summary, prices),
    })
}

fn starts(summary: &Summary) -> Value {
    let phase = |phase: &Phase| {
        let sketch = summary.phases.get(phase)?;
        Some(with(json!({ "phase": phase.name() }), &quantiles(sketch)))
    };
    let named = |key: &str, name: &str, start: &super::summary::Start| {
        let named = with(json!({ key: name }), &quantiles(&start.whole));
        with(
            named,
            &json!({ "pull_p50_seconds": start.pull.quantile(0.5), "pull_p95_seconds": start.pull.quantile(0.95) }),
        )
    };
    let images = summary
        .images
        .iter()
        .map(|(name, start)| named("image", name, start));
    let zones = summary
        .zones
        .iter()
        .map(|(name, start)| named("zone", name, start));
    let days = summary
        .days
        .iter()
        .map(|(day, sketch)| with(json!({ "day": day }), &quantiles(sketch)));
    json!({
        "error": ERROR,
        "phases": Phase::ALL.iter().filter_map(phase).collect::<Vec<_>>(),
        "images": images.collect::<Vec<_>>(),
        "zones": zones.collect::<Vec<_>>(),
        "days": days.collect::<Vec<_>>(),
        "hedges": { "count": summary.hedges.count, "won": summary.hedges.won },
    })
}

fn quantiles(sketch: &Sketch) -> Value {
    json!({ "count": sketch.count(), "p50_seconds": sketch.quantile(0.5), "p95_seconds": sketch.quantile(0.95) })
}

fn cost(summary: &Summary, prices: &Prices) -> Value {
    let named = |key: &'static str, map| -> Vec<Value> {
        let rows = largest(map).into_iter();
        rows.map(|(name, used)| with(json!({ key: name }), &usage(used)))
            .collect()
    };
    let days = summary.cost_by_day.iter();
    let days = days.map(|(day, used)| with(json!({ "day": day }), &usage(used)));
    json!({
        "currency": "USD",
        "prices": { "date": prices.date, "source": prices.source, "spot_share": prices.spot_share },
        "wind_down_seconds": WIND_DOWN_SECONDS,
        "regions_without_price": summary.unpriced_regions.keys().collect::<Vec<_>>(),
        "total": usage(&summary.cost),
        "projects": named("project", &summary.cost_by_project),
        "images": named("image", &summary.cost_by_image),
        "days": days.collect::<Vec<_>>(),
    })
}

fn usage(usage: &Usage) -> Value {
    json!({ "tasks": usage.tasks, "vcpu_hours": usage.vcpu_hours, "gb_hours": usage.gb_hours, "usd": usage.usd,
        "spot_usd_estimate": usage.spot_usd, "unpriced_vcpu_hours": usage.unpriced_vcpu_hours,
        "unpriced_storage_gb_hours": usage.unpriced_storage_gb_hours,
        "unpriced_address_hours": usage.unpriced_address_hours, "unknown_ends": usage.unknown_ends,
        "kept_hours": usage.kept_hours, "kept_usd": usage.kept_usd,
        "waiting_hours": usage.waiting_hours, "waiting_usd": usage.waiting_usd,
        "hedged_hours": usage.hedged_hours, "hedged_usd": usage.hedged_usd })
}

/// The members of both objects.
fn with(mut object: Value, more: &Value) -> Value {
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    object
}
