//! What all shells of an agent share.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use super::environment::ShellEnvironment;
use crate::processes::Processes;

/// The place where shells run.
pub(crate) struct Host {
    pub(crate) processes: Processes,
    pub(crate) environment: ShellEnvironment,
    stopping: AtomicBool,
    /// Whether something was started here, or a job has claimed the task that waited.
    is_taken: AtomicBool,
}

impl Host {
    /// Makes the calling process the one that collects the children of all shells.
    pub(crate) fn new(environment: ShellEnvironment) -> Result<Self> {
        Ok(Self {
            processes: Processes::new()?,
            environment,
            stopping: AtomicBool::new(false),
            is_taken: AtomicBool::new(false),
        })
    }

    /// Notes that the agent is about to exit: nothing new starts, and no exit status blames a script any more.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Notes that something starts, or that a job claims the task; returns whether it was free until then.
    pub(crate) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }

    /// Whether nothing has started yet, and no job has claimed the task.
    pub(crate) fn is_free(&self) -> bool {
        !self.is_taken.load(Ordering::Relaxed)
    }

    /// Whether the agent is about to exit.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
