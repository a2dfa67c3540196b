//! What a tag makes of a node: Psych's own tags (`Psych::Visitors::ToRuby`) and GitLab's `!reference`.

use std::sync::Arc;

use base64::Engine;

use crate::yaml::node::{Node, Value};
use crate::yaml::number::float;
use crate::yaml::scalar::{resolve, unloadable};

/// The namespace of tags with two exclamation marks.
pub(super) const CORE: &str = "tag:yaml.org,2002:";

/// GitLab's only tag.
pub(super) const REFERENCE: &str = "!reference";

/// The value of a scalar. `plain` is one without quotes that is no block.
///
/// # Errors
///
/// With Psych's or GitLab's message, when the value is not permitted or the tag does not fit it.
pub(super) fn scalar(text: &str, plain: bool, tag: Option<&str>) -> Result<Value, String> {
    // libyaml takes a lone `!` for no tag and no quotes.
    match tag {
        None if !plain => return Ok(Value::Text(text.into())),
        None | Some("!") => return resolve(text),
        Some(REFERENCE) => return Err(invalid_reference(&format!("{text:?}"))),
        Some(_) => (),
    }
    let tag = tag.unwrap_or_default();
    match own(tag) {
        "binary" => binary(text),
        "float" => as_float(text),
        "str" | "ruby/string" | "ruby/sym" | "ruby/symbol" => Ok(Value::Text(text.into())),
        own if is_ruby(own) => Err(unloadable(own)),
        _ => resolve(text),
    }
}

/// The value of a list.
///
/// # Errors
///
/// As [`scalar`].
pub(super) fn list(items: Vec<Node>, tag: Option<&str>) -> Result<Value, String> {
    match tag {
        Some(REFERENCE) => reference(&items),
        _ => {
            refuse_ruby(tag)?;
            Ok(Value::List(Arc::new(items)))
        }
    }
}

/// Whether a map may have a tag; all that are permitted mean nothing.
///
/// # Errors
///
/// As [`scalar`].
pub(super) fn check_map(tag: Option<&str>) -> Result<(), String> {
    match tag {
        Some(REFERENCE) => Err(invalid_reference("a map")),
        Some(tag) if own(tag) == "str" => Err(format!("{tag} is no tag of a map")),
        _ => refuse_ruby(tag),
    }
}

/// GitLab takes a list of one text or more (`Gitlab::Ci::Config::Yaml::Tags::Reference`).
fn reference(items: &[Node]) -> Result<Value, String> {
    let path = items.iter().map(|item| match &item.value {
        Value::Text(key) => Some(Arc::clone(key)),
        _ => None,
    });
    match path.collect::<Option<Arc<[_]>>>() {
        Some(path) if !path.is_empty() => Ok(Value::Reference(path)),
        _ => Err(invalid_reference("this list")),
    }
}

fn invalid_reference(what: &str) -> String {
    format!(
        "{REFERENCE} {what} is not valid: it takes a list of texts, such as `!reference [.setup, script]`"
    )
}

fn refuse_ruby(tag: Option<&str>) -> Result<(), String> {
    let own = own(tag.unwrap_or_default());
    match is_ruby(own) {
        true => Err(unloadable(own)),
        false => Ok(()),
    }
}

/// A tag without its namespace.
fn own(tag: &str) -> &str {
    tag.strip_prefix(CORE)
        .or(tag.strip_prefix('!'))
        .unwrap_or(tag)
}

/// Tags that make objects of Ruby's.
fn is_ruby(tag: &str) -> bool {
    let prefixes = ["ruby/", "str:", "seq:", "map:"];
    matches!(tag, "set" | "omap") || prefixes.iter().any(|prefix| tag.starts_with(prefix))
}

fn binary(text: &str) -> Result<Value, String> {
    let letters: String = text.split_ascii_whitespace().collect();
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(letters)
        .ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded
        .map(|text| Value::Text(text.into()))
        .ok_or_else(|| "!!binary is no text in base64".to_owned())
}

fn as_float(text: &str) -> Result<Value, String> {
    let value = match resolve(text)? {
        Value::Number(number) => match &*number {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            number => number.parse().ok(),
        },
        Value::Text(text) => ruby_float(text.trim_ascii()),
        _ => None,
    };
    value
        .map(|value| Value::Number(float(value).into()))
        .ok_or_else(|| format!("invalid value for Float(): {text:?}"))
}

/// Ruby's `Float()` of a text: single underscores between digits, and no words.
fn ruby_float(text: &str) -> Option<f64> {
    let known = |c: char| c.is_ascii_digit() || "+-._eE".contains(c);
    let digits = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_digit())
    };
    let signless = text.strip_prefix(['+', '-']).unwrap_or(text);
    let underscored = !signless.contains('_') || signless.split('_').all(digits);
    (signless.chars().all(known) && underscored)
        .then(|| text.replace('_', "").parse().ok())
        .flatten()
}
