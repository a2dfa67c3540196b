//! Anchors, aliases, tags and directives.

use super::cursor::{Cursor, is_blank, is_break_or_end, is_space_or_end, is_word};
use super::token::{SyntaxError, TokenKind};

/// Digits of a part of a version.
const MAX_VERSION_DIGITS: usize = 9;

/// The name after `&` or `*`.
///
/// # Errors
///
/// When there is none, or another character follows it.
pub(super) fn anchor(cursor: &mut Cursor<'_>, context: &str) -> Result<String, SyntaxError> {
    cursor.skip();
    let name = word(cursor);
    let ends = |c: char| "?:,]}%@`".contains(c);
    if name.is_empty() || !(is_space_or_end(cursor.peek()) || cursor.peek().is_some_and(ends)) {
        let problem = "did not find expected alphabetic or numeric character";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    Ok(name)
}

fn word(cursor: &mut Cursor<'_>) -> String {
    let mut word = String::new();
    while is_word(cursor.peek()) {
        cursor.take(&mut word);
    }
    word
}

/// `!suffix`, `!handle!suffix` or `!<suffix>`.
///
/// # Errors
///
/// When it is none of them.
pub(super) fn tag(cursor: &mut Cursor<'_>, in_flow: bool) -> Result<TokenKind, SyntaxError> {
    let context = "while scanning a tag";
    let (handle, suffix) = if cursor.starts_with("!<") {
        cursor.skip();
        cursor.skip();
        let suffix = uri(cursor, String::new(), true, "while parsing a tag")?;
        if cursor.peek() != Some('>') {
            let problem = "did not find the expected '>'";
            return Err(SyntaxError::new(problem, context, cursor.mark));
        }
        cursor.skip();
        (String::new(), suffix)
    } else {
        let handle = handle(cursor);
        match handle.strip_prefix('!') {
            Some(name) if name.ends_with('!') => {
                let suffix = uri(cursor, String::new(), false, "while parsing a tag")?;
                (handle, suffix)
            }
            name => {
                let suffix = suffix(cursor, name.unwrap_or_default())?;
                match suffix.as_str() {
                    "" => (String::new(), "!".to_owned()),
                    _ => ("!".to_owned(), suffix),
                }
            }
        }
    };
    let separates = in_flow && cursor.peek() == Some(',');
    if !is_space_or_end(cursor.peek()) && !separates {
        let problem = "did not find expected whitespace or line break";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    Ok(TokenKind::Tag { handle, suffix })
}

/// `!`, `!word` or `!word!`.
fn handle(cursor: &mut Cursor<'_>) -> String {
    let mut handle = String::new();
    cursor.take(&mut handle);
    handle.push_str(&word(cursor));
    if cursor.peek() == Some('!') {
        cursor.take(&mut handle);
    }
    handle
}

/// The rest of a tag that began with `!` and `head`. It may be empty.
fn suffix(cursor: &mut Cursor<'_>, head: &str) -> Result<String, SyntaxError> {
    match is_uri(cursor.peek(), false) {
        true => uri(cursor, head.to_owned(), false, "while parsing a tag"),
        false => Ok(head.to_owned()),
    }
}

/// Whether `c` may be in a tag; in some places commas and square brackets, too.
fn is_uri(c: Option<char>, with_brackets: bool) -> bool {
    let signs = match with_brackets {
        true => ";/?:@&=+$.%!~*'(),[]",
        false => ";/?:@&=+$.%!~*'()",
    };
    is_word(c) || c.is_some_and(|c| signs.contains(c))
}

/// Characters of a tag after `head`, with `%41` decoded.
fn uri(
    cursor: &mut Cursor<'_>,
    head: String,
    with_brackets: bool,
    context: &str,
) -> Result<String, SyntaxError> {
    let start = cursor.mark;
    let mut uri = head;
    while is_uri(cursor.peek(), with_brackets) {
        match cursor.peek() {
            Some('%') => uri.push(escaped(cursor, context)?),
            _ => cursor.take(&mut uri),
        }
    }
    if cursor.mark == start {
        let problem = "did not find expected tag URI";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    Ok(uri)
}

/// One character whose octets are written as `%c3%a9`.
fn escaped(cursor: &mut Cursor<'_>, context: &str) -> Result<char, SyntaxError> {
    let mut octets = Vec::new();
    loop {
        octets.push(octet(cursor, context)?);
        let fault = |problem| SyntaxError::new(problem, context, cursor.mark);
        match std::str::from_utf8(&octets) {
            Ok(text) => {
                let problem = "found an incorrect leading UTF-8 octet";
                return text.chars().next().ok_or_else(|| fault(problem));
            }
            Err(error) if error.error_len().is_some() => {
                return Err(fault(match octets.len() {
                    1 => "found an incorrect leading UTF-8 octet",
                    _ => "found an incorrect trailing UTF-8 octet",
                }));
            }
            // More octets must follow.
            Err(_) => (),
        }
    }
}

fn octet(cursor: &mut Cursor<'_>, context: &str) -> Result<u8, SyntaxError> {
    let digit = |offset| cursor.peek_at(offset)?.to_digit(16);
    let octet = match (cursor.peek(), digit(1), digit(2)) {
        (Some('%'), Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    let fault = || SyntaxError::new("did not find URI escaped octet", context, cursor.mark);
    let octet = octet.ok_or_else(fault)?;
    for _ in 0..3 {
        cursor.skip();
    }
    Ok(octet)
}

/// `%YAML 1.1` or `%TAG !handle! prefix`, up to the end of its line.
///
/// # Errors
///
/// When it is another one, or written wrongly.
pub(super) fn directive(cursor: &mut Cursor<'_>) -> Result<TokenKind, SyntaxError> {
    let context = "while scanning a directive";
    let start = cursor.mark;
    cursor.skip();
    let name = word(cursor);
    if name.is_empty() {
        let problem = "could not find expected directive name";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    if !is_space_or_end(cursor.peek()) {
        let problem = "found unexpected non-alphabetical character";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    let kind = match name.as_str() {
        "YAML" => version(cursor)?,
        "TAG" => tag_directive(cursor)?,
        _ => {
            let problem = "found unknown directive name";
            return Err(SyntaxError::new(problem, context, start));
        }
    };
    cursor.skip_blanks_and_comment();
    if !is_break_or_end(cursor.peek()) {
        let problem = "did not find expected comment or line break";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    cursor.skip_break();
    Ok(kind)
}

fn version(cursor: &mut Cursor<'_>) -> Result<TokenKind, SyntaxError> {
    cursor.skip_while(is_blank);
    let major = version_number(cursor)?;
    if cursor.peek() != Some('.') {
        let problem = "did not find expected digit or '.' character";
        let context = "while scanning a %YAML directive";
        return Err(SyntaxError::new(problem, context, cursor.mark));
    }
    cursor.skip();
    Ok(TokenKind::VersionDirective(major, version_number(cursor)?))
}

fn version_number(cursor: &mut Cursor<'_>) -> Result<u32, SyntaxError> {
    let mut digits = String::new();
    while cursor.peek().is_some_and(|c| c.is_ascii_digit()) {
        cursor.take(&mut digits);
    }
    let problem = match digits.len() {
        0 => "did not find expected version number",
        _ => "found extremely long version number",
    };
    let number = digits.parse().ok();
    number
        .filter(|_| digits.len() <= MAX_VERSION_DIGITS)
        .ok_or_else(|| SyntaxError::new(problem, "while scanning a %YAML directive", cursor.mark))
}

fn tag_directive(cursor: &mut Cursor<'_>) -> Result<TokenKind, SyntaxError> {
    let fault = |problem: &str, cursor: &Cursor<'_>| {
        SyntaxError::new(problem, "while scanning a %TAG directive", cursor.mark)
    };
    cursor.skip_while(is_blank);
    if cursor.peek() != Some('!') {
        return Err(fault("did not find expected '!'", cursor));
    }
    let handle = handle(cursor);
    if !handle.ends_with('!') {
        return Err(fault("did not find expected '!'", cursor));
    }
    if !is_blank(cursor.peek()) {
        return Err(fault("did not find expected whitespace", cursor));
    }
    cursor.skip_while(is_blank);
    let prefix = uri(
        cursor,
        String::new(),
        true,
        "while parsing a %TAG directive",
    )?;
    if !is_space_or_end(cursor.peek()) {
        return Err(fault(
            "did not find expected whitespace or line break",
            cursor,
        ));
    }
    Ok(TokenKind::TagDirective { handle, prefix })
}
