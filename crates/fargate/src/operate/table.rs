//! Tables for people, as wide as the terminal.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::output::is_colour_declined;

/// Characters between two columns.
pub(super) const GAP: u16 = 2;

/// How text for people looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Characters of a line; nothing where the output has no width, and no line is broken then.
    pub(super) width: Option<u16>,
    /// Lines that fit, as far as that is known.
    pub(super) height: Option<u16>,
    pub(super) is_terminal: bool,
    /// Whether titles may be bold.
    pub(super) is_coloured: bool,
    /// Whether words may lead to pages (OSC 8), which terminals that cannot do that pass over.
    pub(super) has_links: bool,
}

/// The title of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Column<'a> {
    /// Of text.
    Text(&'a str),
    /// Of figures, which end at its right edge.
    Figure(&'a str),
}

impl Look {
    /// How text looks on this process's standard output.
    pub(super) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let is_terminal = stdout.is_terminal();
        let size = is_terminal
            .then(|| rustix::termios::tcgetwinsize(&stdout).ok())
            .flatten();
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        Self {
            width: size.map(|size| size.ws_col).filter(|width| *width > 0),
            height: size.map(|size| size.ws_row).filter(|height| *height > 0),
            is_terminal,
            is_coloured: is_terminal && !is_colour_declined(),
            has_links: is_terminal && !is_dumb,
        }
    }

    /// A title.
    pub(super) fn title(self, title: &str) -> String {
        match self.is_coloured {
            true => format!("\u{1b}[1m{title}\u{1b}[0m"),
            false => title.to_owned(),
        }
    }

    /// A word that leads to a page.
    pub(super) fn link(self, word: &str, page: Option<&str>) -> String {
        match page.filter(|_| self.has_links) {
            Some(page) => format!("\u{1b}]8;;{page}\u{1b}\\{word}\u{1b}]8;;\u{1b}\\"),
            None => word.to_owned(),
        }
    }

    /// The lines of a table. Columns are [`GAP`] characters apart.
    pub(super) fn table(self, columns: &[Column<'_>], rows: Vec<Vec<String>>) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        match self.width {
            Some(width) => {
                table
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .set_width(width);
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        table.set_header(columns.iter().map(Column::title));
        table.add_rows(rows);
        for (column, title) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, GAP));
            if matches!(title, Column::Figure(_)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
}

impl<'a> Column<'a> {
    /// Its words.
    pub(super) fn title(&self) -> &'a str {
        let (Self::Text(title) | Self::Figure(title)) = *self;
        title
    }
}
