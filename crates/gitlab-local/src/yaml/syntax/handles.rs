//! Handles of tags: what `!`, `!!` and those of `%TAG` stand for.

use crate::yaml::tag::CORE;

/// The handles that a document declares.
#[derive(Debug, Default)]
pub(super) struct Handles(Vec<(String, String)>);

impl Handles {
    /// Whether `handle` was not declared before.
    pub(super) fn declare(&mut self, handle: &str, prefix: &str) -> bool {
        let is_new = !self.0.iter().any(|(declared, _)| declared == handle);
        self.0.push((handle.to_owned(), prefix.to_owned()));
        is_new
    }

    /// What `handle` stands for.
    pub(super) fn namespace(&self, handle: &str) -> Option<&str> {
        let declared = self.0.iter().find(|(declared, _)| declared == handle);
        match (declared, handle) {
            (Some((_, prefix)), _) => Some(prefix),
            (None, "!") => Some("!"),
            (None, "!!") => Some(CORE),
            (None, "") => Some(""),
            (None, _) => None,
        }
    }
}
