//! From a job's request to a task that takes scripts.

mod adjustments;
mod architecture;
pub(crate) mod claim;
pub(crate) mod follow;
mod hedge;
pub(crate) mod journal;
pub(crate) mod launch;
mod permission;
pub(crate) mod plan;
mod queue;
pub(crate) mod race;
pub(crate) mod register;
pub(crate) mod request;
mod run_task_retries;
mod sizes;
pub(crate) mod start_hash;
mod tags;
pub(crate) mod warm_up;
