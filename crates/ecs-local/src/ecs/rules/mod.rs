//! The rules of ECS and Fargate: the requests that they refuse, and why. All are pure.

pub(super) mod capacity_rules;
pub(super) mod definition_rules;
pub(super) mod fargate_rules;
pub(super) mod fargate_sizes;
mod image_rules;
pub(super) mod network_rules;
pub(super) mod override_rules;
mod platform_rules;
pub(super) mod run_task_rules;
