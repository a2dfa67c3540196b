//! `image:` and `services:`, whose entries have one form in common, and `variables:`.

use crate::file::values::{self, text};
use crate::variables::Variable;
use crate::yaml::{Node, Value};

/// An image as a job asks for it, for itself or for one of its services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageEntry {
    pub(crate) name: String,
    /// Services: names it is reachable by, separated by commas or blanks.
    pub(crate) alias: String,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) pull_policy: Vec<String>,
    /// `docker:platform`
    pub(crate) docker_platform: String,
    /// `docker:user`
    pub(crate) docker_user: String,
    /// `kubernetes:user`
    pub(crate) kubernetes_user: String,
}

/// Reads an image: a name, or a map with a `name`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_image(node: &Node) -> Result<ImageEntry, String> {
    if let Some(name) = node.scalar() {
        return Ok(ImageEntry {
            name,
            ..ImageEntry::default()
        });
    }
    Ok(ImageEntry {
        name: text(node, "name")?.ok_or("must be a name, or have a `name`")?,
        alias: text(node, "alias")?.unwrap_or_default(),
        entrypoint: texts(node, "entrypoint")?,
        command: texts(node, "command")?,
        variables: match node.get("variables") {
            Some(variables) => read_variables(variables)?,
            None => Vec::new(),
        },
        pull_policy: texts(node, "pull_policy")?.unwrap_or_default(),
        docker_platform: option(node, "docker", "platform")?,
        docker_user: option(node, "docker", "user")?,
        kubernetes_user: option(node, "kubernetes", "user")?,
    })
}

/// An option of one executor; empty when there is none.
fn option(node: &Node, executor: &str, key: &str) -> Result<String, String> {
    match node.get(executor) {
        Some(options) => Ok(text(options, key)?.unwrap_or_default()),
        None => Ok(String::new()),
    }
}

/// The texts of `key`, which GitLab flattens; none when it is not there.
fn texts(node: &Node, key: &str) -> Result<Option<Vec<String>>, String> {
    match node.get(key) {
        Some(_) => values::texts(node, key).map(Some),
        None => Ok(None),
    }
}

/// Reads `variables:`: names with values, or with maps that have a `value`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_variables(node: &Node) -> Result<Vec<Variable>, String> {
    if node.as_map().is_none() {
        return Err("must map names to values".to_owned());
    }
    node.entries()
        .map(|(key, node)| read_variable(key, node))
        .collect()
}

fn read_variable(key: &str, node: &Node) -> Result<Variable, String> {
    let value = match &node.value {
        Value::Null => Some(String::new()),
        Value::Map(_) => Some(node.get("value").and_then(Node::scalar).unwrap_or_default()),
        _ => node.scalar(),
    };
    let value =
        value.ok_or_else(|| format!("has {key} with a value that is neither text nor number"))?;
    let variable = Variable::named(key, value).map_err(|error| format!("is wrong: {error}"))?;
    Ok(Variable {
        raw: node.get("expand").map(|node| &node.value) == Some(&Value::Bool(false)),
        ..variable
    })
}
