//! The report as a picture: how long starts took, and what projects cost.

use super::sketch::Sketch;
use super::span::Span;
use super::summary::{Summary, largest};
use super::svg::{Anchor, Picture, Point, ticks};
use crate::operate::cost::{Prices, Usage};
use crate::state::ledger::rfc3339;

/// Size of the picture, and of its margins.
const WIDTH: f64 = 960.0;
const MARGIN: f64 = 40.0;
const AXIS: f64 = 56.0;

/// The upper panel.
const STARTS_TOP: f64 = 118.0;
const STARTS_HEIGHT: f64 = 240.0;

/// The rows of the lower one.
const BARS_TOP: f64 = 452.0;
const ROW: f64 = 30.0;
const NAME_WIDTH: f64 = 220.0;
const PROJECTS: usize = 10;

/// Room to the right of a panel for figures.
const FIGURES: f64 = 110.0;

const INK: &str = "#1f2933";
const MUTED: &str = "#7b8794";
const LINE: &str = "#e4e7eb";
const BLUE: &str = "#2563eb";
const SKY: &str = "#93c5fd";
const GREEN: &str = "#0f9d8a";
const MINT: &str = "#8fd9cd";

const DAY: u64 = 24 * 3600 * 1000;

/// The picture as SVG.
pub(super) fn svg(summary: &Summary, prices: &Prices, span: &Span) -> String {
    let projects = projects(summary);
    let height = BARS_TOP + ROW * projects.len().max(1) as f64 + 60.0;
    let mut picture = Picture::new(WIDTH, height);
    let title = "Jobs on AWS Fargate";
    picture.text(Point(MARGIN, 46.0), title, 22.0, INK, Anchor::Start, true);
    let attempts = summary.attempts();
    let from_to = format!(
        "{} to {}, {attempts} attempts at jobs",
        day(span.since),
        day(span.until)
    );
    picture.text(
        Point(MARGIN, 68.0),
        &from_to,
        13.0,
        MUTED,
        Anchor::Start,
        false,
    );
    starts(&mut picture, summary, span);
    costs(&mut picture, &projects, summary);
    let source = format!(
        "Prices of {} without tax and discounts. Spot is a rough estimate.",
        prices.date
    );
    picture.text(
        Point(MARGIN, height - 22.0),
        &source,
        11.0,
        MUTED,
        Anchor::Start,
        false,
    );
    picture.finish()
}

fn day(at: u64) -> String {
    rfc3339(at).chars().take("2026-11-29".len()).collect()
}

/// The most expensive projects, and all others together.
fn projects(summary: &Summary) -> Vec<(String, Usage)> {
    let all = largest(&summary.cost_by_project);
    let mut rows: Vec<(String, Usage)> = Vec::new();
    let mut others = Usage::default();
    for (number, (name, usage)) in all.into_iter().enumerate() {
        if number < PROJECTS {
            rows.push((name.clone(), *usage));
        } else {
            others.add(usage);
        }
    }
    if others.tasks > 0 {
        rows.push(("all others".to_owned(), others));
    }
    rows
}

/// A day's starts: the day's number since 1970, and seconds.
#[derive(Clone, Copy)]
struct DayStarts {
    day: u64,
    p50: f64,
    p95: f64,
}

/// Where days and seconds are in the upper panel.
struct Axes {
    first: u64,
    last: u64,
    /// Seconds at the top.
    top: f64,
}

impl Axes {
    const LEFT: f64 = MARGIN + AXIS;
    const RIGHT: f64 = WIDTH - MARGIN - FIGURES;

    fn x(&self, day: u64) -> f64 {
        let days = self.last.saturating_sub(self.first).max(1) as f64;
        Self::LEFT + (Self::RIGHT - Self::LEFT) / days * day.saturating_sub(self.first) as f64
    }

    fn y(&self, seconds: f64) -> f64 {
        STARTS_TOP + STARTS_HEIGHT * (1.0 - seconds / self.top)
    }
}

/// Median and 95th percentile of each day's starts.
fn starts(picture: &mut Picture, summary: &Summary, span: &Span) {
    let heading = "Seconds until a job's scripts run";
    picture.text(
        Point(MARGIN, STARTS_TOP - 16.0),
        heading,
        14.0,
        INK,
        Anchor::Start,
        true,
    );
    let days: Vec<DayStarts> = summary.days.iter().filter_map(of_day).collect();
    let most = days.iter().map(|day| day.p95).fold(1.0, f64::max);
    let marks = ticks(most);
    let begin = span.since / DAY;
    let axes = Axes {
        // The axis begins where there is something to show.
        first: days.first().map_or(begin, |first| begin.max(first.day)),
        last: span.until / DAY,
        top: marks.last().copied().unwrap_or(most),
    };
    grid(picture, &axes, &marks);
    let Some(last) = days.last() else {
        let at = Point(Axes::LEFT + 12.0, STARTS_TOP + STARTS_HEIGHT / 2.0);
        picture.text(
            at,
            "no starts in this time",
            13.0,
            MUTED,
            Anchor::Start,
            false,
        );
        return;
    };
    let line = |seconds: fn(&DayStarts) -> f64| -> Vec<Point> {
        let points = days
            .iter()
            .map(|day| Point(axes.x(day.day), axes.y(seconds(day))));
        points.collect()
    };
    let (p50, p95) = (line(|day| day.p50), line(|day| day.p95));
    let band: Vec<Point> = p50.iter().chain(p95.iter().rev()).copied().collect();
    picture.area(&band, SKY, 0.28);
    for (line, colour) in [(&p95, SKY), (&p50, BLUE)] {
        picture.line(line, colour, 2.5);
        if let Some(end) = line.last() {
            picture.dot(*end, colour, 4.0);
        }
    }
    labels(picture, &axes, *last);
}

/// What the lines end with.
fn labels(picture: &mut Picture, axes: &Axes, last: DayStarts) {
    let (low, high) = apart(axes.y(last.p50), axes.y(last.p95));
    let at = axes.x(last.day) + 12.0;
    let (median, slow) = (
        format!("median {:.0} s", last.p50),
        format!("95 % in {:.0} s", last.p95),
    );
    picture.text(
        Point(at, low + 4.0),
        &median,
        12.0,
        BLUE,
        Anchor::Start,
        true,
    );
    picture.text(
        Point(at, high + 4.0),
        &slow,
        12.0,
        MUTED,
        Anchor::Start,
        true,
    );
}

fn of_day((day, sketch): (&String, &Sketch)) -> Option<DayStarts> {
    let at = humantime::parse_rfc3339_weak(&format!("{day} 00:00:00")).ok()?;
    let seconds = at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(DayStarts {
        day: seconds / (DAY / 1000),
        p50: sketch.quantile(0.5)?,
        p95: sketch.quantile(0.95)?,
    })
}

/// The lines behind the upper panel, and what they are.
fn grid(picture: &mut Picture, axes: &Axes, marks: &[f64]) {
    for mark in marks {
        let y = axes.y(*mark);
        picture.line(&[Point(Axes::LEFT, y), Point(Axes::RIGHT, y)], LINE, 1.0);
        let at = Point(Axes::LEFT - 10.0, y + 4.0);
        picture.text(at, &mark.to_string(), 12.0, MUTED, Anchor::End, false);
    }
    for (day, anchor) in [(axes.first, Anchor::Start), (axes.last, Anchor::End)] {
        let at = Point(axes.x(day), STARTS_TOP + STARTS_HEIGHT + 22.0);
        picture.text(at, &self::day(day * DAY), 12.0, MUTED, anchor, false);
    }
}

/// Heights of two labels, the first below, that do not cover each other.
fn apart(low: f64, high: f64) -> (f64, f64) {
    const LEAST: f64 = 16.0;
    let missing = LEAST - (low - high);
    match missing > 0.0 {
        true => (low + missing / 2.0, high - missing / 2.0),
        false => (low, high),
    }
}

/// A bar for each project.
fn costs(picture: &mut Picture, projects: &[(String, Usage)], summary: &Summary) {
    let total = summary.cost;
    let mut heading = format!("Cost by project, about USD {:.2}", total.usd);
    if total.spot_usd > 0.0 {
        heading += &format!(", and roughly {:.2} on Spot", total.spot_usd);
        legend(picture);
    }
    picture.text(
        Point(MARGIN, BARS_TOP - 24.0),
        &heading,
        14.0,
        INK,
        Anchor::Start,
        true,
    );
    if projects.is_empty() {
        let at = Point(MARGIN, BARS_TOP + ROW / 2.0);
        picture.text(
            at,
            "no task that AWS bills in this time",
            13.0,
            MUTED,
            Anchor::Start,
            false,
        );
    }
    let left = MARGIN + NAME_WIDTH;
    let room = WIDTH - MARGIN - FIGURES - left;
    let weight = |usage: &Usage| usage.usd + usage.spot_usd;
    let most = projects
        .iter()
        .map(|(_, usage)| weight(usage))
        .fold(0.01, f64::max);
    for (number, (name, usage)) in projects.iter().enumerate() {
        let top = BARS_TOP + ROW * number as f64;
        let middle = top + ROW / 2.0 + 4.0;
        picture.text(
            Point(left - 12.0, middle),
            &shortened(name),
            12.0,
            INK,
            Anchor::End,
            false,
        );
        let width = |usd: f64| room * usd / most;
        let (plain, spot) = (width(usage.usd), width(usage.spot_usd));
        picture.bar(Point(left, top + 5.0), plain, ROW - 10.0, GREEN);
        picture.bar(Point(left + plain, top + 5.0), spot, ROW - 10.0, MINT);
        let (end, figure) = (left + plain + spot, format!("{:.2}", weight(usage)));
        picture.text(
            Point(end + 8.0, middle),
            &figure,
            12.0,
            INK,
            Anchor::Start,
            true,
        );
    }
}

/// Which part of a bar is what.
fn legend(picture: &mut Picture) {
    for (from_right, colour, name) in [(150.0, GREEN, "Fargate"), (66.0, MINT, "Spot")] {
        let x = WIDTH - MARGIN - from_right;
        picture.bar(Point(x, BARS_TOP - 34.0), 12.0, 12.0, colour);
        picture.text(
            Point(x + 18.0, BARS_TOP - 24.0),
            name,
            12.0,
            MUTED,
            Anchor::Start,
            false,
        );
    }
}

/// A name that fits beside the bars: its end tells projects apart.
fn shortened(name: &str) -> String {
    const MOST: usize = 30;
    let count = name.chars().count();
    match count > MOST {
        true => "…".to_owned() + &name.chars().skip(count - MOST).collect::<String>(),
        false => name.to_owned(),
    }
}
