//! The table of results, in Markdown.

use std::time::Duration;

/// Prints the table's head.
pub(crate) fn head() {
    row("measurement", "fargate", "ssh", "goal");
    println!("|---|---|---|---|");
}

/// Prints a row. A cell that does not apply has a dash.
pub(crate) fn row(measurement: &str, ours: &str, ssh: &str, goal: &str) {
    println!("| {measurement} | {ours} | {ssh} | {goal} |");
}

/// Prints a row of times that are compared with those of `ssh`.
pub(crate) fn compared(measurement: &str, ours: Duration, ssh: Duration, goal: &str) {
    let ratio = ours.as_secs_f64() / ssh.as_secs_f64();
    let cell = format!("{}, {ratio:.2} of ssh", seconds(ours));
    row(measurement, &cell, &seconds(ssh), goal);
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

/// A size, as text. Two digits behind the point where there are few before it.
pub(crate) fn megabytes(kib: f64) -> String {
    let size = kib / 1024.0;
    if size < 2.0 {
        format!("{size:.2} MB")
    } else {
        format!("{size:.1} MB")
    }
}
