//! The tree that a document becomes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// The file's name, as messages show it.
    pub(crate) file: Arc<str>,
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
}

/// `.gitlab-ci.yml:12`
impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// One node of a document. A clone shares lists, maps and texts with its original.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Where the node is written. The value of a key has the key's position.
    pub(crate) at: Position,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `~`, or no value.
    Null,
    /// `true` or `false`, in any of YAML's spellings.
    Bool(bool),
    /// A number, as Ruby prints it.
    Number(Arc<str>),
    /// A string, or a symbol, which GitLab takes for one.
    Text(Arc<str>),
    /// A sequence.
    List(Arc<Vec<Node>>),
    /// A mapping.
    Map(Arc<Map>),
    /// `!reference [.setup, script]`: the keys that lead to another node; at least one.
    Reference(Arc<[Arc<str>]>),
}

/// Keys with their values, in the order of the file. A later value of a key takes the place of an earlier one.
pub(crate) type Map = IndexMap<Key, Node>;

/// A key of a [`Map`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// A string or a symbol.
    Text(Arc<str>),
    /// A number, a boolean or null, as Ruby prints it. It differs from the string of the same letters.
    Other(Arc<str>),
}

impl Key {
    /// The key that `value` is; a list or a map is none here.
    pub(crate) fn of(value: Value) -> Option<Self> {
        Some(match value {
            Value::Text(text) => Self::Text(text),
            Value::Number(text) => Self::Other(text),
            Value::Bool(value) => Self::Other(value.to_string().into()),
            Value::Null => Self::Other("".into()),
            Value::List(_) | Value::Map(_) | Value::Reference(_) => return None,
        })
    }

    /// The key as Ruby prints it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Text(name) | Self::Other(name) => name,
        }
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self::Text(name.into())
    }
}

/// By name alone, so that a map finds a `str`.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        matches!(key, Key::Text(name) if **name == *self)
    }
}

/// By value: the same content elsewhere is equal.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    /// The value of `key` in a map, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?
            .get(key)
            .filter(|node| node.value != Value::Null)
    }

    /// Keys and values of a map; nothing otherwise.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = self.as_map().into_iter().flatten();
        entries.map(|(key, node)| (key.name(), node))
    }

    /// The map that this is.
    pub(crate) fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items of the list that this is.
    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a scalar that is not null, as Ruby's `to_s` prints it.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(text) | Value::Text(text) => Some(text.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) | Value::Reference(_) => None,
        }
    }

    /// Whether this is a `!reference`, or has one below it.
    pub(crate) fn has_reference(&self) -> bool {
        match &self.value {
            Value::Reference(_) => true,
            Value::List(items) => items.iter().any(Node::has_reference),
            Value::Map(map) => map.values().any(Node::has_reference),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => false,
        }
    }
}
