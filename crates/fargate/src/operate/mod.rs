//! The commands that an operator types.

mod cost;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod logs;
#[cfg(feature = "agent-image")]
pub(crate) mod manager;
pub(crate) mod manual;
pub(crate) mod ps;
pub(crate) mod reap;
pub(crate) mod report;
pub(crate) mod ssh;
mod table;
pub(crate) mod warm;
