//! `image:` and `services:` of a `.gitlab-ci.yml`, which have one form in common.

use super::node::Node;
use super::variables::Variable;

/// An image, for the job itself or for one of its services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) name: String,
    /// Services: names it is reachable by, separated by commas or blanks.
    pub(super) alias: String,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) command: Option<Vec<String>>,
    pub(super) variables: Vec<Variable>,
    pub(super) pull_policy: Vec<String>,
}

/// Keys of an image that are read.
pub(super) const IMAGE_KEYS: &[&str] = &[
    "name",
    "alias",
    "entrypoint",
    "command",
    "variables",
    "pull_policy",
];

/// Reads an image: a name, or a map with a `name`.
///
/// # Errors
///
/// What is wrong, to be said after the key.
pub(super) fn read_image(node: &Node) -> Result<Image, String> {
    if let Some(name) = node.scalar() {
        return Ok(Image {
            name,
            ..Image::default()
        });
    }
    let text = |key| {
        node.get(key).map(|value| {
            value
                .scalar()
                .ok_or_else(|| format!("has a `{key}` that is no text"))
        })
    };
    let texts = |key| {
        node.get(key).map(|value| {
            list_of_texts(value).ok_or_else(|| format!("has a `{key}` that is no list of texts"))
        })
    };
    Ok(Image {
        name: text("name")
            .transpose()?
            .ok_or("must be a name, or have a `name`")?,
        alias: text("alias").transpose()?.unwrap_or_default(),
        entrypoint: texts("entrypoint").transpose()?,
        command: texts("command").transpose()?,
        variables: node
            .get("variables")
            .map(read_variables)
            .transpose()?
            .unwrap_or_default(),
        pull_policy: match node.get("pull_policy") {
            Some(Node::List(_)) => texts("pull_policy").transpose()?.unwrap_or_default(),
            _ => text("pull_policy").transpose()?.into_iter().collect(),
        },
    })
}

fn list_of_texts(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::List(items) => items.iter().map(Node::scalar).collect(),
        _ => None,
    }
}

/// Reads `variables:`: names with values, or with maps that have a `value`.
///
/// # Errors
///
/// What is wrong, to be said after the key.
pub(super) fn read_variables(node: &Node) -> Result<Vec<Variable>, String> {
    if !matches!(node, Node::Map(_)) {
        return Err("must map names to values".to_owned());
    }
    node.entries()
        .map(|(key, node)| {
            let value = match node {
                Node::Null => Some(String::new()),
                Node::Map(_) => Some(node.get("value").and_then(Node::scalar).unwrap_or_default()),
                _ => node.scalar(),
            };
            let value =
                value.ok_or_else(|| format!("has {key} with a value that is no text or number"))?;
            let variable =
                Variable::named(key, value).map_err(|error| format!("is wrong: {error}"))?;
            Ok(Variable {
                raw: node.get("expand") == Some(&Node::Bool(false)),
                ..variable
            })
        })
        .collect()
}
