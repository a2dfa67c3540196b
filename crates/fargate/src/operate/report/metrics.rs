//! Metrics for Prometheus, as node_exporter's textfile collector reads them: the text format, without times.
//!
//! A counter must never fall, and months leave the ledger. So the totals of each month stay in a file beside the
//! ledger, and a month that was read again, with other prices perhaps, never counts for less than before.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::exposition::{Kind, Page, label};
use super::phases::{Phase, phases};
use super::{unreadable, write};
use crate::error::{Error, Result};
use crate::operate::cost::{Prices, Usage, is_spot};
use crate::state::files::{self, Draft};
use crate::state::ledger::{self, Entry, TaskEntry, read_month};
use crate::state::outcome::OutcomeKind;

/// The file of totals, in the ledger's folder.
const TOTALS: &str = "metrics.json";

/// Projects with a label of their own: the first so many. A label never changes, so neither does a counter fall.
const PROJECTS: usize = 50;

const MILLION: f64 = 1e6;

/// The fates of a task: it takes scripts; it ends before that, by AWS or by itself; the driver stops it before that.
/// Of two tasks of one start the second is ready first, or not.
const WON: &str = "won";
const LOST: &str = "lost";
const STOPPED: &str = "stopped";

/// The label of the others.
const OTHER: &str = "other";

/// Upper bounds of the buckets of a start's phases, in seconds.
const BOUNDS: [f64; 15] = [
    1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 900.0,
];

/// The counters, and what each says.
const COUNTERS: [(&str, &str); 7] = [
    (
        "fargate_attempts_total",
        "Attempts at jobs that are over, by outcome.",
    ),
    (
        "fargate_tasks_total",
        "Tasks of these attempts: won took scripts, lost ended by themselves or by AWS before that, stopped by the driver.",
    ),
    (
        "fargate_orphans_total",
        "Tasks without a job that a sweep ended.",
    ),
    (
        "fargate_hedges_total",
        "Second tasks of starts that lagged; those that won were ready first.",
    ),
    (
        "fargate_task_vcpu_seconds_total",
        "vCPU-seconds that AWS bills, about.",
    ),
    (
        "fargate_task_memory_gigabyte_seconds_total",
        "GB-seconds of memory that AWS bills, about.",
    ),
    (
        "fargate_task_cost_dollars_total",
        "Cost in USD, about; of Spot roughly.",
    ),
];

/// The histogram of phases.
const START: (&str, &str) = (
    "fargate_start_duration_seconds",
    "Phases of starts; whole is the time from RunTask until a task takes scripts.",
);

/// All totals.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Totals {
    /// Projects with a label of their own.
    projects: Vec<String>,
    months: BTreeMap<String, MonthTotals>,
}

/// The totals of a month.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct MonthTotals {
    /// Length of the file that they are of: an unchanged one is not read again.
    length: u64,
    /// The date of the prices in them.
    prices: String,
    /// Values by counter and labels, in millionths: whole numbers add up to the same sum whatever their order, and come
    /// back from a file as they were. A counter that falls by the last digit counts as one that began anew.
    counters: BTreeMap<String, BTreeMap<String, u64>>,
    /// Histograms by phase.
    starts: BTreeMap<String, Histogram>,
}

/// A histogram of durations.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Histogram {
    /// Durations by the first bound that they do not exceed; the last is of those that exceed all.
    buckets: Vec<u64>,
    millis: u64,
}

/// Brings the totals up to date, and writes them to `file`.
///
/// # Errors
///
/// When the ledger cannot be read, or one of the files cannot be written.
pub(super) fn write_file(folder: &Path, prices: &Prices, file: &Path) -> Result<()> {
    let totals = update(folder, prices)?;
    write(file, page(&totals, prices).as_bytes())
}

/// The totals with all that the ledger has.
fn update(folder: &Path, prices: &Prices) -> Result<Totals> {
    let file = folder.join(TOTALS);
    let mut totals: Totals = match files::read(&file) {
        Ok(content) => serde_json::from_slice(&content).map_err(|error| {
            Error::system(format!(
                "the totals in {} are damaged: {error}",
                file.display()
            ))
            .advise("Remove the file; the counters then begin anew, from what the ledger has.")
        })?,
        Err(error) if error.kind() == ErrorKind::NotFound => Totals::default(),
        Err(error) => {
            let file = file.display();
            let problem = format!("could not read the totals in {file}: {error}");
            return Err(Error::system(problem));
        }
    };
    for month in ledger::months(folder) {
        let length = std::fs::metadata(&month.file).map_or(0, |file| file.len());
        let known = totals.months.get(&month.name);
        if known.is_some_and(|known| known.length == length && known.prices == prices.date) {
            continue;
        }
        let mut counted = MonthTotals {
            length,
            prices: prices.date.clone(),
            ..MonthTotals::default()
        };
        let each = |entry: Entry| counted.add(&entry, prices, &mut totals.projects);
        read_month(&month, each).map_err(|error| unreadable(&month.file, &error))?;
        if let Some(known) = totals.months.get(&month.name) {
            counted.keep_at_least(known);
        }
        totals.months.insert(month.name, counted);
    }
    if totals.months.is_empty() {
        return Ok(totals);
    }
    let saved = serde_json::to_vec(&totals).map_err(std::io::Error::from);
    let saved = saved.and_then(|content| Draft::new(&file, &content)?.sync()?.persist());
    saved.map_err(|error| Error::system(format!("could not write {}: {error}", file.display())))?;
    Ok(totals)
}

impl MonthTotals {
    fn add(&mut self, entry: &Entry, prices: &Prices, projects: &mut Vec<String>) {
        if entry.is_attempt() {
            let outcome = label("outcome", outcome(entry.outcome.kind));
            self.count("fargate_attempts_total", outcome, 1.0);
            for (phase, millis) in phases(entry) {
                let starts = self.starts.entry(phase.name().to_owned()).or_default();
                starts.add(millis);
            }
        } else if entry.is_orphan() {
            self.count("fargate_orphans_total", String::new(), 1.0);
        }
        let project = label("project", labelled(&entry.project, projects));
        for task in &entry.tasks {
            let provider = label("provider", provider(task));
            if entry.lists_tasks_of_attempt() {
                let result = label("result", result(task));
                self.count("fargate_tasks_total", format!("{provider},{result}"), 1.0);
                if task.hedge {
                    let result = label("result", if task.won { WON } else { LOST });
                    self.count("fargate_hedges_total", result, 1.0);
                }
            }
            let Some(usage) = Usage::of(entry, task, prices) else {
                continue;
            };
            let labels = format!("{project},{provider}");
            for (counter, value) in [
                ("fargate_task_vcpu_seconds_total", usage.vcpu_hours * 3600.0),
                (
                    "fargate_task_memory_gigabyte_seconds_total",
                    usage.gb_hours * 3600.0,
                ),
                (
                    "fargate_task_cost_dollars_total",
                    usage.usd + usage.spot_usd,
                ),
            ] {
                self.count(counter, labels.clone(), value);
            }
        }
    }

    fn count(&mut self, counter: &str, labels: String, value: f64) {
        let series = self.counters.entry(counter.to_owned()).or_default();
        *series.entry(labels).or_default() += (value * MILLION).round() as u64;
    }

    /// Takes earlier totals of the month where they were larger.
    fn keep_at_least(&mut self, earlier: &Self) {
        for (counter, series) in &earlier.counters {
            let now = self.counters.entry(counter.clone()).or_default();
            for (labels, value) in series {
                let now = now.entry(labels.clone()).or_default();
                *now = u64::max(*now, *value);
            }
        }
        for (phase, histogram) in &earlier.starts {
            let now = self.starts.entry(phase.clone()).or_default();
            if histogram.count() > now.count() {
                *now = histogram.clone();
            }
        }
    }
}

impl Histogram {
    fn add(&mut self, millis: u64) {
        let seconds = millis as f64 / 1000.0;
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        self.buckets.resize(BOUNDS.len() + 1, 0);
        if let Some(count) = self.buckets.get_mut(bucket.unwrap_or(BOUNDS.len())) {
            *count += 1;
        }
        self.millis += millis;
    }

    fn merge(&mut self, other: &Self) {
        self.buckets.resize(BOUNDS.len() + 1, 0);
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.millis += other.millis;
    }

    fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// The label of a project.
fn labelled<'a>(project: &'a str, projects: &mut Vec<String>) -> &'a str {
    if project.is_empty() {
        return OTHER;
    }
    if projects.iter().any(|known| known == project) {
        return project;
    }
    if projects.len() >= PROJECTS {
        return OTHER;
    }
    projects.push(project.to_owned());
    project
}

fn provider(task: &TaskEntry) -> &'static str {
    match is_spot(task) {
        true => "FARGATE_SPOT",
        false => "FARGATE",
    }
}

/// The fate of a task of an attempt.
fn result(task: &TaskEntry) -> &'static str {
    match task.won {
        true => WON,
        false if task.facts.was_lost() => LOST,
        false => STOPPED,
    }
}

fn outcome(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Success => "success",
        OutcomeKind::ScriptFailed => "script_failed",
        OutcomeKind::JobRefused => "job_refused",
        OutcomeKind::Cancelled => "cancelled",
        OutcomeKind::SystemFailure => "system_failure",
        OutcomeKind::Other => "other",
    }
}

/// The labels of a counter's series that are there from the beginning, at zero: Prometheus does not count the value
/// with which a series appears, so the first failure of all would be no increase.
fn initial(counter: &str) -> Vec<String> {
    match counter {
        "fargate_attempts_total" => [
            OutcomeKind::Success,
            OutcomeKind::ScriptFailed,
            OutcomeKind::JobRefused,
            OutcomeKind::Cancelled,
            OutcomeKind::SystemFailure,
        ]
        .map(|kind| label("outcome", outcome(kind)))
        .to_vec(),
        "fargate_tasks_total" => ["FARGATE", "FARGATE_SPOT"]
            .into_iter()
            .flat_map(|provider| [WON, LOST, STOPPED].map(|result| (provider, result)))
            .map(|(provider, result)| {
                let provider = label("provider", provider);
                format!("{provider},{}", label("result", result))
            })
            .collect(),
        "fargate_orphans_total" => vec![String::new()],
        "fargate_hedges_total" => [WON, LOST].map(|result| label("result", result)).to_vec(),
        // A project appears with its first task.
        _ => Vec::new(),
    }
}

/// The sums over all months as text.
fn page(totals: &Totals, prices: &Prices) -> String {
    let mut page = Page::default();
    for (name, help) in COUNTERS {
        page.family(name, Kind::Counter, help);
        let initial = initial(name);
        let mut sums: BTreeMap<&str, u64> = initial.iter().map(|one| (one.as_str(), 0)).collect();
        let months = totals.months.values();
        for (labels, value) in months
            .filter_map(|month| month.counters.get(name))
            .flatten()
        {
            *sums.entry(labels).or_default() += value;
        }
        for (labels, value) in sums {
            page.sample(name, labels, value as f64 / MILLION);
        }
    }
    let (name, help) = START;
    page.family(name, Kind::Histogram, help);
    for phase in Phase::ALL {
        let mut sum = Histogram::default();
        let months = totals.months.values();
        for one in months.filter_map(|month| month.starts.get(phase.name())) {
            sum.merge(one);
        }
        sum.merge(&Histogram::default());
        let labels = label("phase", phase.name());
        let seconds = sum.millis as f64 / 1000.0;
        page.histogram(name, &labels, &BOUNDS, &sum.buckets, seconds);
    }
    const PRICES: &str = "fargate_prices_info";
    page.family(
        PRICES,
        Kind::Gauge,
        "The prices that the cost is reckoned with.",
    );
    page.sample(PRICES, &label("date", &prices.date), 1.0);
    page.text()
}

#[cfg(test)]
mod tests;
