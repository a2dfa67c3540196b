//! Reads `expectations.txt`: what the test expects of each cell of the matrix.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::cell::Cell;

/// What the test expects of a cell.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    pub(crate) blame: Blame,
    /// What the message says.
    pub(crate) words: Vec<String>,
    /// How long the stage that is struck may take.
    pub(crate) within: Duration,
}

/// The blame for the end of the stage that the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nobody: the job succeeds all the same.
    Nobody,
    /// A system failure: GitLab may try again.
    System,
    /// The job's failure, before its script.
    Job,
    /// The script's failure, with this exit code.
    Script(i32),
}

impl Expectation {
    pub(crate) fn succeeds(&self) -> bool {
        self.blame == Blame::Nobody
    }
}

/// A line of the file: which cells it is about, and what is expected of them.
#[derive(Debug)]
struct Row {
    text: &'static str,
    faults: Vec<&'static str>,
    times: &'static str,
    points: Vec<&'static str>,
    servers: Vec<&'static str>,
    expectation: Expectation,
    used: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn read() -> Self {
        let lines = include_str!("expectations.txt").lines();
        let rows = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        Self(rows.map(row).collect())
    }

    /// The expectation of a cell, of which there must be one.
    pub(crate) fn expectation(&self, cell: &Cell) -> Result<Expectation, String> {
        let (point, server) = (format!("{:?}", cell.point), format!("{:?}", cell.server));
        let times = format!("{:?}", cell.times).to_lowercase();
        let holds = |all: &[&str], one: &str| all == ["*"] || all.contains(&one);
        let rows: Vec<_> = self
            .0
            .iter()
            .filter(|row| {
                holds(&row.faults, cell.fault.name)
                    && holds(&[row.times], &times)
                    && holds(&row.points, &point)
                    && holds(&row.servers, &server)
            })
            .collect();
        match rows.as_slice() {
            [row] => {
                row.used.fetch_add(1, Ordering::Relaxed);
                Ok(row.expectation.clone())
            }
            [] => Err("nothing says what is expected".to_owned()),
            [first, second, ..] => Err(format!(
                "two lines are about it:\n{}\n{}",
                first.text, second.text
            )),
        }
    }

    /// Lines that are about no cell.
    pub(crate) fn unused(&self) -> Vec<String> {
        let unused = |row: &&Row| row.used.load(Ordering::Relaxed) == 0;
        let rows = self.0.iter().filter(unused);
        rows.map(|row| format!("no such cell: {}", row.text))
            .collect()
    }
}

fn row(text: &'static str) -> Row {
    let columns: Vec<&str> = text.split('|').map(str::trim).collect();
    let [faults, times, points, servers, blame, within, words] = columns.as_slice() else {
        panic!("a line of another form: {text}");
    };
    let blame = match blame.split_once(' ') {
        None if *blame == "succeeds" => Blame::Nobody,
        None if *blame == "system" => Blame::System,
        None if *blame == "job" => Blame::Job,
        Some(("script", code)) => Blame::Script(code.parse().unwrap()),
        _ => panic!("no such blame: {text}"),
    };
    let words: Vec<String> = words
        .split(" + ")
        .filter(|words| !words.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(
        blame == Blame::Nobody || !words.is_empty(),
        "a failure has to name its cause: {text}"
    );
    Row {
        text,
        faults: faults.split_whitespace().collect(),
        times,
        points: points.split_whitespace().collect(),
        servers: servers.split_whitespace().collect(),
        expectation: Expectation {
            blame,
            words,
            within: Duration::from_secs(within.parse().unwrap()),
        },
        used: AtomicUsize::new(0),
    }
}
