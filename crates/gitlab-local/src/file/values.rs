//! Values of keywords that have one form in common: texts, lists of texts, switches.

use crate::yaml::{Node, Value};

/// Lists within lists that GitLab takes in a script or in rules, the outermost counted (`MAX_NESTING_LEVEL`).
const MAX_LIST_LEVELS: usize = 10;

/// Lists and items that one keyword may have. GitLab has no such limit; lists shared by `!reference` could multiply
/// without end.
const MAX_NODES: usize = 100_000;

/// The text of `key`, if it is there.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn text(node: &Node, key: &str) -> Result<Option<String>, String> {
    let Some(value) = node.get(key) else {
        return Ok(None);
    };
    let text = value.scalar();
    text.map(Some)
        .ok_or_else(|| format!("has a `{key}` that is not a text"))
}

/// The texts of `key`: a text, or a list of them.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn texts(node: &Node, key: &str) -> Result<Vec<String>, String> {
    match node.get(key) {
        None => Ok(Vec::new()),
        Some(value) => text_list(value).map_err(|fault| format!("has a `{key}` that {fault}")),
    }
}

/// A text, or the texts of a list.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn text_list(node: &Node) -> Result<Vec<String>, &'static str> {
    flattened(node)?
        .iter()
        .map(|item| item.scalar())
        .collect::<Option<_>>()
        .ok_or("is not a text or a list of texts")
}

/// The switch `key`; off when it is not there.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn switch(node: &Node, key: &str) -> Result<bool, String> {
    match node.get(key).map(|node| &node.value) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(format!("has a `{key}` that is neither true nor false")),
    }
}

/// The items of lists within lists in order; another node is the only item.
///
/// # Errors
///
/// When lists are deeper than GitLab takes, or too many.
pub(super) fn flattened(node: &Node) -> Result<Vec<&Node>, &'static str> {
    let mut items = Vec::new();
    flatten(node, 0, &mut 0, &mut items)?;
    Ok(items)
}

fn flatten<'a>(
    node: &'a Node,
    level: usize,
    visited: &mut usize,
    items: &mut Vec<&'a Node>,
) -> Result<(), &'static str> {
    *visited += 1;
    if *visited > MAX_NODES {
        return Err("has more than 100,000 items");
    }
    let Some(list) = node.as_list() else {
        items.push(node);
        return Ok(());
    };
    if level >= MAX_LIST_LEVELS {
        return Err("has more than 10 levels of lists within lists");
    }
    list.iter()
        .try_for_each(|item| flatten(item, level + 1, visited, items))
}
