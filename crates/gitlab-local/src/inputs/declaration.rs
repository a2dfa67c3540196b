//! What the header `spec:` declares.

use crate::inputs::error::InputError;
use crate::yaml::{Key, Node, Position, Value};

/// Options that one input may have.
const MAX_OPTIONS: usize = 50;

/// One input.
#[derive(Debug)]
pub(super) struct Declaration<'a> {
    pub(super) name: &'a str,
    pub(super) at: &'a Position,
    pub(super) kind: Kind,
    /// An input without one is required. A null is a default, of no type.
    pub(super) default: Option<&'a Node>,
    pub(super) options: Option<&'a [Node]>,
    pub(super) regex: Option<&'a str>,
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
    // `component` asks for facts about a component of GitLab's catalog, which blocks cannot use here.
    check_keys(spec, "header:spec", &["inputs", "component"])?;
    let Some(inputs) = spec.get("inputs") else {
        return Ok(Vec::new());
    };
    must_be_map(inputs, "header:spec:inputs")?;
    inputs
        .entries()
        .map(|(name, node)| declaration(name, node))
        .collect()
}

fn declaration<'a>(name: &'a str, node: &'a Node) -> Result<Declaration<'a>, InputError> {
    let path = format!("header:spec:inputs:{name}");
    if node.value != Value::Null {
        must_be_map(node, &path)?;
    }
    if let Some(rules) = node.get("rules") {
        let fault =
            format!("{path} rules are not followed: give the input a `default` without rules");
        return Err(InputError::new(&rules.at, fault));
    }
    check_keys(
        node,
        &path,
        &["default", "description", "options", "regex", "type"],
    )?;
    Ok(Declaration {
        name,
        at: &node.at,
        kind: kind(node, &path)?,
        default: node.as_map().and_then(|map| map.get("default")),
        options: options(node, &path)?,
        regex: match node.get("regex").map(|regex| (&regex.value, &regex.at)) {
            None => None,
            Some((Value::Text(regex), _)) => Some(regex),
            Some((_, at)) => {
                return Err(InputError::new(
                    at,
                    format!("{path} regex should be a string"),
                ));
            }
        },
    })
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
