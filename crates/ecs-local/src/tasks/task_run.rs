//! The run of one task: its specification, and the resources that its lifecycle has made so far.

use std::sync::Arc;

use super::containers::Containers;
use super::description::TaskDescription;
use super::local_task::LocalTask;
use super::runtime::Runtime;
use super::spec::TaskSpec;
use super::task_sandbox::TaskSandbox;
use crate::guarded::Guarded;
use crate::latency::Pace;
use crate::network::{Interface, Network};
use crate::timestamp::Timestamp;

/// The run of one task.
pub(super) struct TaskRun {
    pub(super) runtime: Arc<Runtime>,
    pub(super) pace: Pace,
    pub(super) network: Guarded<Network>,
    pub(super) task: Guarded<LocalTask>,
    pub(super) spec: TaskSpec,
    /// Kept here, so that the teardown finds them whatever stops the task.
    pub(super) containers: Option<Containers>,
    pub(super) interface: Option<Interface>,
    pub(super) sandbox: TaskSandbox,
}

impl TaskRun {
    /// Changes the description of the task.
    pub(super) fn change(&self, change: impl FnOnce(&mut TaskDescription, Timestamp)) {
        self.task.lock().change(change);
    }
}

/// The cause of a task's stop: stop code and reason.
pub(super) struct StopCause {
    pub(super) code: String,
    pub(super) reason: String,
}

impl StopCause {
    pub(super) fn new(code: &str, reason: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn failed_to_start(reason: impl Into<String>) -> Self {
        Self::new("TaskFailedToStart", reason)
    }
}
