//! From a job's request to a task that takes scripts.

mod adjustments;
mod architecture;
pub(crate) mod launch;
mod permission;
pub(crate) mod plan;
mod queue;
pub(crate) mod register;
pub(crate) mod request;
mod run_task_retries;
mod sizes;
mod tags;
