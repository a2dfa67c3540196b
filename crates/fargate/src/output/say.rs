//! Lines of our own.

use std::io::{self, Write};

use super::tint::tinted;
use crate::text::plain;

/// Writes a line for readers of the job log (in cleanup: of the runner's own log).
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{}", tinted(&plain(line))).and_then(|()| stdout.flush()) {
        tracing::debug!("the output has no reader: {error}");
    }
}
