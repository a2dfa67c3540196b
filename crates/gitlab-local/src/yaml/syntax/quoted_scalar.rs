//! A scalar in single or double quotes.

use super::cursor::{Cursor, is_blank, is_break, is_space_or_end};
use super::plain_scalar::Gap;
use super::token::SyntaxError;

/// The text of a quoted scalar.
///
/// # Errors
///
/// When its end is missing, or an escape is wrong.
pub(super) fn quoted_scalar(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let quote = cursor.peek();
    let start = cursor.mark;
    cursor.skip();
    let fault = |problem| SyntaxError::new(problem, "while scanning a quoted scalar", start);
    let mut text = String::new();
    loop {
        if cursor.is_at_document_mark() {
            return Err(fault("found unexpected document indicator"));
        }
        if cursor.peek().is_none() {
            return Err(fault("found unexpected end of stream"));
        }
        let mut gap = words(cursor, quote, &mut text)?;
        if cursor.peek() == quote {
            cursor.skip();
            return Ok(text);
        }
        while is_blank(cursor.peek()) || is_break(cursor.peek()) {
            gap.take(cursor);
        }
        gap.fold_into(&mut text);
    }
}

/// Takes characters up to a blank, a line break or the closing quote. An escaped line break begins the gap after them.
fn words(
    cursor: &mut Cursor<'_>,
    quote: Option<char>,
    text: &mut String,
) -> Result<Gap, SyntaxError> {
    let is_single = quote == Some('\'');
    while !is_space_or_end(cursor.peek()) {
        if is_single && cursor.starts_with("''") {
            text.push('\'');
            cursor.skip();
            cursor.skip();
        } else if cursor.peek() == quote {
            break;
        } else if is_single || cursor.peek() != Some('\\') {
            cursor.take(text);
        } else if is_break(cursor.peek_at(1)) {
            cursor.skip();
            cursor.skip_break();
            return Ok(Gap::escaped_break());
        } else {
            text.push(escape(cursor)?);
        }
    }
    Ok(Gap::default())
}

/// The character that an escape stands for.
fn escape(cursor: &mut Cursor<'_>) -> Result<char, SyntaxError> {
    let digits = match cursor.peek_at(1) {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        other => {
            let fault = || {
                let problem = "found unknown escape character";
                SyntaxError::new(problem, "while parsing a quoted scalar", cursor.mark)
            };
            let escaped = other.and_then(named).ok_or_else(fault)?;
            cursor.skip();
            cursor.skip();
            return Ok(escaped);
        }
    };
    cursor.skip();
    cursor.skip();
    let fault =
        |problem: &str| SyntaxError::new(problem, "while parsing a quoted scalar", cursor.mark);
    let mut code = 0_u32;
    for offset in 0..digits {
        let digit = cursor.peek_at(offset).and_then(|c| c.to_digit(16));
        let digit = digit.ok_or_else(|| fault("did not find expected hexdecimal number"))?;
        code = (code << 4) | digit;
    }
    let escaped =
        char::from_u32(code).ok_or_else(|| fault("found invalid Unicode character escape code"))?;
    for _ in 0..digits {
        cursor.skip();
    }
    Ok(escaped)
}

/// The character after a backslash with its meaning.
fn named(c: char) -> Option<char> {
    Some(match c {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        ' ' => ' ',
        '"' => '"',
        '/' => '/',
        '\\' => '\\',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    })
}
