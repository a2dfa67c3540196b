//! The shells that run commands and scripts.

pub(crate) mod environment;
pub(crate) mod host;
pub(crate) mod process;
pub(crate) mod spool;
