//! A block `$[[ inputs.name | function ]]` within a text.

use crate::inputs::access::{Inputs, accessed};
use crate::inputs::functions::Function;
use crate::variables::Variables;
use crate::yaml::{Position, Value};

/// Functions of one block.
const MAX_FUNCTIONS: usize = 3;

/// What GitLab leaves for `needs:parallel:matrix`.
const LATER_ROOT: &str = "matrix";

/// What blocks refer to.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) variables: &'a Variables,
}

/// A block where it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) before: &'a str,
    /// With its brackets.
    pub(super) whole: &'a str,
    /// Without brackets and the blanks next to them.
    pub(super) content: &'a str,
    pub(super) after: &'a str,
}

/// The first block of `text`: `\$\[\[\s*(\S.*?\S)\s*\]\]` of RE2, in linear time.
pub(super) fn find(text: &str) -> Option<Found<'_>> {
    let mut searched = 0;
    loop {
        let start = searched + text.get(searched..)?.find("$[[")?;
        let inside_at = start + 3;
        match content(text.get(inside_at..)?) {
            Inside::Block(content, after) => {
                return Some(Found {
                    before: text.get(..start)?,
                    whole: text.get(start..text.len() - after.len())?,
                    content,
                    after,
                });
            }
            Inside::Unclosed => return None,
            Inside::Divided(line_break) => {
                // Of the brackets before the line break, only the last can have nothing but blanks up to it.
                let head = text
                    .get(..inside_at + line_break)?
                    .trim_end_matches(is_blank);
                searched = match head.strip_suffix("$[[") {
                    Some(before) if before.len() > start => before.len(),
                    _ => inside_at + line_break,
                };
            }
        }
    }
}

/// What follows the brackets that open a block.
enum Inside<'a> {
    /// The content, without the blanks around it, and what follows the block.
    Block(&'a str, &'a str),
    /// Not closed before the line break at this byte.
    Divided(usize),
    /// Not closed in the rest of the text.
    Unclosed,
}

/// The content has two characters at least, is on one line, and ends at the first `]]`.
fn content(inside: &str) -> Inside<'_> {
    let trimmed = inside.trim_start_matches(is_blank);
    let blanks = inside.len() - trimmed.len();
    let (line, rest) = match trimmed
        .find('\n')
        .and_then(|end| trimmed.split_at_checked(end))
    {
        Some((line, rest)) => (line, Some(rest)),
        None => (trimmed, None),
    };
    for (end, _) in line.match_indices(']') {
        let after = trimmed.get(end..).and_then(|text| text.strip_prefix("]]"));
        let content = line
            .get(..end)
            .unwrap_or_default()
            .trim_end_matches(is_blank);
        if let Some(after) = after
            && content.chars().nth(1).is_some()
        {
            return Inside::Block(content, after);
        }
    }
    let Some(rest) = rest else {
        return Inside::Unclosed;
    };
    let content = line.trim_end_matches(is_blank);
    match rest.trim_start_matches(is_blank).strip_prefix("]]") {
        Some(after) if content.chars().nth(1).is_some() => Inside::Block(content, after),
        _ => Inside::Divided(blanks + line.len()),
    }
}

/// `\s` of RE2.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0c')
}

/// The value of a block. `bytes` counts what functions read.
///
/// # Errors
///
/// When it is written wrongly, or names what is not there.
pub(super) fn evaluate(
    block: &Found<'_>,
    context: &Context<'_>,
    at: &Position,
    bytes: &mut usize,
) -> Result<Value, String> {
    let mut parts = block.content.split('|').map(str::trim);
    let access = parts.next().unwrap_or_default();
    if access.split('.').next() == Some(LATER_ROOT) {
        return Ok(Value::Text(block.whole.into()));
    }
    let mut value = accessed(access, context.inputs)?.clone();
    // A pipe at the end is none.
    let mut functions: Vec<&str> = parts.collect();
    while functions.last().is_some_and(|function| function.is_empty()) {
        functions.pop();
    }
    if functions.len() > MAX_FUNCTIONS {
        return Err("too many functions in interpolation block".to_owned());
    }
    let functions: Vec<Function<'_>> = functions
        .into_iter()
        .map(Function::read)
        .collect::<Result<_, _>>()?;
    for function in functions {
        if let Value::Text(text) = &value {
            *bytes += text.len();
        }
        value = function.apply(&value, context.variables, at)?;
    }
    Ok(value)
}
