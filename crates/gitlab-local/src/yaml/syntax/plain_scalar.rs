//! A scalar without quotes.

use super::cursor::{Cursor, is_blank, is_break, is_space_or_end};
use super::token::SyntaxError;

/// White space between two words of a scalar.
#[derive(Debug, Default)]
pub(super) struct Gap {
    /// Before the first line break.
    blanks: String,
    /// The first line break, and whether there is one; an escaped one has no text.
    first_break: String,
    pub(super) has_break: bool,
    more_breaks: String,
}

impl Gap {
    /// A gap that begins with a line break which counts for nothing.
    pub(super) fn escaped_break() -> Self {
        Self {
            has_break: true,
            ..Self::default()
        }
    }

    /// Takes what is blank or breaks a line.
    pub(super) fn take(&mut self, cursor: &mut Cursor<'_>) {
        if is_break(cursor.peek()) {
            match self.has_break {
                false => cursor.take_break(&mut self.first_break),
                true => cursor.take_break(&mut self.more_breaks),
            }
            self.has_break = true;
        } else if self.has_break {
            cursor.skip();
        } else {
            cursor.take(&mut self.blanks);
        }
    }

    /// The text that it stands for: a line break is a blank, unless more follow it.
    pub(super) fn fold_into(self, text: &mut String) {
        if !self.has_break {
            text.push_str(&self.blanks);
        } else if !self.first_break.starts_with('\n') {
            text.push_str(&self.first_break);
            text.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            text.push(' ');
        } else {
            text.push_str(&self.more_breaks);
        }
    }
}

/// The text of a plain scalar, and whether it ended after a line break. `indent` is the column of the block around it.
///
/// # Errors
///
/// When it has a tab or a colon in a place where it may not.
pub(super) fn plain_scalar(
    cursor: &mut Cursor<'_>,
    in_flow: bool,
    indent: isize,
) -> Result<(String, bool), SyntaxError> {
    let mut text = String::new();
    let mut gap = Gap::default();
    let is_shallow = |cursor: &Cursor<'_>| {
        isize::try_from(cursor.mark.column).is_ok_and(|column| column <= indent)
    };
    let context = "while scanning a plain scalar";
    loop {
        if cursor.is_at_document_mark() || cursor.peek() == Some('#') {
            break;
        }
        while !is_space_or_end(cursor.peek()) {
            if in_flow && is_ambiguous_colon(cursor) {
                return Err(SyntaxError::new(
                    "found unexpected ':'",
                    context,
                    cursor.mark,
                ));
            }
            if ends(cursor, in_flow) {
                break;
            }
            std::mem::take(&mut gap).fold_into(&mut text);
            cursor.take(&mut text);
        }
        if !is_blank(cursor.peek()) && !is_break(cursor.peek()) {
            break;
        }
        while is_blank(cursor.peek()) || is_break(cursor.peek()) {
            if gap.has_break && is_shallow(cursor) && cursor.peek() == Some('\t') {
                let problem = "found a tab character that violates indentation";
                return Err(SyntaxError::new(problem, context, cursor.mark));
            }
            gap.take(cursor);
        }
        if !in_flow && is_shallow(cursor) {
            break;
        }
    }
    Ok((text, gap.has_break))
}

/// `a:,` within brackets.
fn is_ambiguous_colon(cursor: &Cursor<'_>) -> bool {
    cursor.peek() == Some(':')
        && matches!(cursor.peek_at(1), Some(',' | '?' | '[' | ']' | '{' | '}'))
}

fn ends(cursor: &Cursor<'_>, in_flow: bool) -> bool {
    match cursor.peek() {
        Some(':') => is_space_or_end(cursor.peek_at(1)),
        Some(',' | '[' | ']' | '{' | '}') => in_flow,
        _ => false,
    }
}
