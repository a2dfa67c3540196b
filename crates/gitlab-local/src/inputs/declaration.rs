//! What the header `spec:` declares.

use std::collections::HashSet;

use crate::inputs::error::InputError;
use crate::inputs::rules::{Rule, undeclared};
use crate::yaml::{Key, Node, Position, Value};

/// Options that one input may have.
const MAX_OPTIONS: usize = 50;

/// Characters of a header's description.
const MAX_DESCRIPTION: usize = 256;

/// One input.
#[derive(Debug)]
pub(super) struct Declaration<'a> {
    pub(super) name: &'a str,
    pub(super) at: &'a Position,
    pub(super) kind: Kind,
    /// An input without one is required. A null is a default: an empty text.
    pub(super) default: Option<&'a Node>,
    pub(super) options: Option<&'a [Node]>,
    pub(super) regex: Option<&'a str>,
    pub(super) rules: Vec<Rule<'a>>,
}

/// The type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Boolean,
    Number,
    Text,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "array" => Self::Array,
            "boolean" => Self::Boolean,
            "number" => Self::Number,
            "string" => Self::Text,
            _ => return None,
        })
    }

    /// The type with its article.
    pub(super) fn article(self) -> &'static str {
        match self {
            Self::Array => "an array",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
        }
    }

    /// Whether `value` is of this type.
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::Array => matches!(value, Value::List(_)),
            Self::Boolean => matches!(value, Value::Bool(_)),
            Self::Number => matches!(value, Value::Number(_)),
            Self::Text => matches!(value, Value::Text(_)),
        }
    }
}

/// The inputs of a header.
///
/// # Errors
///
/// When the header is wrong, or has what is not followed.
pub(super) fn declarations(header: &Node) -> Result<Vec<Declaration<'_>>, InputError> {
    check_keys(header, "header", &["spec"])?;
    let Some(spec) = header.get("spec") else {
        return Ok(Vec::new());
    };
    must_be_map(spec, "header:spec")?;
    if let Some(include) = spec.get("include") {
        let fault =
            "header:spec:include is not followed: write its inputs into this file's `spec:inputs`";
        return Err(InputError::new(&include.at, fault));
    }
    // `component` asks for facts about a component of GitLab's catalog; a block that uses them is refused.
    check_keys(spec, "header:spec", &["inputs", "component", "description"])?;
    check_description(spec)?;
    let Some(inputs) = spec.get("inputs") else {
        return Ok(Vec::new());
    };
    must_be_map(inputs, "header:spec:inputs")?;
    let declarations: Vec<_> = inputs
        .entries()
        .map(|(name, node)| declaration(name, node))
        .collect::<Result<_, _>>()?;
    check_references(&declarations)?;
    Ok(declarations)
}

fn check_description(spec: &Node) -> Result<(), InputError> {
    let Some(description) = spec.get("description") else {
        return Ok(());
    };
    let fault = match &description.value {
        Value::Text(text) if text.chars().count() <= MAX_DESCRIPTION => return Ok(()),
        Value::Text(_) => format!("is too long (maximum is {MAX_DESCRIPTION} characters)"),
        _ => "should be a string".to_owned(),
    };
    let fault = format!("header:spec description {fault}");
    Err(InputError::new(&description.at, fault))
}

/// Rules name only inputs that are declared.
fn check_references(declarations: &[Declaration<'_>]) -> Result<(), InputError> {
    let declared: HashSet<_> = declarations.iter().map(|input| input.name).collect();
    for declaration in declarations {
        for (index, rule) in declaration.rules.iter().enumerate() {
            let unknown = undeclared(rule.condition.unwrap_or_default(), &declared);
            if !unknown.is_empty() {
                let (name, unknown) = (declaration.name, unknown.join(", "));
                let fault =
                    format!("`{name}` input: rule[{index}] references undefined inputs: {unknown}");
                return Err(InputError::new(rule.at, fault));
            }
        }
    }
    Ok(())
}

fn declaration<'a>(name: &'a str, node: &'a Node) -> Result<Declaration<'a>, InputError> {
    let path = format!("header:spec:inputs:{name}");
    if node.value != Value::Null {
        must_be_map(node, &path)?;
    }
    let known = [
        "default",
        "description",
        "options",
        "regex",
        "rules",
        "type",
    ];
    check_keys(node, &path, &known)?;
    let rules = rules(node, name, &path)?;
    Ok(Declaration {
        name,
        at: &node.at,
        kind: kind(node, &path)?,
        default: node.as_map().and_then(|map| map.get("default")),
        options: options(node, &path)?,
        regex: regex(node, &path)?,
        rules,
    })
}

fn regex<'a>(node: &'a Node, path: &str) -> Result<Option<&'a str>, InputError> {
    match node.get("regex").map(|regex| (&regex.value, &regex.at)) {
        None => Ok(None),
        Some((Value::Text(regex), _)) => Ok(Some(regex)),
        Some((_, at)) => Err(InputError::new(
            at,
            format!("{path} regex should be a string"),
        )),
    }
}

/// The rules of an input, which take the place of its own options and default.
fn rules<'a>(node: &'a Node, name: &str, path: &str) -> Result<Vec<Rule<'a>>, InputError> {
    let Some(rules) = node.get("rules") else {
        return Ok(Vec::new());
    };
    let others = ["options", "default"].into_iter();
    let has = |key: &&str| node.as_map().is_some_and(|map| map.contains_key(*key));
    if let Some(other) = others.clone().find(has) {
        let fault =
            format!("{path} config please use only one of the following keys: rules, {other}");
        return Err(InputError::new(&rules.at, fault));
    }
    match rules.as_list() {
        Some(list) => list.iter().map(|node| rule(node, name, path)).collect(),
        None => {
            let fault = format!("{path}:rules config should be a array");
            Err(InputError::new(&rules.at, fault))
        }
    }
}

fn rule<'a>(node: &'a Node, name: &str, path: &str) -> Result<Rule<'a>, InputError> {
    let path = format!("{path}:rules:rule");
    must_be_map(node, &path)?;
    check_keys(node, &path, &["if", "options", "default"])?;
    let condition = match node.get("if").map(|condition| &condition.value) {
        None => None,
        Some(Value::Text(condition)) => Some(&**condition),
        Some(_) => {
            return Err(InputError::new(
                &node.at,
                format!("{path} if should be a string"),
            ));
        }
    };
    let rule = Rule {
        at: &node.at,
        condition,
        options: options(node, &path)?,
        default: node.as_map().and_then(|map| map.get("default")),
    };
    let missing = match (condition, rule.options, rule.default) {
        (_, Some(_), _) | (Some(_), _, Some(_)) => return Ok(rule),
        (Some(_), ..) => "rule with 'if' must define 'options' or 'default'",
        (None, ..) => "fallback rule must define 'options'",
    };
    let fault = format!("`{name}` input: {missing}");
    Err(InputError::new(&node.at, fault))
}

fn kind(node: &Node, path: &str) -> Result<Kind, InputError> {
    let Some(kind) = node.get("type") else {
        return Ok(Kind::Text);
    };
    let name = kind.scalar().unwrap_or_default();
    Kind::of(&name).ok_or_else(|| {
        let fault = format!(
            "{path} type unknown value: {name} (valid types: array, boolean, number, string)"
        );
        InputError::new(&kind.at, fault)
    })
}

fn options<'a>(node: &'a Node, path: &str) -> Result<Option<&'a [Node]>, InputError> {
    let Some(options) = node.get("options") else {
        return Ok(None);
    };
    match options.as_list() {
        Some(list) if list.len() > MAX_OPTIONS => {
            let fault = format!("{path} config cannot define more than {MAX_OPTIONS} options");
            Err(InputError::new(&options.at, fault))
        }
        Some(list) if list.iter().any(|option| option.value == Value::Null) => {
            let fault = format!("{path} config options array cannot contain null values");
            Err(InputError::new(&options.at, fault))
        }
        Some(list) => Ok(Some(list)),
        None => Err(InputError::new(
            &options.at,
            format!("{path} options should be an array"),
        )),
    }
}

fn must_be_map(node: &Node, path: &str) -> Result<(), InputError> {
    match node.as_map() {
        Some(_) => Ok(()),
        None => Err(InputError::new(
            &node.at,
            format!("{path} config should be a hash"),
        )),
    }
}

/// # Errors
///
/// When a map has other keys than `known`.
fn check_keys(node: &Node, path: &str, known: &[&str]) -> Result<(), InputError> {
    let entries = node.as_map().into_iter().flatten();
    let is_known = |key: &Key| matches!(key, Key::Text(name) if known.contains(&&**name));
    let unknown: Vec<_> = entries.filter(|(key, _)| !is_known(key)).collect();
    let Some((_, first)) = unknown.first() else {
        return Ok(());
    };
    let names: Vec<_> = unknown.iter().map(|(key, _)| key.name()).collect();
    let fault = format!("{path} config contains unknown keys: {}", names.join(", "));
    Err(InputError::new(&first.at, fault))
}
