//! A YAML document as a tree. Types cannot describe a `.gitlab-ci.yml`: its top level mixes keywords with job names,
//! and GitLab's own tag `!reference` can be anywhere.
//!
//! Scalars are kept as GitLab's parser (YAML 1.1) and its `to_s` print them. One difference is known: a plain `y` or
//! `n` is a boolean here and a text there.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Tagged};

/// One node of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// `~`, or no value.
    Null,
    /// `true` or `false`, in any of YAML's spellings.
    Bool(bool),
    /// A number, as GitLab prints it.
    Number(String),
    /// A string.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// Keys in the order of the file.
    Map(Vec<(String, Node)>),
    /// A node with a tag of its own, such as `!reference [.setup, script]`.
    Tagged(String, Box<Node>),
}

impl Node {
    /// Parses one document. An empty one is a map without keys.
    ///
    /// # Errors
    ///
    /// The parser's message, with line and column.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        let options = serde_saphyr::options! {
            // As in GitLab's parser.
            duplicate_keys: DuplicateKeyPolicy::LastWins,
            // Deeper than anybody writes. Each level takes about 30 KB of stack in a debug build.
            budget: serde_saphyr::budget! { max_depth: 32 },
        };
        let Reader(node) = serde_saphyr::from_str_with_options(text, options)?;
        Ok(node)
    }

    /// The value of `key` in a map, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .find(|(name, _)| *name == key)
            .map(|(_, node)| node)
            .filter(|node| !matches!(node, Node::Null))
    }

    /// Keys and values of a map; nothing otherwise.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = match self {
            Node::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// The text of a scalar that is not null.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Node::Bool(value) => Some(value.to_string()),
            Node::Number(text) | Node::Text(text) => Some(text.clone()),
            Node::Null | Node::List(_) | Node::Map(_) | Node::Tagged(..) => None,
        }
    }

    /// The first tag of the document's own in this node or below it.
    pub(crate) fn tag(&self) -> Option<&str> {
        match self {
            Node::Tagged(tag, _) => Some(tag),
            Node::List(items) => items.iter().find_map(Node::tag),
            Node::Map(entries) => entries.iter().find_map(|(_, node)| node.tag()),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => None,
        }
    }
}

/// Reads a [`Node`] with its tag.
struct Reader(Node);

impl<'de> Deserialize<'de> for Reader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(node), tag) = Tagged::deserialize(deserializer)?;
        Ok(Reader(match tag {
            // The parser has applied `!!str` and its like; a tag with one `!` is the document's own.
            Some(tag) if tag.starts_with('!') && !tag.starts_with("!!") => {
                Node::Tagged(tag, Box::new(node))
            }
            _ => node,
        }))
    }
}

/// Reads a [`Node`] whose tag is read already.
struct Untagged(Node);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Untagged)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // `{:?}` keeps the fraction of 3.0, as Ruby does.
        Ok(Node::Number(format!("{value:?}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(Reader(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map: Vec<(String, Node)> = Vec::new();
        while let Some((key, Reader(value))) = entries.next_entry::<String, Reader>()? {
            match map.iter_mut().find(|(known, _)| *known == key) {
                Some((_, earlier)) => *earlier = value,
                None => map.push((key, value)),
            }
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Node {
        Node::Text(value.to_owned())
    }

    #[test]
    fn scalars_print_as_gitlab_prints_them() {
        let node = Node::parse(
            "{a: 1, b: 1.10, c: 3.0, d: yes, e: '1.10', f: ~, g: on fire, h: 0x10, i: -7}",
        )
        .unwrap();
        let printed: Vec<_> = node
            .entries()
            .map(|(key, node)| (key, node.scalar()))
            .collect();
        let expected = [
            ("a", Some("1")),
            ("b", Some("1.1")),
            ("c", Some("3.0")),
            ("d", Some("true")),
            ("e", Some("1.10")),
            ("f", None),
            ("g", Some("on fire")),
            ("h", Some("16")),
            ("i", Some("-7")),
        ];
        assert_eq!(
            printed,
            expected.map(|(key, value)| (key, value.map(str::to_owned)))
        );
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        let node = Node::parse(
            ".base: &base\n  stage: test\n  script: [a]\njob:\n  <<: *base\n  script: [b]\n",
        )
        .unwrap();
        let job = node.get("job").unwrap();
        assert_eq!(job.get("stage"), Some(&text("test")));
        assert_eq!(job.get("script"), Some(&Node::List(vec![text("b")])));
    }

    #[test]
    fn a_reference_is_seen_anywhere() {
        let node = Node::parse(
            "job:\n  script:\n    - a\n    - !reference [.setup, script]\n    - !!str 1\n",
        )
        .unwrap();
        assert_eq!(node.tag(), Some("!reference"));
        assert_eq!(
            node.get("job")
                .and_then(|job| job.get("script"))
                .and_then(Node::tag),
            Some("!reference")
        );
        assert_eq!(Node::parse("a: !!str 1").unwrap().tag(), None);
    }

    #[test]
    fn a_syntax_error_says_where() {
        let error = Node::parse("job:\n  script: [a\n  other: }\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("line"), "{error}");
    }
}
