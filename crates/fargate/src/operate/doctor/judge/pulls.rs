//! Images whose pull is most of a start.

use std::cmp::Reverse;

use super::super::catalog::PULLS;
use super::super::check::Check;
use super::super::facts::Pulls;
use crate::aws::ImageName;

/// Starts from which on a median says something.
const ENOUGH: usize = 5;

/// A shorter pull is not worth anybody's time, in milliseconds.
const SHORT: u64 = 15_000;

/// How many images are named.
const NAMED: usize = 3;

/// Judges the pulls of tasks in this Region. Nothing where the ledger has too few.
pub(super) fn pulls(all: &[Pulls], region: &str) -> Option<Check> {
    let mut known: Vec<_> = all.iter().filter(|one| one.starts >= ENOUGH).collect();
    // Those that cost the most time in all.
    known.sort_by_key(|one| Reverse(one.pull.saturating_mul(one.starts as u64)));
    known.first()?;
    let is_slow = |one: &&&Pulls| one.pull >= SHORT && one.pull.saturating_mul(2) >= one.start;
    let slow: Vec<_> = known.iter().filter(is_slow).collect();
    let named = slow.iter().take(NAMED).map(|one| {
        let seconds = |millis: u64| (millis + 500) / 1000;
        let (pull, start) = (seconds(one.pull), seconds(one.start));
        format!(
            "{}: {pull} of {start} s (median of {})",
            one.image, one.starts
        )
    });
    let named: Vec<_> = named.collect();
    let others = match slow.len().saturating_sub(NAMED) {
        0 => String::new(),
        others => format!("; and {others} more images"),
    };
    Some(match named.is_empty() {
        true => PULLS.pass("no image spends most of its starts on it"),
        false => PULLS.warn(
            format!("most of a start with {}{others}", named.join("; ")),
            advice(
                slow.iter().take(NAMED).map(|one| one.image.as_str()),
                region,
            ),
        ),
    })
}

/// The advice that makes the pulls of these images shorter, the best first.
fn advice<'a>(images: impl Iterator<Item = &'a str>, region: &str) -> String {
    let is_near = |image: &str| ImageName::parse(image).is_some_and(|name| name.region == region);
    let far: Vec<_> = images.filter(|image| !is_near(image)).collect();
    let begin = match far.is_empty() {
        true => "They are in ECR in the tasks' Region. Make them smaller".to_owned(),
        false => format!(
            "Put {} into ECR in {region}, the tasks' Region. Then make them smaller",
            far.join(", ")
        ),
    };
    format!(
        "{begin}, or let those of 250 MB and more load lazily (SOCI), or pack them with zstd: docs/cold-starts.md has what \
         each brings."
    )
}
