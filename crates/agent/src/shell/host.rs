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
}

impl Host {
    /// Makes the calling process the one that collects the children of all shells.
    pub(crate) fn new(environment: ShellEnvironment) -> Result<Self> {
        Ok(Self {
            processes: Processes::new()?,
            environment,
            stopping: AtomicBool::new(false),
        })
    }

    /// Notes that the agent is about to exit: nothing new starts, and no exit status blames a script any more.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the agent is about to exit.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
