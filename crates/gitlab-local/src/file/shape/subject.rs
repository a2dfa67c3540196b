//! The subject of a fault.

use super::form::{Key, Rank};
use crate::file::lint::Lint;
use crate::yaml::Node;

/// The subject of a fault, as GitLab's lint names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::file) struct Subject {
    /// `jobs:build:image`
    path: String,
    /// `config`, or the key behind the path.
    word: String,
}

impl Subject {
    /// The value at `path`.
    pub(in crate::file) fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            word: "config".to_owned(),
        }
    }

    /// A value below this one that is part of the path.
    pub(super) fn entry(&self, name: &str) -> Self {
        match self.path.as_str() {
            "" => Self::new(name),
            path => Self::new(format!("{path}:{name}")),
        }
    }

    pub(super) fn below(&self, key: &Key) -> Self {
        match key.rank {
            Rank::Entry => self.entry(key.name),
            // GitLab writes `on stop` for `on_stop`, which nobody finds in the file.
            Rank::Attribute => Self {
                path: self.path.clone(),
                word: key.name.to_owned(),
            },
        }
    }

    /// GitLab's words for a fault of `node`.
    pub(in crate::file) fn fault(&self, node: &Node, fault: &str) -> Lint {
        let Self { path, word } = self;
        Lint::new(format!("{path} {word} {fault}").trim_start()).at(&node.at)
    }
}
