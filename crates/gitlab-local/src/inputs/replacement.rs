//! Puts the values of blocks into a tree.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inputs::block::{Context, Found, evaluate, find};
use crate::inputs::error::InputError;
use crate::inputs::printed::printed;
use crate::yaml::{Key, Map, Node, Position, Value, bytes};

/// Bytes that the blocks of a file may make. GitLab bounds their number, and the size of what becomes of the file.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// `content` with its blocks replaced.
///
/// # Errors
///
/// When a block is wrong.
pub(super) fn replaced(content: &Node, context: &Context<'_>) -> Result<Node, InputError> {
    let mut replacement = Replacement {
        context,
        known: HashMap::new(),
        bytes: 0,
    };
    let replaced = replacement.node(content)?;
    // Each use of a value counts, as a job has a copy of it.
    match bytes(&replaced) > MAX_BYTES {
        true => Err(too_large(&content.at)),
        false => Ok(replaced),
    }
}

fn too_large(at: &Position) -> InputError {
    InputError::new(at, "inputs make more than 16 MB of this file")
}

struct Replacement<'a> {
    context: &'a Context<'a>,
    /// The results for shared lists and maps, by their addresses: each is walked through once.
    known: HashMap<usize, Value>,
    bytes: usize,
}

impl Replacement<'_> {
    fn node(&mut self, node: &Node) -> Result<Node, InputError> {
        let value = match &node.value {
            Value::Text(text) => self.text(text, &node.at)?,
            Value::List(items) => {
                let address = Arc::as_ptr(items).addr();
                match self.known.get(&address) {
                    Some(value) => value.clone(),
                    None => {
                        let value = Value::List(Arc::new(self.items(items)?));
                        self.known.insert(address, value.clone());
                        value
                    }
                }
            }
            Value::Map(map) => {
                let address = Arc::as_ptr(map).addr();
                match self.known.get(&address) {
                    Some(value) => value.clone(),
                    None => {
                        let value = Value::Map(Arc::new(self.entries(map)?));
                        self.known.insert(address, value.clone());
                        value
                    }
                }
            }
            // GitLab does not look into references.
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Reference(_) => {
                node.value.clone()
            }
        };
        Ok(Node {
            value,
            at: node.at.clone(),
        })
    }

    /// A text that becomes a list is replaced by its items.
    fn items(&mut self, items: &[Node]) -> Result<Vec<Node>, InputError> {
        let mut replaced = Vec::with_capacity(items.len());
        for item in items {
            let new = self.node(item)?;
            match (&item.value, &new.value) {
                (Value::Text(_), Value::List(inserted)) => {
                    replaced.extend(inserted.iter().cloned())
                }
                _ => replaced.push(new),
            }
        }
        Ok(replaced)
    }

    fn entries(&mut self, map: &Map) -> Result<Map, InputError> {
        let mut replaced = Map::with_capacity(map.len());
        for (key, node) in map {
            let key = match key {
                Key::Text(name) => self.key(name, &node.at)?,
                Key::Other(_) => key.clone(),
            };
            replaced.insert(key, self.node(node)?);
        }
        Ok(replaced)
    }

    fn key(&mut self, name: &Arc<str>, at: &Position) -> Result<Key, InputError> {
        let value = self.text(name, at)?;
        Key::of(value).ok_or_else(|| {
            InputError::new(
                at,
                format!("`{name}` becomes a list or a map, which is no key"),
            )
        })
    }

    /// A block that is a whole text keeps the type of its value.
    fn text(&mut self, text: &Arc<str>, at: &Position) -> Result<Value, InputError> {
        let Some(first) = find(text) else {
            return Ok(Value::Text(Arc::clone(text)));
        };
        if first.before.is_empty() && first.after.is_empty() {
            return self.block(&first, at);
        }
        let mut replaced = String::new();
        let mut rest: &str = text;
        while let Some(found) = find(rest) {
            let value = self.block(&found, at)?;
            replaced.push_str(found.before);
            replaced.push_str(&printed(&value));
            rest = found.after;
            self.count(replaced.len(), at)?;
        }
        replaced.push_str(rest);
        self.bytes += replaced.len();
        Ok(Value::Text(replaced.into()))
    }

    fn block(&mut self, block: &Found<'_>, at: &Position) -> Result<Value, InputError> {
        let value = evaluate(block, self.context, at, &mut self.bytes);
        let value = value.map_err(|fault| InputError::new(at, fault))?;
        self.count(0, at)?;
        Ok(value)
    }

    /// # Errors
    ///
    /// When what was made is too much, with `more` bytes.
    fn count(&self, more: usize, at: &Position) -> Result<(), InputError> {
        match self.bytes + more > MAX_BYTES {
            true => Err(too_large(at)),
            false => Ok(()),
        }
    }
}
