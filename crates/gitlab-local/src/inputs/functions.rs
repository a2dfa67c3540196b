//! The functions that a block may send its value through.

use std::sync::Arc;

use crate::variables::Variables;
use crate::yaml::{Node, Position, Value};

/// One call, as the block writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Function<'a> {
    /// `expand_vars`
    ExpandVars,
    /// `posix_escape`
    PosixEscape,
    /// `split(',')`
    Split(&'a str),
    /// `truncate(0,8)`: from which character, and how many.
    Truncate(usize, usize),
}

impl<'a> Function<'a> {
    /// # Errors
    ///
    /// When no function is written like this.
    pub(super) fn read(text: &'a str) -> Result<Self, String> {
        let arguments = |name: &str| text.strip_prefix(name)?.strip_prefix('(');
        let known = match text {
            "expand_vars" => Some(Self::ExpandVars),
            // The second is the name that it had first.
            "posix_escape" | "posix_quote" => Some(Self::PosixEscape),
            _ => arguments("truncate").and_then(truncate).or_else(|| {
                let separator = arguments("split")?.strip_suffix("')")?.strip_prefix('\'')?;
                (!separator.contains('\'')).then_some(Self::Split(separator))
            }),
        };
        known.ok_or_else(|| {
            format!(
                "no function matching `{text}`: check that the function name, arguments, and types are correct \
                 (expand_vars, posix_escape, split(','), truncate(0,8))"
            )
        })
    }

    /// `value` after this function. `at` becomes the place of new nodes.
    ///
    /// # Errors
    ///
    /// When `value` is no text.
    pub(super) fn apply(
        &self,
        value: &Value,
        variables: &Variables,
        at: &Position,
    ) -> Result<Value, String> {
        let Value::Text(text) = value else {
            let name = self.name();
            return Err(format!(
                "error in `{name}` function: invalid input type: {name} can only be used with string inputs"
            ));
        };
        Ok(match self {
            Self::ExpandVars => Value::Text(expand_existing(text, variables).into()),
            Self::PosixEscape => Value::Text(shell_escaped(text).into()),
            Self::Truncate(offset, length) => {
                let kept: String = text.chars().skip(*offset).take(*length).collect();
                Value::Text(kept.into())
            }
            Self::Split("") => {
                return Err(
                    "error in `split` function: invalid argument: separator cannot be empty"
                        .to_owned(),
                );
            }
            Self::Split(separator) => {
                let parts = text
                    .split(separator)
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                let nodes = parts.map(|part| Node {
                    value: Value::Text(part.into()),
                    at: at.clone(),
                });
                Value::List(Arc::new(nodes.collect()))
            }
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::ExpandVars => "expand_vars",
            Self::PosixEscape => "posix_escape",
            Self::Split(_) => "split",
            Self::Truncate(..) => "truncate",
        }
    }
}

/// GitLab takes the call without its closing parenthesis, too.
fn truncate(arguments: &str) -> Option<Function<'_>> {
    let (offset, length) = arguments
        .strip_suffix(')')
        .unwrap_or(arguments)
        .split_once(',')?;
    let number = |text: &str| {
        let text = text.trim();
        text.chars()
            .all(|c| c.is_ascii_digit())
            .then(|| text.parse().ok())?
    };
    Some(Function::Truncate(number(offset)?, number(length)?))
}

/// GitLab's own expansion (`ExpandVariables.expand_existing`), one level deep: `$NAME`, `${NAME}` and `%NAME%`. Unknown
/// names stay as they are.
fn expand_existing(text: &str, variables: &Variables) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.find(['$', '%']) {
        let (before, reference) = rest.split_at_checked(sign).unwrap_or((rest, ""));
        expanded.push_str(before);
        match referenced(reference) {
            Some((name, after)) => {
                let original = reference.strip_suffix(after).unwrap_or_default();
                let known = variables.iter().find(|variable| variable.key == name);
                expanded.push_str(known.map_or(original, |variable| &variable.value));
                rest = after;
            }
            None => {
                let mut chars = reference.chars();
                expanded.extend(chars.next());
                rest = chars.as_str();
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The name that a text beginning with `$` or `%` refers to, and what follows the reference.
fn referenced(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix("${") {
        let (name, after) = name(braced)?;
        return Some((name, after.strip_prefix('}')?));
    }
    if let Some(plain) = text.strip_prefix('$') {
        return name(plain);
    }
    let (name, after) = name(text.strip_prefix('%')?)?;
    Some((name, after.strip_prefix('%')?))
}

/// The name of a variable at the beginning of a text, and what follows.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let (name, after) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well.then_some((name, after))
}

/// As Ruby's `Shellwords.shellescape`.
fn shell_escaped(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("'\n'"),
            c if c.is_ascii_alphanumeric() || "_-.,:+/@".contains(c) => escaped.push(c),
            c => escaped.extend(['\\', c]),
        }
    }
    escaped
}
