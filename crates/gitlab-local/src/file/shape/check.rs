//! Compares a value with its shape.

use super::form::{Key, Shape};
use super::subject::Subject;
use super::values::integer;
use super::variables::check_variables;
use crate::file::lint::Lint;
use crate::file::spelling::nearest;
use crate::file::values::flattened;
use crate::yaml::{Node, Value};

/// Words that an advice may list; more would hide the fault.
const MAX_KNOWN: usize = 12;

/// Checks that `node` has the form that GitLab demands.
///
/// # Errors
///
/// GitLab's first fault.
pub(in crate::file) fn check(shape: &Shape, node: &Node, subject: &Subject) -> Result<(), Lint> {
    let fault = |fault: &str| Err(subject.fault(node, fault));
    match shape {
        Shape::Any => Ok(()),
        Shape::Value { accepts, .. } if accepts(node) => Ok(()),
        Shape::Value { fault: words, .. } => fault(words),
        Shape::Commands => check_commands(node, subject),
        Shape::OneOf(words) => match is_one_of(node, words) {
            true => Ok(()),
            false => fault(&format!("should be one of: {}", words.join(", "))),
        },
        Shape::SomeOf(words) => {
            let items = node.as_list().unwrap_or(std::slice::from_ref(node));
            match items.iter().find(|item| !is_one_of(item, words)) {
                None => Ok(()),
                Some(item) => unknown_value(item, words, subject),
            }
        }
        Shape::Integer(least, most) => match integer(node) {
            None => fault("must be an integer"),
            Some(number) if number < *least => {
                fault(&format!("must be greater than or equal to {least}"))
            }
            Some(number) if number > *most => {
                fault(&format!("must be less than or equal to {most}"))
            }
            Some(_) => Ok(()),
        },
        Shape::Hash(keys) => match node.as_map() {
            Some(_) => check_keys(keys, node, subject),
            None => fault("should be a hash"),
        },
        Shape::HashOr { keys, .. } if node.as_map().is_some() => check_keys(keys, node, subject),
        Shape::HashOr { accepts, .. } if accepts(node) => Ok(()),
        Shape::HashOr { fault: words, .. } => fault(words),
        Shape::List { name, item } => match node.as_list() {
            Some(_) => check_each(item, node, &subject.entry(name)),
            None => fault("should be an array"),
        },
        Shape::Maps { name, keys } => {
            let subject = subject.entry(name);
            let items = flattened(node).unwrap_or_default();
            let mut maps = items.into_iter().filter(|item| item.as_map().is_some());
            maps.try_for_each(|item| check_keys(keys, item, &subject))
        }
        Shape::Several {
            item,
            most,
            fault: words,
        } => match &node.value {
            Value::Map(_) => check(item, node, subject),
            Value::List(items) if items.len() > *most => {
                fault(&format!("no more than {most} caches can be created"))
            }
            Value::List(_) => check_each(item, node, subject),
            _ => fault(words),
        },
        Shape::Named(shape) => match node.as_map() {
            Some(_) => node
                .entries()
                .filter(|(_, node)| node.value != Value::Null)
                .try_for_each(|(name, node)| check(shape, node, &subject.entry(name))),
            None => fault("should be a hash"),
        },
        Shape::Variables(keys) => check_variables(keys, node, subject),
    }
}

/// `Entry::Commands`
fn check_commands(node: &Node, subject: &Subject) -> Result<(), Lint> {
    // What reads the commands tells of too many.
    let items = flattened(node).unwrap_or_default();
    let mut items = items.into_iter();
    let Some(wrong) = items.find(|item| !matches!(item.value, Value::Text(_))) else {
        return Ok(());
    };
    let words = "should be a string or a nested array of strings up to 10 levels deep";
    let fault = subject.fault(wrong, words);
    Err(match &wrong.value {
        // The most frequent fault of all.
        Value::Map(_) => fault.advise("A command with `: ` in it needs quotes around all of it."),
        Value::Bool(_) | Value::Number(_) => fault.advise("A number, true or false needs quotes."),
        _ => fault,
    })
}

/// Checks the items of lists within lists (`ComposableArray`).
fn check_each(shape: &Shape, list: &Node, subject: &Subject) -> Result<(), Lint> {
    let items = flattened(list).map_err(|words| subject.fault(list, words))?;
    let mut items = items.iter().filter(|item| item.value != Value::Null);
    items.try_for_each(|item| check(shape, item, subject))
}

/// Checks the keys of a map and their values.
fn check_keys(keys: &[Key], node: &Node, subject: &Subject) -> Result<(), Lint> {
    let is_known = |name: &str| keys.iter().any(|key| key.name == name);
    let unknown: Vec<_> = node.entries().filter(|(name, _)| !is_known(name)).collect();
    if let [(first, at), ..] = unknown.as_slice() {
        let names: Vec<_> = unknown.iter().map(|(name, _)| *name).collect();
        let words = format!("contains unknown keys: {}", names.join(", "));
        let known = keys.iter().map(|key| key.name);
        return Err(advised(subject.fault(at, &words), first, known));
    }
    for key in keys {
        let subject = subject.below(key);
        match node.get(key.name) {
            Some(value) => check(&key.shape, value, &subject)?,
            None if key.is_required => return Err(subject.fault(node, "can't be blank")),
            None => (),
        }
    }
    Ok(())
}

fn unknown_value(item: &Node, words: &'static [&str], subject: &Subject) -> Result<(), Lint> {
    let Some(value) = item.scalar() else {
        return Err(subject.fault(item, "should be an array of strings or a string"));
    };
    let fault = subject.fault(item, &format!("contains unknown values: {value}"));
    Err(advised(fault, &value, words.iter().copied()))
}

/// A fault with the word that its author probably meant, else with all words.
fn advised<'a>(fault: Lint, word: &str, known: impl Iterator<Item = &'a str>) -> Lint {
    let mut known: Vec<_> = known.collect();
    known.sort_unstable();
    match nearest(word, known.iter().copied()) {
        Some(nearest) => fault.advise(format!("Did you mean `{nearest}`?")),
        None if known.len() <= MAX_KNOWN => {
            fault.advise(format!("GitLab knows: {}", known.join(", ")))
        }
        None => fault,
    }
}

fn is_one_of(node: &Node, words: &[&str]) -> bool {
    matches!(&node.value, Value::Text(text) if words.contains(&&**text))
}
