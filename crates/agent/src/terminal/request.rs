//! What a client asks of a terminal.

use russh::Pty;

/// Longest name of a terminal's type.
const TERM: usize = 64;

/// A terminal that a client asks for before it starts a program.
#[derive(Debug, Clone)]
pub(crate) struct TerminalRequest {
    /// Its type, as `TERM` has it.
    pub(crate) term: String,
    pub(super) size: WindowSize,
    /// Modes and their arguments (RFC 4254, section 8).
    pub(super) modes: Vec<(Pty, u32)>,
}

/// The size of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowSize {
    pub(super) columns: u16,
    pub(super) rows: u16,
    /// In pixels.
    pub(super) width: u16,
    pub(super) height: u16,
}

impl TerminalRequest {
    /// The request for a terminal of this type. A type that is no name counts as none.
    pub(crate) fn new(term: &str, size: WindowSize, modes: &[(Pty, u32)]) -> Self {
        let is_name = term.len() <= TERM && term.bytes().all(|byte| byte.is_ascii_graphic());
        let term = if is_name { term } else { "" };
        Self {
            term: term.to_owned(),
            size,
            modes: modes.to_vec(),
        }
    }
}

impl WindowSize {
    /// The size in a request (RFC 4254, sections 6.2 and 6.7).
    pub(crate) fn new([columns, rows, width, height]: [u32; 4]) -> Self {
        let bounded = |number| u16::try_from(number).unwrap_or(u16::MAX);
        Self {
            columns: bounded(columns),
            rows: bounded(rows),
            width: bounded(width),
            height: bounded(height),
        }
    }
}
