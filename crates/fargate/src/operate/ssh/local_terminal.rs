//! The terminal that a person sits at: raw while a program of the task has it, and restored on every way out.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use crate::error::{Error, Result};
use crate::ssh::{Terminal, Window};

/// Its state before it was made raw. A panic ends the process without unwinding, so it is not kept by the guard alone.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The type of a terminal whose own is unknown.
const UNKNOWN: &str = "dumb";

/// Whether a person types into standard input and sees standard output.
pub(super) fn is_there() -> bool {
    isatty(io::stdin()) && isatty(io::stdout())
}

/// The size of its window; 80 columns and 24 rows where it has none.
pub(super) fn window() -> Window {
    let size = tcgetwinsize(io::stdout()).ok();
    match size.filter(|size| size.ws_col > 0 && size.ws_row > 0) {
        Some(size) => Window {
            columns: size.ws_col,
            rows: size.ws_row,
            width: size.ws_xpixel,
            height: size.ws_ypixel,
        },
        None => Window {
            columns: 80,
            rows: 24,
            width: 0,
            height: 0,
        },
    }
}

/// The terminal while it is raw: each key goes to the task as it is. Dropping it restores the terminal.
pub(super) struct RawTerminal {
    /// A terminal like it.
    pub(super) terminal: Terminal,
}

impl RawTerminal {
    /// Makes the terminal raw.
    ///
    /// # Errors
    ///
    /// When its state cannot be read or changed.
    pub(super) fn enter() -> Result<Self> {
        let refused = |error| Error::system(format!("could not set up this terminal: {error}"));
        let before = tcgetattr(io::stdin()).map_err(refused)?;
        let term = std::env::var("TERM").unwrap_or_default();
        let term = if term.is_empty() { UNKNOWN } else { &term };
        let terminal = Terminal::like(term, window(), &before);
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        // From here on, dropping it restores the terminal.
        let entered = Self { terminal };
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw).map_err(refused)?;
        Ok(entered)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal if it is raw.
pub(super) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A terminal that is gone needs no restoring.
    let _gone = before.map(|before| tcsetattr(io::stdin(), OptionalActions::Drain, &before));
}
