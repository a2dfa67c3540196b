//! Divides a file into documents.

use std::sync::Arc;

use crate::yaml::error::YamlError;
use crate::yaml::node::{Node, Position, Value};
use crate::yaml::reader::read;

/// GitLab divides a file into no more parts: a blank one before the first `---`, a header and the content.
const MAX_PARTS: usize = 3;

/// The documents of a file that are not blank, two as a rule at most: a header with `spec:`, and the content.
///
/// GitLab divides the text at lines that begin with `---` and a blank, whatever YAML says, and has Psych read one
/// document of each part (`Gitlab::Config::Loader::MultiDocYaml`). `file` is the name for messages.
///
/// # Errors
///
/// When a part is no YAML that GitLab takes.
pub(crate) fn documents(file: &Arc<str>, text: &str) -> Result<Vec<Node>, YamlError> {
    let mut documents = Vec::new();
    for (text, start) in parts(file, text) {
        let document = read(text, &start)?;
        if !is_blank(&document) {
            documents.push(document);
        }
    }
    Ok(documents)
}

/// The parts of `text`, each with the place where it begins.
fn parts<'a>(file: &Arc<str>, text: &'a str) -> Vec<(&'a str, Position)> {
    let mut parts = Vec::new();
    let mut start = Position {
        file: Arc::clone(file),
        line: 1,
        column: 1,
    };
    let mut rest = text;
    let mut begins_line = true;
    while parts.len() + 1 < MAX_PARTS
        && let Some((part, divider, after)) = divide(rest, begins_line)
    {
        begins_line = divider.ends_with('\n');
        let next = advanced(&advanced(&start, part), divider);
        parts.push((part, start));
        start = next;
        rest = after;
    }
    parts.push((rest, start));
    parts
}

/// What is before, in and after the first divider: `---` at the beginning of a line, and all white space after it. The
/// text itself may begin within a line.
fn divide(text: &str, begins_line: bool) -> Option<(&str, &str, &str)> {
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c');
        let after = line.strip_prefix("---");
        if after.is_some_and(|after| after.starts_with(blank)) && (begins_line || line_start > 0) {
            let (part, from_divider) = text.split_at_checked(line_start)?;
            let after = from_divider.strip_prefix("---")?.trim_start_matches(blank);
            let divider = from_divider.strip_suffix(after)?;
            return Some((part, divider, after));
        }
        line_start += line.len();
    }
    None
}

/// The place after `text`, which begins at `start`.
fn advanced(start: &Position, text: &str) -> Position {
    let breaks = text.matches('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default().chars().count();
    Position {
        file: Arc::clone(&start.file),
        line: start.line + breaks,
        column: if breaks == 0 {
            start.column + last
        } else {
            1 + last
        },
    }
}

/// What Rails calls blank.
fn is_blank(document: &Node) -> bool {
    match &document.value {
        Value::Null | Value::Bool(false) => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Reference(_) => false,
    }
}
