//! The shells that run commands and scripts.

pub(crate) mod environment;
pub(crate) mod host;
mod output_pipes;
pub(crate) mod process;
pub(crate) mod spool;
