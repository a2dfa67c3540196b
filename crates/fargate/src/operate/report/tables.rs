//! The report as tables, for people.

use std::collections::BTreeMap;

use super::phases::Phase;
use super::sketch::Sketch;
use super::span::Span;
use super::summary::{Start, Summary, largest};
use crate::operate::cost::{Prices, Usage};
use crate::operate::table::{Column, Look};
use crate::state::ledger::rfc3339;
use crate::state::outcome::OutcomeKind;

/// Rows of a table at most. The JSON has all.
const ROWS: usize = 10;

/// The whole report.
pub(super) fn text(summary: &Summary, prices: &Prices, span: &Span, look: Look) -> String {
    let mut page = Page {
        text: String::new(),
        look,
    };
    let since: String = rfc3339(span.since)
        .chars()
        .take("2026-11-29".len())
        .collect();
    let attempts = summary.attempts();
    if attempts == 0 && summary.cost.tasks == 0 {
        return format!("No job has ended since {since}.\n");
    }
    let outcomes = summary.outcomes.iter();
    let outcomes: Vec<_> = outcomes
        .map(|(kind, count)| format!("{count} {}", name(*kind)))
        .collect();
    page.line(&format!(
        "{attempts} attempts at jobs since {since}: {}",
        outcomes.join(", ")
    ));
    starts(&mut page, summary);
    failures(&mut page, summary);
    cost(&mut page, summary, prices);
    page.text
}

/// An outcome in words.
fn name(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Success => "succeeded",
        OutcomeKind::ScriptFailed => "script failed",
        OutcomeKind::JobRefused => "job refused",
        OutcomeKind::Cancelled => "cancelled",
        OutcomeKind::SystemFailure => "system failure",
        OutcomeKind::Other => "of a newer version",
    }
}

fn starts(page: &mut Page, summary: &Summary) {
    let phase = |phase: &Phase| {
        let label = match phase {
            Phase::FirstScript => "to the first script",
            Phase::Whole => "until scripts run",
            _ => phase.name(),
        };
        let sketch = summary.phases.get(phase)?;
        let [p50, p95] = quantiles(sketch);
        Some(vec![label.to_owned(), p50, p95, sketch.count().to_string()])
    };
    let rows = Phase::ALL.iter().filter_map(phase).collect();
    page.table("Starts by phase", &["phase", "p50", "p95", "starts"], rows);
    for (title, head, starts) in [
        ("Starts by image", "image", &summary.images),
        ("Starts by zone", "zone", &summary.zones),
    ] {
        let mut named: Vec<(&String, &Start)> = starts.iter().collect();
        named.sort_by_key(|(name, start)| (std::cmp::Reverse(start.whole.count()), *name));
        let row = |(name, start): (&String, &Start)| {
            let ([p50, p95], [pull50, pull95]) = (quantiles(&start.whole), quantiles(&start.pull));
            vec![
                name.clone(),
                p50,
                p95,
                pull50,
                pull95,
                start.whole.count().to_string(),
            ]
        };
        let rows = named.into_iter().take(ROWS).map(row).collect();
        page.table(
            title,
            &[head, "p50", "p95", "pull p50", "pull p95", "starts"],
            rows,
        );
    }
}

fn quantiles(sketch: &Sketch) -> [String; 2] {
    [0.5, 0.95].map(|quantile| {
        let seconds = sketch.quantile(quantile);
        seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s"))
    })
}

fn failures(page: &mut Page, summary: &Summary) {
    let mut failures: Vec<_> = summary.failures.iter().collect();
    failures.sort_by_key(|(key, failure)| (std::cmp::Reverse(failure.count), *key));
    let rows = failures
        .into_iter()
        .take(ROWS)
        .map(|((kind, cause), failure)| {
            let last = format!("job {}", failure.last_job);
            vec![
                cause.clone(),
                name(*kind).to_owned(),
                last,
                failure.count.to_string(),
            ]
        });
    page.table(
        "Failures",
        &["cause", "outcome", "last", "times"],
        rows.collect(),
    );
}

fn cost(page: &mut Page, summary: &Summary, prices: &Prices) {
    let has_spot = summary.cost.spot_usd > 0.0;
    let table = |page: &mut Page,
                 title: &str,
                 head: &'static str,
                 rows: Vec<(&String, &Usage)>,
                 total: Option<&Usage>| {
        let mut heads = vec![head, "tasks", "vCPU-hours", "GB-hours", "about USD"];
        if has_spot {
            heads.push("on Spot, roughly");
        }
        let row = |name: &str, usage: &Usage| {
            let mut row = vec![
                name.to_owned(),
                usage.tasks.to_string(),
                format!("{:.1}", usage.vcpu_hours),
                format!("{:.1}", usage.gb_hours),
                format!("{:.2}", usage.usd),
            ];
            if has_spot {
                row.push(format!("{:.2}", usage.spot_usd));
            }
            row
        };
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(name, usage)| row(name, usage))
            .collect();
        rows.extend(total.map(|total| row("in all", total)));
        page.table(title, &heads, rows);
    };
    let top = |map| largest(map).into_iter().take(ROWS).collect();
    let (projects, images) = (top(&summary.cost_by_project), top(&summary.cost_by_image));
    table(
        page,
        "Cost by project",
        "project",
        projects,
        Some(&summary.cost),
    );
    table(page, "Cost by image", "image", images, None);
    let days: BTreeMap<_, _> = summary.cost_by_day.iter().rev().take(ROWS).collect();
    table(page, "Cost by day", "day", days.into_iter().collect(), None);
    page.line("");
    page.line(&format!(
        "Prices of {} without tax and discounts, from {}.",
        prices.date, prices.source
    ));
    beside(page, summary);
}

/// The part of kept tasks in the cost, and the parts that are not known.
fn beside(page: &mut Page, summary: &Summary) {
    if !summary.unpriced_regions.is_empty() {
        let regions: Vec<_> = summary
            .unpriced_regions
            .keys()
            .map(String::as_str)
            .collect();
        page.line(&format!(
            "{:.1} vCPU-hours have no price here: none is known for their architecture in {} ([Report] Prices).",
            summary.cost.unpriced_vcpu_hours,
            regions.join(", ")
        ));
    }
    let cost = &summary.cost;
    if cost.kept_hours > 0.0 {
        page.line(&format!(
            "Of all this, tasks of failed jobs that were kept took {:.1} hours, about {:.2} USD (KeepFailedFor).",
            cost.kept_hours, cost.kept_usd
        ));
    }
    if cost.waiting_hours > 0.0 {
        page.line(&format!(
            "Of all this, tasks that waited for jobs took {:.1} hours, about {:.2} USD ([Warm]).",
            cost.waiting_hours, cost.waiting_usd
        ));
    }
    if summary.hedges.count > 0 {
        page.line(&format!(
            "{} starts lagged and got a second task, which was ready first {} times. The tasks that were behind took \
             {:.1} hours of all this, about {:.2} USD (HedgeAfter).",
            summary.hedges.count, summary.hedges.won, cost.hedged_hours, cost.hedged_usd
        ));
    }
    let (storage, addresses) = (cost.unpriced_storage_gb_hours, cost.unpriced_address_hours);
    if storage > 0.0 || addresses > 0.0 {
        page.line(&format!(
            "{storage:.1} GB-hours of storage and {addresses:.1} hours of public addresses have no price here."
        ));
    }
    if cost.unknown_ends > 0 {
        page.line(&format!(
            "{} tasks count until their last sign of life: AWS no longer knew them.",
            cost.unknown_ends
        ));
    }
}

/// The text so far.
struct Page {
    text: String,
    look: Look,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A table under its title; nothing without rows. The first column has text, the others figures.
    fn table(&mut self, title: &str, heads: &[&'static str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        let column = |(at, head): (usize, &&'static str)| match *head {
            "cause" | "outcome" | "last" => Column::Text(head),
            _ if at == 0 => Column::Text(head),
            _ => Column::Figure(head),
        };
        let columns: Vec<_> = heads.iter().enumerate().map(column).collect();
        self.line("");
        self.line(&self.look.title(title));
        for line in self.look.table(&columns, rows) {
            self.line(&line);
        }
    }
}
