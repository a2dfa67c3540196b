//! From a job's request to a task that takes scripts.

pub(crate) mod launch;
pub(crate) mod plan;
mod queue;
pub(crate) mod register;
pub(crate) mod request;
mod sizes;
