//! What a command waits for, on a terminal.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, interval_at};

/// How long a command is silent, and the pause between two lines.
const SECOND: Duration = Duration::from_secs(1);

/// Goes to the beginning of the line and clears it (ECMA-48: CR, EL).
const CLEAR: &str = "\r\u{1b}[K";

/// Does `work`. Where that takes longer than a second, the terminal shows `what` it is and for how long.
pub(crate) async fn progress<T>(what: &str, work: impl Future<Output = T>) -> T {
    progress_since(Instant::now(), what, work).await
}

/// The same for a part of what began earlier.
pub(crate) async fn progress_since<T>(
    begun: Instant,
    what: &str,
    work: impl Future<Output = T>,
) -> T {
    let is_dumb = std::env::var_os("TERM").is_none_or(|name| name == "dumb");
    if is_dumb || !std::io::stderr().is_terminal() {
        return work.await;
    }
    let mut ticks = interval_at(begun + SECOND, SECOND);
    let mut line = Line { is_shown: false };
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick() => line.show(&format!("{what} … {} s", begun.elapsed().as_secs())),
        }
    }
}

/// The line, cleared when it is dropped: also where the work is, at a signal.
struct Line {
    is_shown: bool,
}

impl Line {
    fn show(&mut self, text: &str) {
        self.is_shown = true;
        put(&format!("{CLEAR}{text}"));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.is_shown {
            put(CLEAR);
        }
    }
}

fn put(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // A terminal that is gone needs no progress.
    let _nobody_looks = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}
