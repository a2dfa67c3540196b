//! The functions that a block may send its value through.

use std::sync::Arc;

use gitlab_variables::gitlab;

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
            "posix_escape" => Some(Self::PosixEscape),
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

/// GitLab's own expansion (`ExpandVariables.expand_existing`), one level deep. Unknown names stay as they are.
fn expand_existing(text: &str, variables: &Variables) -> String {
    gitlab::expand_text(text, |name| Some(variables.get(name)?.value.clone()))
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
