//! The parts of a document.

/// A part of a document.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::yaml) enum Event {
    /// `*name`
    Alias(String),
    Scalar {
        text: String,
        /// Without quotes, and no block.
        plain: bool,
        properties: Properties,
    },
    ListStart(Properties),
    MapStart(Properties),
    /// Of a list or a map.
    End,
}

/// What may stand before a node.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::yaml) struct Properties {
    pub(in crate::yaml) anchor: Option<String>,
    /// With its namespace written out.
    pub(in crate::yaml) tag: Option<String>,
}
