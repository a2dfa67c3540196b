//! `variables:` (`Entry::Variable`).

use super::subject::Subject;
use crate::file::lint::Lint;
use crate::yaml::{Node, Value};

/// Checks variables, which may be maps with `keys`.
///
/// # Errors
///
/// GitLab's first fault.
pub(super) fn check_variables(keys: &[&str], node: &Node, subject: &Subject) -> Result<(), Lint> {
    match node.as_map() {
        Some(_) => node
            .entries()
            .try_for_each(|(name, node)| check_variable(keys, node, &subject.entry(name))),
        None => Err(subject.fault(node, "should be a hash")),
    }
}

fn check_variable(keys: &[&str], node: &Node, subject: &Subject) -> Result<(), Lint> {
    let fault = |at: &Node, fault: &str| Err(subject.fault(at, fault));
    if node.as_map().is_none() {
        return match node.value == Value::Null || node.scalar().is_some() {
            true => Ok(()),
            false => fault(node, "must be either a string or a hash"),
        };
    }
    let unknown: Vec<_> = node
        .entries()
        .filter(|(key, _)| !keys.contains(key))
        .collect();
    if let [(_, at), ..] = unknown.as_slice() {
        let names: Vec<_> = unknown.iter().map(|(key, _)| *key).collect();
        return fault(at, &format!("uses invalid data keys: {}", names.join(", ")));
    }
    let value = node.get("value");
    if let Some(value) = value.filter(|value| value.scalar().is_none()) {
        return fault(value, "value must be a scalar");
    }
    if let Some(expand) = node.get("expand")
        && !matches!(expand.value, Value::Bool(_))
    {
        return fault(expand, "expand should be a boolean value");
    }
    match node
        .get("options")
        .map(|options| (options, options.as_list()))
    {
        Some((_, Some([]))) => Ok(()),
        Some((_, Some(options))) if options.iter().any(|option| Some(option) == value) => Ok(()),
        Some((options, Some(_))) => fault(options, "value must be present in options"),
        Some((options, None)) => fault(options, "options should be an array of strings"),
        None => Ok(()),
    }
}
