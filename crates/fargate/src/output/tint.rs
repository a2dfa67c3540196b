//! Our errors and warnings in the job log, in the colours of GitLab Runner's own.

use std::borrow::Cow;

/// The runner's colours of `ERROR: ` and `WARNING: `, and the end of both (GitLab Runner 19.4: helpers/ansi.go).
const RED: &str = "\u{1b}[31;1m";
const YELLOW: &str = "\u{1b}[0;33m";
const RESET: &str = "\u{1b}[0;m";

/// Turns colours off where it is set and not empty (no-color.org).
pub(crate) const NO_COLOUR: &str = "NO_COLOR";

/// The line as the job log shows it: an error or a warning has its colour.
pub(crate) fn tinted(line: &str) -> Cow<'_, str> {
    match colour(line).filter(|_| !is_colour_declined()) {
        Some(colour) => format!("{colour}{line}{RESET}").into(),
        None => line.into(),
    }
}

/// Whether the environment turns colours off.
pub(crate) fn is_colour_declined() -> bool {
    std::env::var_os(NO_COLOUR).is_some_and(|value| !value.is_empty())
}

fn colour(line: &str) -> Option<&'static str> {
    if line.starts_with("ERROR: ") {
        Some(RED)
    } else if line.starts_with("WARNING: ") {
        Some(YELLOW)
    } else {
        None
    }
}
