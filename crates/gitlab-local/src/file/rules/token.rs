//! The words of an `if` (`Gitlab::Ci::Pipeline::Expression::Lexer`).

/// Words of one expression. `MAX_TOKENS` is 100 rounds of the lexer, and the last one only sees the end.
const MAX_TOKENS: usize = 99;

/// What Ruby's `\s` takes for white space.
const WHITE_SPACE: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// Flags of a pattern.
pub(super) const FLAGS: [char; 4] = ['i', 's', 'm', 'U'];

/// A word of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// `$NAME`
    Variable(&'a str),
    /// `"text"` or `'text'` in one line; without escapes.
    Text(&'a str),
    /// `/pattern/flags`, as it is written.
    Pattern(&'a str),
    Null,
    Boolean(bool),
    Equals,
    NotEquals,
    Matches,
    NotMatches,
    And,
    Or,
}

/// Operators and words, of which the first that fits is taken.
const FIXED: &[(&str, Token<'static>)] = &[
    ("(", Token::Open),
    (")", Token::Close),
    ("==", Token::Equals),
    ("=~", Token::Matches),
    ("!=", Token::NotEquals),
    ("!~", Token::NotMatches),
    ("&&", Token::And),
    ("||", Token::Or),
    ("null", Token::Null),
    ("true", Token::Boolean(true)),
    ("false", Token::Boolean(false)),
];

/// The words of `text`.
///
/// # Errors
///
/// When a part of it is no word, or it has too many.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(WHITE_SPACE);
    while !rest.is_empty() {
        if tokens.len() >= MAX_TOKENS {
            return Err("it has more than 99 words");
        }
        let (token, after) = token(rest).ok_or("it has a word that is not known")?;
        tokens.push(token);
        rest = after.trim_start_matches(WHITE_SPACE);
    }
    Ok(tokens)
}

fn token(text: &str) -> Option<(Token<'_>, &str)> {
    if let Some(after) = text.strip_prefix('$') {
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, after) = after.split_at_checked(end.unwrap_or(after.len()))?;
        return (!name.is_empty()).then_some((Token::Variable(name), after));
    }
    for quote in ['"', '\''] {
        if let Some(after) = text.strip_prefix(quote) {
            let (inner, after) = after.split_once(quote)?;
            return (!inner.contains('\n')).then_some((Token::Text(inner), after));
        }
    }
    if text.starts_with('/') {
        let (pattern, after) = text.split_at_checked(pattern_end(text)?)?;
        return Some((Token::Pattern(pattern), after));
    }
    let (word, token) = FIXED.iter().find(|(word, _)| text.starts_with(word))?;
    Some((*token, text.strip_prefix(word)?))
}

/// Where the pattern at the start of `text` ends, its flags included. As in GitLab (`Lexeme::Pattern`), a slash without
/// a backslash before it ends a pattern of two characters at least; a second slash after it is the end instead.
fn pattern_end(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('/')?;
    let mut before = None;
    let length = inner.find(|c| {
        let ends = c == '/' && before != Some('\\');
        before = Some(c);
        ends
    })?;
    let (pattern, after) = inner.split_at_checked(length)?;
    let after = match after.strip_prefix("//") {
        Some(after) if length > 0 => after,
        _ if pattern.chars().nth(1).is_some() => after.strip_prefix('/')?,
        _ => return None,
    };
    Some(text.len() - after.trim_start_matches(FLAGS).len())
}
