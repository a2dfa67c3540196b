//! Tasks: their descriptions, their containers, and their lives.

mod awslogs;
mod changes;
mod container_actor;
mod containers;
mod dependency;
mod description;
mod events;
mod health;
mod history;
mod lifecycle;
mod local_task;
mod pulls;
mod run_containers;
mod runtime;
mod shown_task;
mod spec;
mod start;
mod task_memory;
mod task_run;
mod task_sandbox;
mod teardown;

pub(crate) use description::{
    Attachment, AttachmentStatus, Container, ContainerInterface, ContainerStatus, ManagedAgent,
    StorageSize, TaskDescription, TaskStatus,
};
pub(crate) use history::HistoryEntry;
pub(crate) use lifecycle::run;
pub(crate) use local_task::{LocalTask, TaskRead};
pub(crate) use runtime::Runtime;
pub(crate) use shown_task::ShownTask;
pub(crate) use spec::{TaskContext, TaskSpec, containers};
