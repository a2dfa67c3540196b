//! How large a document may be. GitLab measures what Psych made of it (`Gitlab::Utils::DeepSize`): an alias counts each
//! time as much as its anchor.

use std::collections::HashMap;
use std::sync::Arc;

use crate::yaml::node::{Key, Node, Value};

/// GitLab's default of the setting `max_yaml_depth`: lists and maps within each other.
pub(super) const MAX_DEPTH: usize = 100;

/// GitLab's default of the setting `max_yaml_size_bytes`.
pub(super) const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Keys that all merges of a document may copy together. GitLab has no such limit; it would be busy for minutes.
pub(super) const MAX_MERGED_KEYS: usize = 1_000_000;

/// What GitLab says of a document beyond its limits, and the limits.
pub(super) const TOO_BIG: &str = "The parsed YAML is too big (GitLab takes 100 levels and 2 MB, where each alias counts in full)";

/// Ruby's memory of a short string, and of a list or hash beside its items (`ObjectSpace.memsize_of`).
const OBJECT_BYTES: usize = 40;

/// Ruby's memory of a hash with one to eight keys.
const SMALL_HASH_BYTES: usize = 160;

/// Ruby's memory of a document, or less. Each list and map is measured once, however often it is shared. The caller has
/// bounded the document's depth.
pub(crate) fn bytes(document: &Node) -> usize {
    measure(document, &mut HashMap::new())
}

fn measure(node: &Node, known: &mut HashMap<usize, usize>) -> usize {
    match &node.value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::Text(text) => text_bytes(text),
        Value::Reference(path) => path.iter().fold(list_bytes(path.len()), |sum, key| {
            sum.saturating_add(text_bytes(key))
        }),
        Value::List(items) => measure_once(Arc::as_ptr(items).addr(), known, |known| {
            items.iter().fold(list_bytes(items.len()), |sum, item| {
                sum.saturating_add(measure(item, known))
            })
        }),
        Value::Map(map) => measure_once(Arc::as_ptr(map).addr(), known, |known| {
            map.iter().fold(hash_bytes(map.len()), |sum, (key, item)| {
                sum.saturating_add(key_bytes(key))
                    .saturating_add(measure(item, known))
            })
        }),
    }
}

/// Three items are in the object itself.
fn list_bytes(items: usize) -> usize {
    match items {
        0..=3 => OBJECT_BYTES,
        _ => OBJECT_BYTES + 8 * items,
    }
}

fn hash_bytes(keys: usize) -> usize {
    match keys {
        0 => OBJECT_BYTES,
        1..=8 => SMALL_HASH_BYTES,
        _ => OBJECT_BYTES + 24 * keys,
    }
}

fn measure_once(
    address: usize,
    known: &mut HashMap<usize, usize>,
    measure: impl FnOnce(&mut HashMap<usize, usize>) -> usize,
) -> usize {
    if let Some(bytes) = known.get(&address) {
        return *bytes;
    }
    let bytes = measure(known);
    known.insert(address, bytes);
    bytes
}

fn text_bytes(text: &str) -> usize {
    text.len().max(OBJECT_BYTES)
}

fn key_bytes(key: &Key) -> usize {
    match key {
        Key::Text(name) => text_bytes(name),
        Key::Other(_) => 0,
    }
}
