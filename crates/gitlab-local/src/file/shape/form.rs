//! The parts of a shape.

use crate::yaml::Node;

/// What GitLab demands of a value.
pub(in crate::file) enum Shape {
    /// Its reader checks it.
    Any,
    /// A value that `accepts` takes; `fault` says what it should be.
    Value {
        accepts: fn(&Node) -> bool,
        fault: &'static str,
    },
    /// A text, or lists of texts within lists.
    Commands,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, or a list of them.
    SomeOf(&'static [&'static str]),
    /// An integer between these.
    Integer(i64, i64),
    /// A map with these keys and no others.
    Hash(&'static [Key]),
    /// A map with these keys, or another value that `accepts` takes.
    HashOr {
        keys: &'static [Key],
        accepts: fn(&Node) -> bool,
        fault: &'static str,
    },
    /// A list of values, each of which is called `name` in the path.
    List {
        name: &'static str,
        item: &'static Shape,
    },
    /// Maps with these keys among the items of lists within lists, each of which is called `name` in the path. Other
    /// items are the reader's to check.
    Maps {
        name: &'static str,
        keys: &'static [Key],
    },
    /// One value or a list of at most `most`, and `fault` where it is neither.
    Several {
        item: &'static Shape,
        most: usize,
        fault: &'static str,
    },
    /// A map with names that the author chose.
    Named(&'static Shape),
    /// Variables, which may be maps with these keys.
    Variables(&'static [&'static str]),
}

/// A key of a map.
pub(in crate::file) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) rank: Rank,
    pub(super) is_required: bool,
}

/// How GitLab's lint speaks of a key's value.
#[derive(Clone, Copy)]
pub(super) enum Rank {
    /// Part of the path: `jobs:build:image config should be …`
    Entry,
    /// Behind the path: `jobs:build when should be …`
    Attribute,
}

/// A key that is part of the path.
pub(super) const fn entry(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        rank: Rank::Entry,
        is_required: false,
    }
}

/// A key that is named behind the path.
pub(super) const fn attribute(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        rank: Rank::Attribute,
        is_required: false,
    }
}

/// An [`attribute`] that must be there.
pub(super) const fn required(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        rank: Rank::Attribute,
        is_required: true,
    }
}
