//! The values that inputs get (`Ci::Inputs`).

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::inputs::access::Inputs;
use crate::inputs::declaration::{Declaration, Kind};
use crate::inputs::error::InputError;
use crate::inputs::printed::printed;
use crate::inputs::rules::{Condition, matching};
use crate::re2::compiled;
use crate::yaml::{Key, Node, Position, Value, float};

/// The given value of each input, or its default. `holds` decides the conditions of rules, which may name inputs that
/// are declared before, and all that are given.
///
/// # Errors
///
/// When an input has neither, a value does not fit, or a given one is not declared.
pub(super) fn values<'a>(
    declarations: &[Declaration<'a>],
    given: Option<&'a Node>,
    holds: Condition<'_>,
) -> Result<Inputs<'a>, InputError> {
    if let Some(given) = given {
        refuse_undeclared(declarations, given)?;
    }
    let given_entries = given.into_iter().flat_map(Node::entries);
    let mut known: Inputs<'a> = given_entries
        .map(|(name, node)| (name, node.value.clone()))
        .collect();
    let mut values = Inputs::with_capacity(declarations.len());
    for declaration in declarations {
        let given = given.and_then(|given| given.get(declaration.name));
        let value = value(declaration, given, &known, holds)?;
        known.insert(declaration.name, value.clone());
        values.insert(declaration.name, value);
    }
    Ok(values)
}

fn refuse_undeclared(declarations: &[Declaration<'_>], given: &Node) -> Result<(), InputError> {
    if given.as_map().is_none() {
        return Err(InputError::new(&given.at, "Given inputs must be a hash"));
    }
    let declared: HashSet<_> = declarations.iter().map(|input| input.name).collect();
    let undeclared: Vec<_> = given
        .entries()
        .filter(|(name, _)| !declared.contains(name))
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
fn value(
    declaration: &Declaration<'_>,
    given: Option<&Node>,
    known: &Inputs<'_>,
    holds: Condition<'_>,
) -> Result<Value, InputError> {
    let rule = matching(&declaration.rules, known, holds)?;
    let default = match rule {
        // A rule whose default is null asks for a value.
        Some(rule) => rule.default.filter(|default| default.value != Value::Null),
        None => declaration.default,
    };
    let options = rule.map_or(declaration.options, |rule| rule.options);
    if given.is_none() && default.is_none() {
        let name = declaration.name;
        let fault = format!("`{name}` input: required value has not been provided");
        return Err(InputError::new(declaration.at, fault));
    }
    let mut value = Value::Null;
    for (node, origin) in [(default, "default"), (given, "provided")] {
        if let Some(node) = node {
            value = coerced(declaration.kind, node);
            check(declaration, options, &value, origin)
                .map_err(|fault| InputError::new(&node.at, fault))?;
        }
    }
    Ok(value)
}

/// A text takes any value; other types read a text as JSON.
fn coerced(kind: Kind, node: &Node) -> Value {
    match (kind, &node.value) {
        (Kind::Text, Value::Text(_)) => node.value.clone(),
        (Kind::Text, other) => Value::Text(printed(other).into()),
        (_, Value::Text(text)) => match serde_json::from_str(text) {
            Ok(json) => from_json(json, &node.at),
            Err(_) => node.value.clone(),
        },
        (_, other) => other.clone(),
    }
}

fn from_json(json: Json, at: &Position) -> Value {
    let node = |json| Node {
        value: from_json(json, at),
        at: at.clone(),
    };
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => {
            let printed = match number.as_f64().filter(|_| number.is_f64()) {
                Some(value) => float(value),
                None => number.to_string(),
            };
            Value::Number(printed.into())
        }
        Json::String(text) => Value::Text(text.into()),
        Json::Array(items) => Value::List(Arc::new(items.into_iter().map(node).collect())),
        Json::Object(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, json)| (Key::Text(key.into()), node(json)));
            Value::Map(Arc::new(entries.collect()))
        }
    }
}

fn check(
    declaration: &Declaration<'_>,
    options: Option<&[Node]>,
    value: &Value,
    origin: &str,
) -> Result<(), String> {
    let name = declaration.name;
    let fault = |fault: &str| Err(format!("`{name}` input: {fault}"));
    let kind = declaration.kind;
    if !kind.fits(value) {
        return fault(&format!("{origin} value is not {}", kind.article()));
    }
    if let Some(options) = options {
        if !matches!(kind, Kind::Text | Kind::Number) {
            return fault("Options can only be used with string and number inputs");
        }
        if !options.iter().any(|option| is_option(option, value)) {
            let value = printed(value);
            return fault(&format!(
                "`{value}` cannot be used because it is not in the list of allowed options"
            ));
        }
    }
    let Some(regex) = declaration.regex else {
        return Ok(());
    };
    let Value::Text(text) = value else {
        return fault("RegEx validation can only be used with string inputs");
    };
    match compiled(regex, "") {
        Ok(regex) if regex.is_match(text) => Ok(()),
        Ok(_) => fault(&format!(
            "{origin} value does not match required RegEx pattern"
        )),
        Err(_) => fault("invalid regular expression"),
    }
}

/// Texts are compared as they are printed, and numbers by value.
fn is_option(option: &Node, value: &Value) -> bool {
    match (&option.value, value) {
        (option, Value::Text(text)) => printed(option) == **text,
        (Value::Number(option), Value::Number(value)) => {
            option == value || option.parse::<f64>().ok() == value.parse().ok()
        }
        _ => false,
    }
}
