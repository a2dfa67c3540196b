//! The operations of ECS, one function each: from a parsed request to a reply.

pub(super) mod clusters;
pub(super) mod list_tasks;
mod new_task;
pub(super) mod run_task;
pub(super) mod tagging;
pub(super) mod task_definitions;
pub(super) mod tasks;
