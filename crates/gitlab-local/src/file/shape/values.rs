//! Whether a value has a form that several keywords share (`Gitlab::Config::Entry::Validators`).

use crate::file::duration::duration;
use crate::file::values::flattened;
use crate::yaml::{Node, Value};

pub(super) fn is_text(node: &Node) -> bool {
    matches!(node.value, Value::Text(_))
}

/// A text that is not blank.
pub(super) fn is_name(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) if !text.trim().is_empty())
}

pub(super) fn is_switch(node: &Node) -> bool {
    matches!(node.value, Value::Bool(_))
}

pub(super) fn is_texts(node: &Node) -> bool {
    node.as_list()
        .is_some_and(|items| items.iter().all(is_text))
}

/// Lists of texts within lists.
pub(super) fn is_nested_texts(node: &Node) -> bool {
    let items = node.as_list().map(|_| flattened(node));
    items.is_some_and(|items| items.is_ok_and(|items| items.into_iter().all(is_text)))
}

/// GitLab takes no number for a duration, only a text.
pub(super) fn is_duration(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) if duration(text).is_some())
}

pub(super) fn is_regex(node: &Node) -> bool {
    let Value::Text(text) = &node.value else {
        return false;
    };
    let pattern = text.trim_end_matches(['i', 's', 'm', 'U']);
    pattern.len() > 1 && pattern.starts_with('/') && pattern.ends_with('/')
}

/// `Validators::KeyValidator`
pub(super) fn is_cache_key(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text)
        if !text.replace("%2F", "/").replace("%2f", "/").contains('/') && !matches!(&**text, "." | ".."))
}

/// `Gitlab::Regex.environment_name_regex`
pub(super) fn is_environment_name(node: &Node) -> bool {
    let Value::Text(name) = &node.value else {
        return false;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_/\\${}. -".contains(c);
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with('/') && !name.ends_with('/')
}

/// The integer that a number is; none for one with a fraction.
pub(super) fn integer(node: &Node) -> Option<i64> {
    match &node.value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}
