//! A scalar after `|` or `>`.

use super::cursor::{Cursor, is_blank, is_break, is_break_or_end};
use super::token::SyntaxError;

/// What becomes of the line breaks at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// One stays.
    Clip,
    /// `+`
    Keep,
    /// `-`
    Strip,
}

const CONTEXT: &str = "while scanning a block scalar";

/// The text of a block scalar. `indent` is the column of the block around it.
///
/// # Errors
///
/// When its first line is wrong, or a tab indents it.
pub(super) fn block_scalar(
    cursor: &mut Cursor<'_>,
    literal: bool,
    indent: isize,
) -> Result<String, SyntaxError> {
    cursor.skip();
    let (chomping, increment) = header(cursor)?;
    let around = usize::try_from(indent).unwrap_or(0);
    let mut breaks = String::new();
    let mut column = increment.map(|increment| around + increment);
    let column = match column.take() {
        Some(column) => {
            leading_breaks(cursor, Some(column), &mut breaks)?;
            column
        }
        None => {
            let deepest = leading_breaks(cursor, None, &mut breaks)?;
            let least = usize::try_from(indent + 1).unwrap_or(0).max(1);
            deepest.max(least)
        }
    };
    let mut text = String::new();
    let mut line_break = String::new();
    let mut after_indented = false;
    while cursor.mark.column == column && cursor.peek().is_some() {
        let is_indented = is_blank(cursor.peek());
        let folds = !literal && line_break.starts_with('\n') && !after_indented && !is_indented;
        if !folds {
            text.push_str(&line_break);
        } else if breaks.is_empty() {
            text.push(' ');
        }
        text.push_str(&breaks);
        line_break.clear();
        breaks.clear();
        after_indented = is_indented;
        while !is_break_or_end(cursor.peek()) {
            cursor.take(&mut text);
        }
        cursor.take_break(&mut line_break);
        leading_breaks(cursor, Some(column), &mut breaks)?;
    }
    if chomping != Chomping::Strip {
        text.push_str(&line_break);
    }
    if chomping == Chomping::Keep {
        text.push_str(&breaks);
    }
    Ok(text)
}

/// What follows the indicator: chomping and a number of columns, in any order, up to the end of the line.
fn header(cursor: &mut Cursor<'_>) -> Result<(Chomping, Option<usize>), SyntaxError> {
    let mut chomping = take_chomping(cursor);
    let increment = take_increment(cursor)?;
    if chomping.is_none() {
        chomping = take_chomping(cursor);
    }
    cursor.skip_blanks_and_comment();
    if !is_break_or_end(cursor.peek()) {
        let problem = "did not find expected comment or line break";
        return Err(SyntaxError::new(problem, CONTEXT, cursor.mark));
    }
    cursor.skip_break();
    Ok((chomping.unwrap_or(Chomping::Clip), increment))
}

fn take_chomping(cursor: &mut Cursor<'_>) -> Option<Chomping> {
    let chomping = match cursor.peek() {
        Some('+') => Chomping::Keep,
        Some('-') => Chomping::Strip,
        _ => return None,
    };
    cursor.skip();
    Some(chomping)
}

fn take_increment(cursor: &mut Cursor<'_>) -> Result<Option<usize>, SyntaxError> {
    let digit = cursor.peek().and_then(|c| c.to_digit(10));
    match digit {
        Some(0) => Err(SyntaxError::new(
            "found an indentation indicator equal to 0",
            CONTEXT,
            cursor.mark,
        )),
        Some(digit) => {
            cursor.skip();
            Ok(usize::try_from(digit).ok())
        }
        None => Ok(None),
    }
}

/// Takes empty lines, and the indentation of the line after them: up to `column`, or all of it. Returns the deepest.
fn leading_breaks(
    cursor: &mut Cursor<'_>,
    column: Option<usize>,
    breaks: &mut String,
) -> Result<usize, SyntaxError> {
    let mut deepest = 0;
    loop {
        let indents = |cursor: &Cursor<'_>| column.is_none_or(|column| cursor.mark.column < column);
        while indents(cursor) && cursor.peek() == Some(' ') {
            cursor.skip();
        }
        deepest = deepest.max(cursor.mark.column);
        if indents(cursor) && cursor.peek() == Some('\t') {
            let problem = "found a tab character where an indentation space is expected";
            return Err(SyntaxError::new(problem, CONTEXT, cursor.mark));
        }
        if !is_break(cursor.peek()) {
            return Ok(deepest);
        }
        cursor.take_break(breaks);
    }
}
