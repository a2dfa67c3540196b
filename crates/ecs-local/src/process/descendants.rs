//! The descendants of a process.
//!
//! A container ends with all its processes, also those that left its session or process group or lost their parents.
//! Linux lists the children of a process, and shows the environment in which a process was started; most programs pass
//! it on. A process ID and a start time together name one process for certain.

use std::collections::BTreeMap;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::procfs::{children, start_time, with_variable};

/// Processes by ID, with their start times.
#[derive(Debug, Default)]
pub(crate) struct Descendants(BTreeMap<i32, String>);

impl Descendants {
    /// The descendants of a process, without the process itself.
    pub(super) fn of_process(ancestor: Pid) -> Self {
        let mut found = BTreeMap::new();
        let mut parents = vec![ancestor.as_raw()];
        while let Some(parent) = parents.pop() {
            for child in children(parent) {
                if let Some(started) = start_time(child)
                    && found.insert(child, started).is_none()
                {
                    parents.push(child);
                }
            }
        }
        Self(found)
    }

    /// The processes whose initial environment has this variable.
    pub(crate) fn with_variable(name: &str, value: &str) -> Self {
        let pids = with_variable(name, value).into_iter();
        Self(
            pids.filter_map(|pid| Some((pid, start_time(pid)?)))
                .collect(),
        )
    }

    pub(super) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Kills those that still run, and their later descendants.
    pub(crate) fn kill(self) {
        for (pid, started) in self.0 {
            if start_time(pid).as_ref() != Some(&started) {
                continue;
            }
            let pid = Pid::from_raw(pid);
            let later = Self::of_process(pid);
            if let Err(error) = kill(pid, Signal::SIGKILL) {
                tracing::debug!(%pid, %error, "cannot kill a descendant of a container's process");
            }
            later.kill();
        }
    }
}
