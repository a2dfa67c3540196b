//! GitLab's deep merge (Rails' `Hash#deep_merge`): maps are merged key by key; of anything else the later one wins.

use std::sync::Arc;

use crate::yaml::{Map, Node, Value};

/// Keys that all merges for one file may visit together. GitLab has no such limit; it would be busy for minutes.
const MAX_VISITED_KEYS: usize = 2_000_000;

/// How much merging is left for one file.
#[derive(Debug)]
pub(super) struct MergeBudget(usize);

/// All merges for a file visit too many keys.
#[derive(Debug)]
pub(super) struct MergeTooLarge;

impl Default for MergeBudget {
    fn default() -> Self {
        Self(MAX_VISITED_KEYS)
    }
}

impl MergeBudget {
    /// `later` over `earlier`.
    ///
    /// # Errors
    ///
    /// When the budget is used up.
    pub(super) fn merge(&mut self, earlier: &Map, later: &Map) -> Result<Map, MergeTooLarge> {
        let keys = earlier.len().saturating_add(later.len());
        self.0 = self.0.checked_sub(keys).ok_or(MergeTooLarge)?;
        let mut merged = earlier.clone();
        for (key, node) in later {
            let both = merged.get(key).and_then(Node::as_map).zip(node.as_map());
            let node = match both {
                Some((earlier, later)) => Node {
                    value: Value::Map(Arc::new(self.merge(earlier, later)?)),
                    at: node.at.clone(),
                },
                None => node.clone(),
            };
            merged.insert(key.clone(), node);
        }
        Ok(merged)
    }
}
