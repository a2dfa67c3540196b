//! The tables of `fargate warm simulate`, for people.

use super::history::{History, Kind};
use super::ways::Way;
use crate::operate::table::{Column, Look};
use crate::state::ledger::rfc3339;

/// Rows of the table of kinds at most. The JSON has all.
const ROWS: usize = 10;

pub(super) fn text(history: &History, ways: &[Way], unused_pools: &[String], look: Look) -> String {
    let day = |at| {
        rfc3339(at)
            .chars()
            .take("2026-11-29".len())
            .collect::<String>()
    };
    let since = day(history.since);
    if history.jobs.is_empty() {
        return format!("The ledger has no job since {since} whose task took scripts.\n");
    }
    let (usd, hours) = history.own();
    let mut lines = vec![
        format!(
            "{} jobs since {since}, of {} kinds of tasks: {hours:.1} task hours, about {usd:.2} USD",
            history.jobs.len(),
            history.kinds.len()
        ),
        String::new(),
        look.title("What waiting tasks would have brought, and cost beside the jobs"),
    ];
    let columns = [
        Column::Text("tasks that wait"),
        Column::Figure("hits"),
        Column::Figure("start p50"),
        Column::Figure("p95"),
        Column::Figure("idle hours"),
        Column::Figure("about USD"),
        Column::Figure("of the jobs' own"),
    ];
    let rows = ways.iter().map(|way| row(way, history)).collect();
    lines.extend(look.table(&columns, rows));
    for pool in unused_pools {
        lines.push(format!(
            "WARNING: no job of that time would have used the pool {pool}: its tasks only wait"
        ));
    }
    lines.push(String::new());
    lines.push(look.title("Kinds of tasks, those of the most jobs first"));
    let columns = [
        Column::Text("image"),
        Column::Text("definition"),
        Column::Text("size"),
        Column::Figure("jobs"),
        Column::Figure("start p50"),
    ];
    let rows = history.kinds.iter().take(ROWS).map(kind).collect();
    lines.extend(look.table(&columns, rows));
    lines.join("\n") + "\n"
}

fn row(way: &Way, history: &History) -> Vec<String> {
    let (usd, hours) = history.own();
    let share = match usd > 0.0 {
        true => way.idle_usd / usd,
        false => way.idle_hours / hours.max(f64::MIN_POSITIVE),
    };
    let hits = way.hits as f64 / history.jobs.len() as f64;
    vec![
        way.name.clone(),
        format!("{:.0} %", hits * 100.0),
        seconds(way.start_p50),
        seconds(way.start_p95),
        format!("{:.1}", way.idle_hours),
        format!("{:.2}", way.idle_usd),
        format!("{:.0} %", share * 100.0),
    ]
}

fn kind(kind: &Kind) -> Vec<String> {
    let task = &kind.task;
    let vcpu = f64::from(task.cpu.unwrap_or(0)) / 1024.0;
    let gb = f64::from(task.memory.unwrap_or(0)) / 1024.0;
    vec![
        task.image.clone().unwrap_or_default(),
        task.family.clone().unwrap_or_default(),
        format!("{vcpu} vCPU, {gb} GB"),
        kind.jobs.to_string(),
        seconds(Some(kind.times.start)),
    ]
}

fn seconds(millis: Option<u64>) -> String {
    millis.map_or_else(String::new, |millis| {
        format!("{:.1} s", millis as f64 / 1000.0)
    })
}
