//! Makes a tree of the parser's events, without recursion.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, Tag};

use crate::yaml::error::YamlError;
use crate::yaml::limits::{MAX_BYTES, MAX_DEPTH, MAX_MERGED_KEYS, TOO_BIG, bytes};
use crate::yaml::node::{Key, Map, Node, Position, Value};
use crate::yaml::tag;

/// The first document of `text`, which begins at `start` in its file. Null without a document.
///
/// # Errors
///
/// When it is no YAML that GitLab takes.
pub(super) fn read(text: &str, start: &Position) -> Result<Node, YamlError> {
    let options = granit_parser::options! {
        emit_comments: false,
        // Both as in libyaml, on which Psych stands.
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader {
        start,
        open: Vec::new(),
        anchors: HashMap::new(),
        merged_keys: 0,
    };
    let mut complete = None;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| YamlError {
            at: reader.position(error.marker()),
            fault: match error.kind() {
                ErrorKind::RecursionLimitExceeded => TOO_BIG.to_owned(),
                _ => error.info(),
            },
        })?;
        if event == Event::DocumentEnd {
            // Psych reads no further. For a directive that follows it has looked ahead already.
            let rest = span.end.byte_offset().and_then(|end| text.get(end..));
            if rest.is_some_and(|rest| rest.trim_start().starts_with('%')) {
                let at = reader.position(&span.end);
                let fault = "a line cannot begin with % here".to_owned();
                return Err(YamlError { at, fault });
            }
            break;
        }
        let at = reader.position(&span.start);
        let fault_at = at.clone();
        let document = reader.take(event, at).map_err(|fault| YamlError {
            at: fault_at,
            fault,
        })?;
        if document.is_some() {
            complete = document;
        }
    }
    let document = complete.unwrap_or(Node {
        value: Value::Null,
        at: start.clone(),
    });
    reader.checked(document)
}

/// A list or a map that is not complete.
struct Open {
    items: Items,
    anchor: usize,
    tag: Option<String>,
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

struct Reader<'a> {
    start: &'a Position,
    open: Vec<Open>,
    /// By the parser's number: complete nodes with their depths.
    anchors: HashMap<usize, (Node, usize)>,
    merged_keys: usize,
}

impl Reader<'_> {
    fn position(&self, marker: &Marker) -> Position {
        let first_line = marker.line() <= 1;
        Position {
            file: Arc::clone(&self.start.file),
            line: self.start.line + marker.line().saturating_sub(1),
            column: marker.col() + if first_line { self.start.column } else { 1 },
        }
    }

    /// The document, once `event` completes it.
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<Option<Node>, String> {
        let complete = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| whole(&tag));
                let plain = style == ScalarStyle::Plain;
                let value = tag::scalar(&text, plain, tag.as_deref())?;
                let is_tagged_text = tag.as_deref() == Some("tag:yaml.org,2002:str");
                let node = Node { value, at };
                self.anchor(anchor, &node, 0);
                Complete {
                    node,
                    depth: 0,
                    is_alias: false,
                    is_tagged_text,
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                return self.begin(Items::List(Vec::new()), anchor, tag.as_deref(), at);
            }
            Event::MappingStart(_, anchor, tag) => {
                return self.begin(Items::Map(Map::new(), None), anchor, tag.as_deref(), at);
            }
            Event::SequenceEnd | Event::MappingEnd => match self.end()? {
                Some(complete) => complete,
                None => return Ok(None),
            },
            Event::Alias(anchor) => self.alias(anchor, at)?,
            _ => return Ok(None),
        };
        self.place(complete)
    }

    fn begin(
        &mut self,
        items: Items,
        anchor: usize,
        tag: Option<&Tag>,
        at: Position,
    ) -> Result<Option<Node>, String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(TOO_BIG.to_owned());
        }
        self.open.push(Open {
            items,
            anchor,
            tag: tag.map(whole),
            at,
            depth: 0,
        });
        Ok(None)
    }

    fn end(&mut self) -> Result<Option<Complete>, String> {
        let Some(open) = self.open.pop() else {
            return Ok(None);
        };
        let tag = open.tag.as_deref();
        let value = match open.items {
            Items::List(items) => tag::list(items, tag)?,
            Items::Map(map, _) => {
                tag::check_map(tag)?;
                Value::Map(Arc::new(map))
            }
        };
        let depth = open.depth + 1;
        let node = Node { value, at: open.at };
        self.anchor(open.anchor, &node, depth);
        Ok(Some(Complete {
            node,
            depth,
            is_alias: false,
            is_tagged_text: false,
        }))
    }

    fn anchor(&mut self, anchor: usize, node: &Node, depth: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), depth));
        }
    }

    fn alias(&self, anchor: usize, at: Position) -> Result<Complete, String> {
        // An anchor that is not complete is a list or map around its own alias: endless, so too big for GitLab.
        let (node, depth) = self.anchors.get(&anchor).ok_or(TOO_BIG)?;
        if matches!(node.value, Value::Reference(_)) {
            // Psych forgets the anchor of a node with a tag of GitLab's.
            return Err("Unknown alias: a !reference cannot have an anchor; repeat it".to_owned());
        }
        Ok(Complete {
            node: Node { at, ..node.clone() },
            depth: *depth,
            is_alias: true,
            is_tagged_text: false,
        })
    }

    /// Puts a node where it belongs; gives it back when it is the document.
    fn place(&mut self, complete: Complete) -> Result<Option<Node>, String> {
        let levels = self.open.len();
        let Some(open) = self.open.last_mut() else {
            return Ok(Some(complete.node));
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
        Ok(None)
    }

    fn checked(&self, document: Node) -> Result<Node, YamlError> {
        if bytes(&document) > MAX_BYTES {
            return Err(YamlError {
                at: self.start.clone(),
                fault: TOO_BIG.to_owned(),
            });
        }
        Ok(document)
    }
}

/// A tag with its namespace written out.
fn whole(tag: &Tag) -> String {
    let (handle, suffix) = tag.parts();
    format!("{handle}{suffix}")
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
