//! The values that inputs get.

use indexmap::IndexMap;

use crate::inputs::declaration::{Declaration, Kind};
use crate::inputs::error::InputError;
use crate::re2::compiled;
use crate::yaml::{Node, Value};

/// Values by the names of inputs.
pub(super) type Inputs<'a> = IndexMap<&'a str, &'a Value>;

/// The given value of each input, or its default.
///
/// # Errors
///
/// When an input has neither, a value does not fit, or a given one is not declared.
pub(super) fn values<'a>(
    declarations: &[Declaration<'a>],
    given: Option<&'a Node>,
) -> Result<Inputs<'a>, InputError> {
    if let Some(given) = given {
        refuse_undeclared(declarations, given)?;
    }
    let value = |declaration: &Declaration<'a>| {
        let given = given.and_then(|given| given.get(declaration.name));
        Ok((declaration.name, value(declaration, given)?))
    };
    declarations.iter().map(value).collect()
}

fn refuse_undeclared(declarations: &[Declaration<'_>], given: &Node) -> Result<(), InputError> {
    let declared = |name: &str| {
        declarations
            .iter()
            .any(|declaration| declaration.name == name)
    };
    let undeclared: Vec<_> = given
        .entries()
        .filter(|(name, _)| !declared(name))
        .collect();
    let Some((_, first)) = undeclared.first() else {
        return Ok(());
    };
    let names: Vec<_> = undeclared.iter().map(|(name, _)| *name).collect();
    Err(InputError::new(
        &first.at,
        format!("unknown input arguments: {}", names.join(", ")),
    ))
}

/// Both the default and the given value must fit.
fn value<'a>(
    declaration: &Declaration<'a>,
    given: Option<&'a Node>,
) -> Result<&'a Value, InputError> {
    if let Some(default) = declaration.default {
        check(declaration, default, "default")?;
    }
    if let Some(given) = given {
        check(declaration, given, "provided")?;
    }
    match given.or(declaration.default) {
        Some(node) => Ok(&node.value),
        None => Err(InputError::new(
            declaration.at,
            format!(
                "`{}` input: required value has not been provided",
                declaration.name
            ),
        )),
    }
}

fn check(declaration: &Declaration<'_>, node: &Node, origin: &str) -> Result<(), InputError> {
    let fault = fault(declaration, &node.value, origin);
    match fault {
        Some(fault) => Err(InputError::new(
            &node.at,
            format!("`{}` input: {fault}", declaration.name),
        )),
        None => Ok(()),
    }
}

fn fault(declaration: &Declaration<'_>, value: &Value, origin: &str) -> Option<String> {
    let kind = declaration.kind;
    if !kind.fits(value) {
        let quotes = match (kind, value) {
            (Kind::Text, Value::Number(_) | Value::Bool(_)) => " (quote it)",
            _ => "",
        };
        return Some(format!("{origin} value is not {}{quotes}", kind.article()));
    }
    if let Some(options) = declaration.options {
        if !matches!(kind, Kind::Text | Kind::Number) {
            return Some("Options can only be used with string and number inputs".to_owned());
        }
        if !options.iter().any(|option| option.value == *value) {
            let value = printed(value);
            return Some(format!(
                "`{value}` cannot be used because it is not in the list of allowed options"
            ));
        }
    }
    let regex = declaration.regex?;
    let Value::Text(text) = value else {
        return Some("RegEx validation can only be used with string inputs".to_owned());
    };
    match compiled(regex, "") {
        Ok(regex) if regex.is_match(text) => None,
        Ok(_) => Some(format!(
            "{origin} value does not match required RegEx pattern"
        )),
        Err(_) => Some("invalid regular expression".to_owned()),
    }
}

/// A value within a text, as Ruby's `to_s` prints it.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items = items.iter().map(|item| inspected(&item.value));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, node)| format!(":{}=>{}", key.name(), inspected(&node.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Bool(value) => value.to_string(),
        Value::Number(text) | Value::Text(text) => text.to_string(),
        Value::Null | Value::Reference(_) => String::new(),
    }
}

fn inspected(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        other => printed(other),
    }
}
