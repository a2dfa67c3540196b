//! `fargate ps --watch`: the jobs on a terminal, drawn anew until it is stopped.

use std::io::{self, Write};
use std::time::Duration;

use tokio::time::sleep;

use super::facts::Observer;
use super::tables;
use crate::error::{Blame, Error, Result};
use crate::operate::cost::Prices;
use crate::operate::table::Look;
use crate::signals::Shutdown;
use crate::state::clock::now_millis;

/// Pause between two frames: ages are shown to the second.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the terminal's other screen, without a cursor, and gives the first one back (xterm: private modes 1049, 25).
/// Lines that are too long end at the edge meanwhile, so that a frame has the lines that it counts (mode 7).
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// Goes to the first line; clears the rest of a line, and of the screen (ECMA-48: CUP, EL, ED).
const HOME: &str = "\u{1b}[H";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_SCREEN: &str = "\u{1b}[J";

/// The terminal's other screen, until it is dropped.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        put(ENTER).map(|()| Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _nobody_looks = put(LEAVE);
    }
}

/// Shows the jobs until a signal comes. Ctrl-C is the way to end it, and no failure.
///
/// # Errors
///
/// When the records cannot be read, the terminal is gone, or at another signal.
pub(super) async fn watch(
    observer: &mut Observer<'_>,
    prices: &Prices,
    with_links: bool,
    shutdown: &Shutdown,
) -> Result<()> {
    const INTERRUPT: i32 = nix::sys::signal::Signal::SIGINT as i32;
    let _screen = Screen::enter().map_err(|error| unwritten(&error))?;
    let watching = async {
        loop {
            let facts = observer.look().await?;
            let look = Look::of_stdout();
            let text = tables::text(&facts, prices, now_millis(), look, with_links);
            put(&frame(&text, look.height)).map_err(|error| unwritten(&error))?;
            sleep(PAUSE).await;
        }
    };
    match shutdown.or(watching).await {
        Err(stopped) if stopped.blame() == Blame::Stopped(INTERRUPT) => Ok(()),
        ended => ended,
    }
}

/// The text as one frame. Lines that do not fit are counted.
fn frame(text: &str, height: Option<u16>) -> String {
    let lines: Vec<_> = text.lines().collect();
    let height = height.map_or(usize::MAX, usize::from).max(2);
    let shown = match lines.len() > height {
        true => height - 1,
        false => lines.len(),
    };
    let rest = match lines.len() - shown {
        0 => None,
        more => Some(format!("… {more} more lines")),
    };
    let shown = lines.iter().take(shown).map(|line| (*line).to_owned());
    let lines: Vec<_> = shown.chain(rest).map(|line| line + CLEAR_LINE).collect();
    format!("{HOME}{}{CLEAR_SCREEN}", lines.join("\r\n"))
}

fn put(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn unwritten(error: &io::Error) -> Error {
    Error::system(format!("could not write to the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_no_more_lines_than_the_terminal() {
        for (text, height, shown) in [
            ("a\nb\n", Some(24), "a\u{1b}[K\r\nb\u{1b}[K"),
            ("a\nb\nc\n", Some(3), "a\u{1b}[K\r\nb\u{1b}[K\r\nc\u{1b}[K"),
            ("a\nb\nc\n", Some(2), "a\u{1b}[K\r\n… 2 more lines\u{1b}[K"),
            ("a\nb\nc\n", None, "a\u{1b}[K\r\nb\u{1b}[K\r\nc\u{1b}[K"),
        ] {
            assert_eq!(
                frame(text, height),
                format!("\u{1b}[H{shown}\u{1b}[J"),
                "{text:?}"
            );
        }
    }
}
