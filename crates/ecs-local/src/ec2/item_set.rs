//! The lists of EC2's documents.

use serde::Serialize;

use crate::tags::Tag;

/// A list, whose elements are all called `item`.
#[derive(Debug, Serialize)]
pub(super) struct ItemSet<T> {
    pub(super) item: Vec<T>,
}

impl<T> FromIterator<T> for ItemSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self {
            item: items.into_iter().collect(),
        }
    }
}

/// A tag in EC2's form.
#[derive(Debug, Serialize)]
pub(super) struct TagItem {
    key: String,
    value: String,
}

pub(super) fn tag_set(tags: &[Tag]) -> ItemSet<TagItem> {
    tags.iter()
        .map(|Tag { key, value }| TagItem {
            key: key.clone(),
            value: value.clone(),
        })
        .collect()
}
