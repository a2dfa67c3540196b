//! Patterns of paths, as GitLab Runner matches artifacts and caches: Go's library doublestar.
//!
//! No library of Rust's does exactly that: in `globset`, `a/**` does not match `a`, and `?` is a byte.
//! `tests/doublestar.json` holds what doublestar makes of each kind of pattern. Globs of GitLab's own are Ruby's, and
//! differ in little; `tests/fnmatch.json` holds them.

/// Bound of the patterns that the braces of one stand for.
const ALTERNATIVES: usize = 1000;

/// Bytes of the longest pattern: those of Linux's longest path (`PATH_MAX`). A brace is read once for each around it.
const LONGEST: usize = 4096;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Each is the parts between its slashes.
    alternatives: Vec<Vec<Part>>,
}

/// What is between two slashes of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of parts of a path, none included.
    AnyParts,
    /// One part of a path.
    One(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    AnyChar,
    /// `*`
    AnyChars,
    /// `[a-c]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads a pattern; `None` when it is malformed or longer than any path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let alternatives = expand_braces(text)?;
        let parse = |text: &String| text.split('/').map(parse_part).collect();
        let alternatives: Option<Vec<Vec<Part>>> = alternatives.iter().map(parse).collect();
        Some(Self {
            alternatives: alternatives?,
        })
    }

    /// Reads a glob of Ruby's (`File.fnmatch` with GitLab's flags); `None` when it matches nothing. A last `**` is one
    /// part of a path there.
    pub(crate) fn parse_ruby(text: &str) -> Option<Self> {
        let mut pattern = Self::parse(text)?;
        for parts in &mut pattern.alternatives {
            if let Some(last) = parts.last_mut()
                && *last == Part::AnyParts
            {
                *last = Part::One(vec![Token::AnyChars]);
            }
        }
        Some(pattern)
    }

    /// Whether it matches a whole path.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        let mut alternatives = self.alternatives.iter();
        alternatives.any(|parts| parts_match(parts, &path))
    }
}

/// Matches with one mark to come back to: the last `**` can always take over from those before it.
fn parts_match(parts: &[Part], path: &[&str]) -> bool {
    let (mut parts, mut path) = (parts, path);
    let mut retry: Option<(&[Part], &[&str])> = None;
    loop {
        match (parts.split_first(), path.split_first()) {
            (None, None) => return true,
            (Some((Part::AnyParts, rest)), _) => {
                retry = Some((rest, path));
                parts = rest;
                continue;
            }
            (Some((Part::One(tokens), rest)), Some((name, deeper)))
                if token_match(tokens, name) =>
            {
                (parts, path) = (rest, deeper);
                continue;
            }
            _ => {}
        }
        let Some((rest, from)) = &mut retry else {
            return false;
        };
        let Some((_, deeper)) = from.split_first() else {
            return false;
        };
        *from = deeper;
        (parts, path) = (*rest, deeper);
    }
}

/// As [`parts_match`], with the last `*`.
fn token_match(tokens: &[Token], name: &str) -> bool {
    let (mut tokens, mut chars) = (tokens, name.chars());
    let mut retry: Option<(&[Token], std::str::Chars<'_>)> = None;
    loop {
        let next = chars.clone().next();
        match (tokens.split_first(), next) {
            (None, None) => return true,
            (Some((Token::AnyChars, rest)), _) => {
                retry = Some((rest, chars.clone()));
                tokens = rest;
                continue;
            }
            (Some((token, rest)), Some(char)) if token.matches(char) => {
                chars.next();
                tokens = rest;
                continue;
            }
            _ => {}
        }
        let Some((rest, from)) = &mut retry else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (tokens, chars) = (*rest, from.clone());
    }
}

impl Token {
    fn matches(&self, char: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == char,
            Self::AnyChar => true,
            Self::AnyChars => false,
            Self::Class { negated, ranges } => {
                let within = ranges
                    .iter()
                    .any(|(from, to)| (*from..=*to).contains(&char));
                within != *negated
            }
        }
    }
}

fn parse_part(text: &str) -> Option<Part> {
    if text == "**" {
        return Some(Part::AnyParts);
    }
    let mut tokens = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        tokens.push(match char {
            '*' if tokens.last() == Some(&Token::AnyChars) => continue,
            '*' => Token::AnyChars,
            '?' => Token::AnyChar,
            '[' => parse_class(&mut chars)?,
            '\\' => Token::Literal(chars.next()?),
            char => Token::Literal(char),
        });
    }
    Some(Part::One(tokens))
}

/// The rest of a class, which must not be empty.
fn parse_class(chars: &mut std::str::Chars<'_>) -> Option<Token> {
    let negated = chars.as_str().starts_with(['!', '^']);
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let from = match chars.next()? {
            ']' if ranges.is_empty() => return None,
            ']' => return Some(Token::Class { negated, ranges }),
            '\\' => chars.next()?,
            char => char,
        };
        let mut ahead = chars.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                *chars = ahead;
                match to {
                    '\\' => chars.next()?,
                    to => to,
                }
            }
            _ => from,
        };
        ranges.push((from, to));
    }
}

/// The patterns without braces that `text` stands for; `None` when a brace has no other, or they are too many.
fn expand_braces(text: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut left = vec![text.to_owned()];
    while let Some(text) = left.pop() {
        if done.len() + left.len() > ALTERNATIVES {
            return None;
        }
        match first_braces(&text)? {
            None => done.push(text),
            Some((before, choices, after)) => {
                left.extend(
                    choices
                        .iter()
                        .map(|choice| format!("{before}{choice}{after}")),
                );
            }
        }
    }
    Some(done)
}

/// The text before the first braces, the choices in them, and the text after.
type Braces<'a> = (&'a str, Vec<&'a str>, &'a str);

/// The first braces; the outer `None` when they are unbalanced.
#[allow(clippy::option_option, reason = "malformed, absent, there")]
fn first_braces(text: &str) -> Option<Option<Braces<'_>>> {
    let (mut depth, mut start, mut from) = (0_usize, 0, 0);
    let mut choices = Vec::new();
    let mut escaped = false;
    let mut in_class = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '{' => {
                depth += 1;
                if depth == 1 {
                    (start, from) = (at, at + 1);
                }
            }
            ',' if depth == 1 => {
                choices.push(text.get(from..at)?);
                from = at + 1;
            }
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    choices.push(text.get(from..at)?);
                    return Some(Some((text.get(..start)?, choices, text.get(at + 1..)?)));
                }
            }
            _ => {}
        }
    }
    match depth {
        0 => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_in_the_runners_library() {
        let table = include_str!("../tests/doublestar.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        let (paths, rows) = (
            table["paths"].as_array().unwrap(),
            table["rows"].as_array().unwrap(),
        );
        assert!(paths.len() > 30 && rows.len() > 60);
        for row in rows {
            let text = row["pattern"].as_str().unwrap();
            let pattern = Pattern::parse(text);
            assert_eq!(pattern.is_none(), row["invalid"], "{text:?}");
            let Some(pattern) = pattern else { continue };
            let paths = paths.iter().map(|path| path.as_str().unwrap());
            let matches: Vec<&str> = paths.filter(|path| pattern.matches(path)).collect();
            assert_eq!(serde_json::json!(matches), row["matches"], "{text:?}");
        }
    }

    #[test]
    fn globs_match_as_in_ruby() {
        let table = include_str!("../tests/fnmatch.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        let paths = table["paths"].as_array().unwrap();
        let rows = table["rows"].as_array().unwrap();
        assert!(paths.len() > 40 && rows.len() > 100);
        let made = |text: &str| {
            let glob = Pattern::parse_ruby(text);
            let paths = paths.iter().map(|path| path.as_str().unwrap());
            let matches = paths.filter(|path| glob.as_ref().is_some_and(|glob| glob.matches(path)));
            let matches: Vec<&str> = matches.collect();
            serde_json::json!({"pattern": text, "matches": matches})
        };
        let rows = rows.iter();
        let other = |row: &&serde_json::Value| made(row["pattern"].as_str().unwrap()) != **row;
        let others: Vec<_> = rows
            .filter(other)
            .map(|row| (row, made(row["pattern"].as_str().unwrap())))
            .collect();
        let others: Vec<_> = others
            .iter()
            .map(|(row, made)| format!("{row} {made}"))
            .collect();
        assert!(others.is_empty(), "{}", others.join("\n"));
    }

    #[test]
    fn a_pattern_that_could_take_for_ever_does_not() {
        let stars = Pattern::parse(&format!("{}b", "a*".repeat(60))).unwrap();
        assert!(!stars.matches(&"a".repeat(40_000)));
        assert!(Pattern::parse(&"{a,b}".repeat(30)).is_none());
        assert!(
            Pattern::parse(&format!("{}a{}", "{".repeat(100_000), "}".repeat(100_000))).is_none()
        );
        let deep = Pattern::parse(&format!("{}x", "**/a/".repeat(50))).unwrap();
        assert!(!deep.matches(&"a/".repeat(400)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[-a{},*?\\[\\]!^/\\\\ä]{0,20}", path in "[a/ä]{0,12}") {
            if let Some(pattern) = Pattern::parse(&text) {
                pattern.matches(&path);
            }
        }
    }
}
