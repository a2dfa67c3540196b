//! The words of an `if` (`Gitlab::Ci::Pipeline::Expression::Lexer`).

/// Words of one expression (`MAX_TOKENS`).
const MAX_TOKENS: usize = 100;

/// A word of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// `$NAME`
    Variable(&'a str),
    /// `"text"` or `'text'`; without escapes.
    Text(&'a str),
    /// `/pattern/flags`
    Pattern {
        pattern: &'a str,
        flags: &'a str,
    },
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
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if tokens.len() >= MAX_TOKENS {
            return Err("it has more than 100 words");
        }
        let (token, after) = token(rest).ok_or("it has a word that is not known")?;
        tokens.push(token);
        rest = after.trim_start();
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
            return Some((Token::Text(inner), after));
        }
    }
    if text.starts_with('/') {
        let (pattern, flags, after) = pattern(text)?;
        return Some((Token::Pattern { pattern, flags }, after));
    }
    let (word, token) = FIXED.iter().find(|(word, _)| text.starts_with(word))?;
    Some((*token, text.strip_prefix(word)?))
}

/// The pattern between slashes, where `\/` is no end, its flags, and the text after them.
pub(super) fn pattern(text: &str) -> Option<(&str, &str, &str)> {
    let inner = text.strip_prefix('/')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '/' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (pattern, after) = inner.split_at_checked(end)?;
    let after = after.strip_prefix('/')?;
    let flags_end = after
        .find(|c| !matches!(c, 'i' | 's' | 'm' | 'U'))
        .unwrap_or(after.len());
    let (flags, after) = after.split_at_checked(flags_end)?;
    Some((pattern, flags, after))
}
