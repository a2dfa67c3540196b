//! What is wrong with a file, and where.

use std::cell::RefCell;

/// Errors and warnings of a file, with positions as offsets into the text.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: RefCell<Vec<(usize, String)>>,
    warnings: RefCell<Vec<(usize, String)>>,
}

impl Findings {
    pub(crate) fn error(&self, at: usize, message: String) {
        self.errors.borrow_mut().push((at, message));
    }

    pub(crate) fn warning(&self, at: usize, message: String) {
        self.warnings.borrow_mut().push((at, message));
    }

    /// Errors and warnings, each a line of text with its place by `line`, in the order of the files.
    pub(crate) fn into_lines(self, line: impl Fn(usize) -> String) -> (Vec<String>, Vec<String>) {
        let lines = |found: RefCell<Vec<(usize, String)>>| {
            let mut found = found.into_inner();
            found.sort_by_key(|(at, _)| *at);
            found
                .into_iter()
                .map(|(at, message)| format!("{}: {message}", line(at)))
                .collect()
        };
        (lines(self.errors), lines(self.warnings))
    }
}

/// Line and column of an offset, both from 1.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|character| *character != '\n')
        .count()
        + 1;
    (line, column)
}
