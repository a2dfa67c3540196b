//! The report: lines for people as they come, or one JSON document.

use std::io::{self, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use super::check::{Check, Status};
use crate::cli::Category;
use crate::output::is_colour_declined;
use crate::text::plain;

/// Columns of the name of a check.
const NAME: usize = 27;

/// Columns of a line in a terminal; commands are not broken.
const LINE: usize = 100;

/// Columns before a line that belongs to the one above.
const INDENT: usize = 6;

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    checks: &'a [Check],
}

/// Writes checks as they come.
#[derive(Debug)]
pub(super) struct Report {
    stdout: StdoutLock<'static>,
    is_json: bool,
    is_terminal: bool,
    is_coloured: bool,
    category: Option<Category>,
    checks: Vec<Check>,
}

impl Report {
    /// A report on standard output.
    pub(super) fn new(is_json: bool) -> Self {
        let stdout = io::stdout().lock();
        let is_terminal = stdout.is_terminal();
        Self {
            is_json,
            is_terminal,
            is_coloured: is_terminal && !is_colour_declined(),
            stdout,
            category: None,
            checks: Vec::new(),
        }
    }

    /// Adds checks of one category.
    pub(super) fn add(&mut self, checks: Vec<Check>) -> io::Result<()> {
        if !self.is_json {
            let mut text = String::new();
            for check in &checks {
                self.heading(check.subject.category, &mut text);
                self.lines(check, &mut text);
            }
            self.stdout.write_all(text.as_bytes())?;
            self.stdout.flush()?;
        }
        self.checks.extend(checks);
        Ok(())
    }

    /// Ends the report. Whether no check failed, and one at least was made.
    pub(super) fn end(mut self) -> io::Result<bool> {
        self.checks.sort_by_key(|check| check.subject.category);
        let is_blind = self.checks.iter().all(|check| check.status == Status::Skip);
        let count = |status| {
            let checks = self.checks.iter();
            checks.filter(|check| check.status == status).count()
        };
        let failed = count(Status::Fail);
        let text = if self.is_json {
            let document = Document {
                checks: &self.checks,
            };
            serde_json::to_string_pretty(&document)? + "\n"
        } else {
            let sentence = sentence(
                count(Status::Pass),
                count(Status::Warn),
                failed,
                count(Status::Skip),
            );
            match is_blind {
                true => format!("\nNothing could be checked: {sentence}\n"),
                false => format!("\n{sentence}\n"),
            }
        };
        self.stdout.write_all(text.as_bytes())?;
        self.stdout.flush()?;
        Ok(failed == 0 && !is_blind)
    }

    fn heading(&mut self, category: Category, text: &mut String) {
        if self.category == Some(category) {
            return;
        }
        if self.category.is_some() {
            text.push('\n');
        }
        self.category = Some(category);
        let title = category.title();
        text.push_str(&self.painted("1", title));
        text.push('\n');
    }

    fn lines(&self, check: &Check, text: &mut String) {
        let (mark, colour) = check.status.mark();
        let name = check.subject.name;
        let is_well = matches!(check.status, Status::Pass | Status::Skip);
        let found = match check.status {
            Status::Skip => format!("skipped: {}", plain(&check.found)),
            _ => plain(&check.found),
        };
        let mark = self.painted(colour, mark);
        let before = 4 + NAME;
        let found = self.wrapped(&found, before);
        text.push_str(&format!("  {mark} {name:NAME$}{found}\n"));
        if is_well {
            return;
        }
        let label = |label| self.painted("2", label);
        let indent = " ".repeat(INDENT);
        for (at, line) in check.fix.iter().flat_map(|fix| fix.lines()).enumerate() {
            let label = if at == 0 {
                label("fix ")
            } else {
                "    ".into()
            };
            // A command is for copying. After a sentence it stands apart.
            let line = match line.strip_prefix(COMMAND) {
                Some(command) if at == 0 => plain(command),
                Some(command) => format!("  {}", plain(command)),
                None => self.wrapped(&plain(line), INDENT + 5),
            };
            text.push_str(&format!("{indent}{label} {line}\n"));
        }
        let docs = check.subject.doc();
        text.push_str(&format!("{indent}{} {docs}\n", label("docs")));
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        match self.is_coloured {
            true => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    /// The text in lines that fit a terminal, those after the first begun by `before` spaces.
    fn wrapped(&self, text: &str, before: usize) -> String {
        if !self.is_terminal {
            return text.to_owned();
        }
        let mut lines = String::new();
        let mut width = before;
        for word in text.split(' ') {
            let length = word.chars().count();
            if width > before && width + 1 + length > LINE {
                lines.push('\n');
                lines.push_str(&" ".repeat(before));
                width = before;
            } else if width > before {
                lines.push(' ');
                width += 1;
            }
            lines.push_str(word);
            width += length;
        }
        lines
    }
}

/// Begins a line of a fix that is a command.
pub(super) const COMMAND: &str = "$ ";

fn sentence(passed: usize, warned: usize, failed: usize, skipped: usize) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let mut parts = Vec::new();
    if failed > 0 {
        parts.push(counted(failed, "check failed", "checks failed"));
    }
    if warned > 0 {
        parts.push(counted(warned, "warning", "warnings"));
    }
    parts.push(format!("{passed} passed"));
    if skipped > 0 {
        parts.push(format!("{skipped} skipped"));
    }
    format!("{}.", parts.join(", "))
}
