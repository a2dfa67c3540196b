//! The pools as a table, for people. It fits 80 columns.

use std::collections::BTreeMap;

use super::Facts;
use super::rows::Row;
use super::today::Count;
use crate::operate::table::{Column, Look};
use crate::state::warm::Rest;
use crate::text::plain;

/// Characters of a line where the output has no width.
const WIDTH: u16 = 80;

/// Characters that the figures of a row take with their gaps (costs up to `1234.50+`), and the least that a name gets.
const FIGURES: usize = 54;
const LEAST_NAME: usize = 12;

/// Reasons of a pool at most. The JSON has all.
const REASONS: usize = 5;

pub(super) fn text(facts: &Facts, look: Look) -> String {
    let width = usize::from(look.width.unwrap_or(WIDTH));
    let mut lines = Vec::new();
    if facts.rows.is_empty() {
        lines.push("No pool in fargate.toml, and no job is followed".to_owned());
    } else {
        let columns = [
            Column::Text("pool"),
            Column::Figure("wanted"),
            Column::Figure("starting"),
            Column::Figure("ready"),
            Column::Figure("claimed"),
            Column::Figure("missed"),
            Column::Figure("USD"),
        ];
        let name = width.saturating_sub(FIGURES).max(LEAST_NAME);
        let cells = facts.rows.iter().map(|row| cells(row, name)).collect();
        lines.extend(look.table(&columns, cells));
        lines.push("claimed, missed and USD (about): since midnight, UTC".to_owned());
    }
    for row in &facts.rows {
        lines.extend(whys(&row.pool, &row.count, width));
    }
    lines.extend(whys("jobs of no known pool", &facts.others, width));
    if !facts.has_keeper {
        lines.push("`fargate warm keep` does not run for this configuration".to_owned());
    }
    match facts.rest {
        Some(Rest::Drained) => {
            lines.push("drained: none is started until `fargate warm keep --resume`".to_owned());
        }
        Some(Rest::Yielded) => {
            lines.push("none is started for five minutes: a job found no room".to_owned());
        }
        None => {}
    }
    lines.join("\n") + "\n"
}

fn cells(row: &Row, name: usize) -> Vec<String> {
    let cost = &row.count.cost;
    let mark = if cost.unpriced_vcpu_hours > 0.0 {
        "+"
    } else {
        ""
    };
    vec![
        end(&plain(&row.pool), name),
        row.wanted.to_string(),
        row.starting.to_string(),
        row.ready.to_string(),
        row.count.claimed.to_string(),
        row.count.missed.values().sum::<u64>().to_string(),
        format!("{:.2}{mark}", row.count.cost.waiting_usd),
    ]
}

/// Why jobs missed the tasks of a pool, and why tasks ended without a job.
fn whys(title: &str, count: &Count, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, reasons) in [
        ("missed", &count.missed),
        ("ended without a job", &count.unclaimed),
    ] {
        let reasons = most_first(reasons);
        for (why, number) in reasons.iter().take(REASONS) {
            lines.push(format!("{number:>6} {what}: {}", plain(why)));
        }
        let more: u64 = reasons.iter().skip(REASONS).map(|(_, number)| number).sum();
        if more > 0 {
            lines.push(format!("{more:>6} {what}: for other reasons"));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, plain(title));
    }
    lines.iter().map(|line| begin(line, width)).collect()
}

/// Reasons with their numbers, the greatest first.
pub(super) fn most_first(reasons: &BTreeMap<String, u64>) -> Vec<(&String, u64)> {
    let reasons = reasons.iter().map(|(why, number)| (why, *number));
    let mut sorted: Vec<_> = reasons.collect();
    sorted.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    sorted
}

/// The last characters of a text that is too long.
fn end(text: &str, length: usize) -> String {
    let whole = text.chars().count();
    match whole > length {
        true => format!(
            "…{}",
            text.chars().skip(whole + 1 - length).collect::<String>()
        ),
        false => text.to_owned(),
    }
}

/// The first characters of a text that is too long.
fn begin(text: &str, length: usize) -> String {
    match text.chars().count() > length {
        true => format!(
            "{}…",
            text.chars()
                .take(length.saturating_sub(1))
                .collect::<String>()
        ),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::cost::Usage;

    #[test]
    fn no_line_is_longer_than_80_columns() {
        let count = Count {
            claimed: 123_456,
            missed: (0..9)
                .map(|number| (number.to_string().repeat(200), number))
                .collect(),
            cost: Usage {
                waiting_usd: 1_234.5,
                unpriced_vcpu_hours: 1.0,
                ..Usage::default()
            },
            ..Count::default()
        };
        let row = Row {
            pool: "registry.example.com/group/".repeat(9),
            wanted: 1_000,
            count: count.clone(),
            ..Row::default()
        };
        let facts = Facts {
            at: 1,
            since: 0,
            has_keeper: false,
            rest: Some(Rest::Drained),
            rows: vec![row],
            others: count,
            tasks: Vec::new(),
        };
        for width in [None, Some(80)] {
            let look = Look {
                width,
                height: None,
                is_terminal: width.is_some(),
                is_coloured: false,
                has_links: false,
            };
            let text = text(&facts, look);
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{width:?}: {line}");
            }
            for part in ["1234.50+", "     6 missed: for other reasons"] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    }
}
