//! The commands that an operator types.

pub(crate) mod reap;
