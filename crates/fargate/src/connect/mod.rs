//! The road to a task's SSH server, and the reasons when it leads nowhere.

pub(crate) mod inquiry;
pub(crate) mod job_container;
pub(crate) mod ready;
pub(crate) mod start_failure;
