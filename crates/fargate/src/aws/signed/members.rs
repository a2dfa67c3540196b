//! Lists in the documents of services that speak AWS Query.

use serde::Deserialize;

/// A list: an element for the list, and in it one named `member` for each entry.
#[derive(Debug, Deserialize)]
pub(in crate::aws) struct Members<T> {
    #[serde(default = "Vec::new")]
    pub(in crate::aws) member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}
