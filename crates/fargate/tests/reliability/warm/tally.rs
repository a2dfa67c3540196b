//! How many processes of each kind were killed, and how far they were.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use super::kind::Kind;
use super::step::{KeepStep, Step};

/// How far a killed process was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    Prepare(Step),
    Keep(KeepStep),
    /// The prepare was over.
    Job,
}

/// The kills so far.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<Kind, BTreeMap<Point, usize>>>);

impl Tally {
    pub(super) fn add(&self, kind: Kind, point: Point) {
        let mut kills = self.0.lock().unwrap();
        *kills.entry(kind).or_default().entry(point).or_default() += 1;
    }

    /// How many of this kind.
    pub(super) fn of(&self, kind: Kind) -> usize {
        let kills = self.0.lock().unwrap();
        kills.get(&kind).map_or(0, |points| points.values().sum())
    }

    /// How many in all.
    pub(super) fn all(&self) -> usize {
        let kills = self.0.lock().unwrap();
        kills.values().flat_map(BTreeMap::values).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, points) in &*self.0.lock().unwrap() {
            let all: usize = points.values().sum();
            let points: Vec<_> = points
                .iter()
                .map(|(point, count)| match point {
                    Point::Prepare(step) => format!("{step:?} {count}"),
                    Point::Keep(step) => format!("{step:?} {count}"),
                    Point::Job => format!("scripts and cleanup {count}"),
                })
                .collect();
            writeln!(f, "  {kind:?}: {all} ({})", points.join(", "))?;
        }
        Ok(())
    }
}
