//! The commands that an operator types.

pub(crate) mod doctor;
pub(crate) mod manual;
pub(crate) mod reap;
pub(crate) mod report;
