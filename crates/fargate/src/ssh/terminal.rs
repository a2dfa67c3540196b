//! A terminal of the task that looks like the one that a person sits at.

use russh::client::Msg;
use russh::{Channel, Pty};
use rustix::termios::{InputModes, SpecialCodeIndex, Termios};

/// The special characters that people set, by their names in SSH (RFC 4254, section 8).
const CHARACTERS: [(Pty, SpecialCodeIndex); 13] = [
    (Pty::VINTR, SpecialCodeIndex::VINTR),
    (Pty::VQUIT, SpecialCodeIndex::VQUIT),
    (Pty::VERASE, SpecialCodeIndex::VERASE),
    (Pty::VKILL, SpecialCodeIndex::VKILL),
    (Pty::VEOF, SpecialCodeIndex::VEOF),
    (Pty::VEOL, SpecialCodeIndex::VEOL),
    (Pty::VEOL2, SpecialCodeIndex::VEOL2),
    (Pty::VSTART, SpecialCodeIndex::VSTART),
    (Pty::VSTOP, SpecialCodeIndex::VSTOP),
    (Pty::VSUSP, SpecialCodeIndex::VSUSP),
    (Pty::VREPRINT, SpecialCodeIndex::VREPRINT),
    (Pty::VWERASE, SpecialCodeIndex::VWERASE),
    (Pty::VLNEXT, SpecialCodeIndex::VLNEXT),
];

/// A character that is switched off, in Linux and in SSH.
const DISABLED: u8 = 0;
const NO_CHARACTER: u32 = 255;

/// A terminal to ask for.
#[derive(Debug)]
pub(crate) struct Terminal {
    term: String,
    window: Window,
    modes: Vec<(Pty, u32)>,
}

/// The size of a window, in characters and in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Terminal {
    /// One like the terminal of this type (`TERM`), window and state. The modes of the task's own system hold but for
    /// special characters and whether input is UTF-8, which are the person's and the keyboard's.
    pub(crate) fn like(term: &str, window: Window, termios: &Termios) -> Self {
        let characters = CHARACTERS.into_iter().map(|(mode, index)| {
            let character = termios.special_codes[index];
            let is_off = character == DISABLED;
            (
                mode,
                if is_off {
                    NO_CHARACTER
                } else {
                    u32::from(character)
                },
            )
        });
        let is_utf8 = termios.input_modes.contains(InputModes::IUTF8);
        Self {
            term: term.to_owned(),
            window,
            modes: characters
                .chain([(Pty::IUTF8, u32::from(is_utf8))])
                .collect(),
        }
    }

    /// Asks for it on this channel.
    pub(super) async fn request(&self, channel: &Channel<Msg>) -> Result<(), russh::Error> {
        let [columns, rows, width, height] = self.window.numbers();
        let asked =
            channel.request_pty(true, &self.term, columns, rows, width, height, &self.modes);
        asked.await
    }
}

impl Window {
    /// As requests have it.
    pub(super) fn numbers(self) -> [u32; 4] {
        [self.columns, self.rows, self.width, self.height].map(u32::from)
    }
}
