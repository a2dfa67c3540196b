//! Makes a tree of the events of a document, without recursion.

use std::collections::HashMap;
use std::sync::Arc;

use crate::yaml::error::YamlError;
use crate::yaml::limits::{MAX_BYTES, MAX_DEPTH, MAX_MERGED_KEYS, TOO_BIG, bytes};
use crate::yaml::node::{Key, Map, Node, Position, Value};
use crate::yaml::syntax::{Event, Mark, Properties, parse};
use crate::yaml::tag;

/// The first document of `text`, which begins at `start` in its file. Null without a document.
///
/// # Errors
///
/// When it is no YAML that GitLab takes.
pub(super) fn read(text: &str, start: &Position) -> Result<Node, YamlError> {
    let mut reader = Reader {
        open: Vec::new(),
        anchors: HashMap::new(),
        merged_keys: 0,
        document: None,
    };
    let mut first_fault = None;
    let parsed = parse(text, &mut |event, mark| {
        if first_fault.is_none() {
            let taken = reader.take(event, position(start, mark));
            first_fault = taken.err().map(|fault| (fault, mark));
        }
    });
    // As in GitLab, an error of syntax comes before all others, wherever it is.
    let parsed = parsed.map_err(|error| (error.fault, error.at));
    if let Some((fault, mark)) = parsed.err().or(first_fault) {
        let at = position(start, mark);
        return Err(YamlError { at, fault });
    }
    let document = reader.document.unwrap_or(Node {
        value: Value::Null,
        at: start.clone(),
    });
    match bytes(&document) > MAX_BYTES {
        true => Err(YamlError {
            at: start.clone(),
            fault: TOO_BIG.to_owned(),
        }),
        false => Ok(document),
    }
}

/// The place of `mark` in a text that begins at `start`.
fn position(start: &Position, mark: Mark) -> Position {
    Position {
        file: Arc::clone(&start.file),
        line: start.line + mark.line,
        column: mark.column + if mark.line == 0 { start.column } else { 1 },
    }
}

/// A list or a map that is not complete.
struct Open {
    items: Items,
    properties: Properties,
    at: Position,
    /// Of the deepest item.
    depth: usize,
}

enum Items {
    List(Vec<Node>),
    /// The key comes before its value.
    Map(Map, Option<PendingKey>),
}

struct PendingKey {
    key: Key,
    at: Position,
    /// Whether a value of this key is merged.
    merges: bool,
}

/// A complete node.
struct Complete {
    node: Node,
    depth: usize,
    /// Psych merges a mapping or an alias, and the items of a sequence, but not of an alias to one.
    is_alias: bool,
    /// `!!str` keeps a `<<` from merging.
    is_tagged_text: bool,
}

struct Reader {
    open: Vec<Open>,
    /// Complete nodes by their anchors, with their depths. None for a node that is open.
    anchors: HashMap<String, Option<(Node, usize)>>,
    merged_keys: usize,
    document: Option<Node>,
}

impl Reader {
    fn take(&mut self, event: Event, at: Position) -> Result<(), String> {
        let complete = match event {
            Event::Scalar {
                text,
                plain,
                properties,
            } => self.scalar(&text, plain, properties, at)?,
            Event::Alias(name) => self.alias(&name, at)?,
            Event::ListStart(properties) => {
                self.begin(Items::List(Vec::new()), properties, at);
                return Ok(());
            }
            Event::MapStart(properties) => {
                self.begin(Items::Map(Map::new(), None), properties, at);
                return Ok(());
            }
            Event::End => match self.open.pop() {
                Some(open) => self.end(open)?,
                None => return Ok(()),
            },
        };
        self.place(complete)
    }

    fn scalar(
        &mut self,
        text: &str,
        plain: bool,
        properties: Properties,
        at: Position,
    ) -> Result<Complete, String> {
        let tag = properties.tag.as_deref();
        let value = tag::scalar(text, plain, tag)?;
        let is_tagged_text = tag == Some("tag:yaml.org,2002:str");
        let node = Node { value, at };
        if let Some(name) = properties.anchor {
            self.anchors.insert(name, Some((node.clone(), 0)));
        }
        Ok(Complete {
            node,
            depth: 0,
            is_alias: false,
            is_tagged_text,
        })
    }

    fn begin(&mut self, items: Items, properties: Properties, at: Position) {
        // Psych does not keep the anchor of a node with GitLab's tag.
        if properties.tag.as_deref() != Some(tag::REFERENCE)
            && let Some(name) = &properties.anchor
        {
            self.anchors.insert(name.clone(), None);
        }
        self.open.push(Open {
            items,
            properties,
            at,
            depth: 0,
        });
    }

    fn end(&mut self, open: Open) -> Result<Complete, String> {
        let tag = open.properties.tag.as_deref();
        let value = match open.items {
            Items::List(items) => tag::list(items, tag)?,
            Items::Map(map, _) => {
                tag::check_map(tag)?;
                Value::Map(Arc::new(map))
            }
        };
        let depth = open.depth + 1;
        let node = Node { value, at: open.at };
        // A node within it may have taken its anchor over.
        let anchor = open.properties.anchor;
        if let Some(anchored @ None) = anchor.and_then(|name| self.anchors.get_mut(&name)) {
            *anchored = Some((node.clone(), depth));
        }
        Ok(Complete {
            node,
            depth,
            is_alias: false,
            is_tagged_text: false,
        })
    }

    fn alias(&self, name: &str, at: Position) -> Result<Complete, String> {
        let anchored = self.anchors.get(name).ok_or_else(|| {
            format!("Unknown alias: {name} (a node before it needs the anchor &{name}; a !reference can have none)")
        })?;
        // A list or a map around its own alias is endless, so too big for GitLab.
        let (node, depth) = anchored.as_ref().ok_or(TOO_BIG)?;
        Ok(Complete {
            node: Node { at, ..node.clone() },
            depth: *depth,
            is_alias: true,
            is_tagged_text: false,
        })
    }

    /// Puts a node where it belongs.
    fn place(&mut self, complete: Complete) -> Result<(), String> {
        let levels = self.open.len();
        let Some(open) = self.open.last_mut() else {
            self.document = Some(complete.node);
            return Ok(());
        };
        if levels + complete.depth > MAX_DEPTH {
            return Err(TOO_BIG.to_owned());
        }
        open.depth = open.depth.max(complete.depth);
        match &mut open.items {
            Items::List(items) => items.push(complete.node),
            Items::Map(map, pending) => match pending.take() {
                None => *pending = Some(pending_key(complete)?),
                Some(key) if key.merges => merge(map, key, complete, &mut self.merged_keys)?,
                Some(key) => put(map, key, complete.node),
            },
        }
        Ok(())
    }
}

fn pending_key(complete: Complete) -> Result<PendingKey, String> {
    let Node { value, at } = complete.node;
    let fault = "a list or a map cannot be a key here (quote a key that begins with { or [)";
    let key = Key::of(value).ok_or(fault)?;
    let merges = matches!(&key, Key::Text(name) if **name == *"<<") && !complete.is_tagged_text;
    Ok(PendingKey { key, at, merges })
}

fn put(map: &mut Map, key: PendingKey, node: Node) {
    map.insert(key.key, Node { at: key.at, ..node });
}

/// Psych's `revive_hash`: what is merged wins over the keys before it, and later keys win over what is merged. Of
/// several, the first wins. What cannot be merged is the value of a key `<<`.
fn merge(
    map: &mut Map,
    key: PendingKey,
    complete: Complete,
    merged_keys: &mut usize,
) -> Result<(), String> {
    let sources: Vec<&Map> = match &complete.node.value {
        Value::Map(source) => vec![source],
        Value::List(items) if !complete.is_alias => {
            let Some(mut sources) = items.iter().map(Node::as_map).collect::<Option<Vec<_>>>()
            else {
                put(map, key, complete.node);
                return Ok(());
            };
            sources.reverse();
            sources
        }
        _ => {
            put(map, key, complete.node);
            return Ok(());
        }
    };
    for source in sources {
        *merged_keys += source.len();
        if *merged_keys > MAX_MERGED_KEYS {
            return Err("merge keys (<<) copy more than a million keys".to_owned());
        }
        map.extend(source.iter().map(|(key, node)| (key.clone(), node.clone())));
    }
    Ok(())
}
