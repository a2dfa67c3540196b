//! `rules` of an input: options and a default that depend on other inputs (`Ci::Inputs::RulesEvaluator`).

use std::collections::HashSet;

use crate::inputs::access::Inputs;
use crate::inputs::error::InputError;
use crate::inputs::printed::printed;
use crate::variables::{Variable, Variables};
use crate::yaml::{Node, Position, Value};

/// Whether the text of an `if` holds with certain variables.
pub(crate) type Condition<'a> = &'a dyn Fn(&str, &Variables) -> Result<bool, String>;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub(super) at: &'a Position,
    /// The text of its `if`; without one it always holds.
    pub(super) condition: Option<&'a str>,
    pub(super) options: Option<&'a [Node]>,
    pub(super) default: Option<&'a Node>,
}

/// The first rule that holds.
///
/// # Errors
///
/// When the `if` of a rule is no expression.
pub(super) fn matching<'a, 'b>(
    rules: &'b [Rule<'a>],
    inputs: &Inputs<'_>,
    holds: Condition<'_>,
) -> Result<Option<&'b Rule<'a>>, InputError> {
    for rule in rules {
        let Some(condition) = rule.condition else {
            return Ok(Some(rule));
        };
        let (condition, variables) = with_variables(condition, inputs);
        let holds = holds(&condition, &variables);
        if holds.map_err(|fault| InputError::new(rule.at, format!("rule: {fault}")))? {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

/// A condition whose inputs are variables, booleans or null, and these variables.
fn with_variables(condition: &str, inputs: &Inputs<'_>) -> (String, Variables) {
    let mut replaced = String::new();
    let mut variables = Vec::new();
    let mut rest = condition;
    while let Some(reference) = Reference::first(rest) {
        replaced.push_str(reference.before);
        match inputs.get(reference.name) {
            None | Some(Value::Null) => replaced.push_str("null"),
            Some(Value::Bool(value)) => replaced.push_str(if *value { "true" } else { "false" }),
            Some(value) => {
                let key = format!("INPUT_{}", variables.len());
                replaced.push('$');
                replaced.push_str(&key);
                variables.push(Variable {
                    raw: true,
                    ..Variable::new(&key, printed(value))
                });
            }
        }
        rest = reference.after;
    }
    replaced.push_str(rest);
    let mut known = Variables::default();
    known.extend(variables);
    (replaced, known)
}

/// Inputs that a condition names and that are not `declared`.
pub(super) fn undeclared<'a>(condition: &'a str, declared: &HashSet<&str>) -> Vec<&'a str> {
    let mut undeclared = Vec::new();
    let mut rest = condition;
    while let Some(reference) = Reference::first(rest) {
        if !declared.contains(reference.name) {
            undeclared.push(reference.name);
        }
        rest = reference.after;
    }
    undeclared
}

/// `$[[ inputs.name ]]` within a condition.
struct Reference<'a> {
    before: &'a str,
    name: &'a str,
    after: &'a str,
}

impl<'a> Reference<'a> {
    fn first(text: &'a str) -> Option<Self> {
        let mut searched = 0;
        loop {
            let start = searched + text.get(searched..)?.find("$[[")?;
            if let Some((name, after)) = Self::inside(text.get(start + 3..)?) {
                let before = text.get(..start)?;
                return Some(Self {
                    before,
                    name,
                    after,
                });
            }
            searched = start + 3;
        }
    }

    /// The name, and what follows the closing brackets.
    fn inside(text: &'a str) -> Option<(&'a str, &'a str)> {
        let text = text.trim_ascii_start().strip_prefix("inputs.")?;
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let (name, after) = text.split_at_checked(end)?;
        let after = after.trim_ascii_start().strip_prefix("]]")?;
        (!name.is_empty()).then_some((name, after))
    }
}
