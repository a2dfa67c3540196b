//! Every fault at every point of a job's life at which it can strike: the exit code tells the blame, the message names
//! the cause, nothing takes for ever, and nothing is left.

mod catalog;
mod cell;
mod point;
mod table;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use self::catalog::{Kind, catalog};
use self::cell::{Cell, Times};
use self::point::POINTS;
use self::table::Table;
use crate::parallel;

/// How many cells are under way at once. Most of the time they wait.
const AT_ONCE: usize = 20;

/// All cells: the product of the catalog and the points, without impossible pairs.
fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for fault in catalog() {
        for point in POINTS {
            let times: &[Times] = match fault.kind {
                Kind::Call if point.operation().is_some() => &[Times::Once, Times::Always],
                Kind::CallAt(only) if only == point => &[Times::Once, Times::Always],
                Kind::Task(points) if points.contains(&point) && fault.may_pass() => {
                    &[Times::Once, Times::Always]
                }
                Kind::Task(points) | Kind::Port(points) | Kind::Strike(points)
                    if points.contains(&point) =>
                {
                    &[Times::Always]
                }
                _ => &[],
            };
            for times in times {
                cells.extend(point.servers().iter().map(|server| Cell {
                    fault: fault.clone(),
                    times: *times,
                    point,
                    server: *server,
                }));
            }
        }
    }
    cells
}

#[test]
fn every_fault_at_every_point_of_a_jobs_life() {
    let begun = Instant::now();
    let table = Table::read();
    let mut failures = Vec::new();
    let mut expected = Vec::new();
    for cell in cells() {
        match table.expectation(&cell) {
            Ok(expectation) => expected.push((cell, expectation)),
            Err(problem) => failures.push(format!("{cell}: {problem}")),
        }
    }
    failures.extend(table.unused());
    // To look closer at some of them.
    let only = std::env::var("FARGATE_MATRIX").unwrap_or_default();
    expected.retain(|(cell, _)| cell.to_string().contains(&only));
    // Those that take long are not to be the last.
    expected.sort_by_key(|(cell, expectation)| (expectation.succeeds(), cell.times == Times::Once));
    let name = |(cell, _): &(Cell, _)| cell.to_string();
    failures.extend(parallel::each(
        &expected,
        AT_ONCE,
        name,
        |(cell, expectation)| {
            let begun = Instant::now();
            let played = cell.play(expectation);
            println!("{:6.1} s  {cell}", begun.elapsed().as_secs_f64());
            played
        },
    ));
    println!(
        "{} cells, {} faults at {} points, in {} s",
        expected.len(),
        catalog().len(),
        POINTS.len(),
        begun.elapsed().as_secs()
    );
    parallel::expect_none(&failures);
}

#[test]
fn the_catalog_has_every_effect_of_the_stand_in() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/local.md");
    let text = std::fs::read_to_string(file).unwrap();
    let mut documented = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        inside = line.starts_with("| effect") || (inside && line.starts_with('|'));
        if inside && let Some(effect) = line.split('`').nth(1) {
            let effect: serde_json::Value = serde_json::from_str(effect).unwrap();
            documented.insert(catalog::name(&effect));
        }
    }
    // Only real containers can have it.
    documented.remove("own_hosts");
    assert!(documented.len() > 30, "{documented:?}");
    let ours: BTreeSet<String> = catalog()
        .iter()
        .flat_map(|fault| fault.effects.iter().map(catalog::name))
        .collect();
    assert_eq!(ours, documented);
}
