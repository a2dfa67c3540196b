//! The rules of ECS and Fargate: the requests that they refuse, and why. All are pure.

pub(super) mod capacity;
pub(super) mod definition;
pub(super) mod fargate;
pub(super) mod network;
pub(super) mod overrides;
pub(super) mod run_task;
pub(super) mod sizes;
