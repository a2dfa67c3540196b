//! What a process started, and what that started, and so on.
//!
//! A container's end is the end of all its processes, also of those that made a session or a group of their own, or that
//! lost their parents. Linux lists a process's children, and the environment it was started with, which most programs
//! hand on. Together with its start time a process ID names one process for certain.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Processes by ID, with the time each was started at.
#[derive(Debug, Default)]
pub(super) struct Descendants(BTreeMap<i32, String>);

impl Descendants {
    /// Those of `ancestor`, which is not one of them.
    pub(super) fn of(ancestor: Pid) -> Self {
        let mut found = BTreeMap::new();
        let mut ask = vec![ancestor.as_raw()];
        while let Some(pid) = ask.pop() {
            for child in children(pid) {
                if let Some(started) = start_time(child)
                    && found.insert(child, started).is_none()
                {
                    ask.push(child);
                }
            }
        }
        Self(found)
    }

    /// Those whose environment has this variable, of all processes there are.
    pub(super) fn marked(name: &str, value: &str) -> Self {
        let wanted = format!("{name}={value}");
        let found = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = found.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let marked = |pid: &i32| {
            // Not readable: another user's.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes())
        };
        let found = pids.filter(marked);
        Self(
            found
                .filter_map(|pid| Some((pid, start_time(pid)?)))
                .collect(),
        )
    }

    pub(super) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Kills those that are still there, and what they started since.
    pub(super) fn kill(self) {
        for (pid, started) in self.0 {
            if start_time(pid).as_ref() != Some(&started) {
                continue;
            }
            let pid = Pid::from_raw(pid);
            let theirs = Self::of(pid);
            if let Err(error) = kill(pid, Signal::SIGKILL) {
                tracing::debug!(%pid, %error, "cannot kill what a container's process started");
            }
            theirs.kill();
        }
    }
}

/// Of all its threads.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<i32>>()
        })
        .collect()
}

/// When a process was started: the 22nd field of its `stat`. Its name, which may hold anything, ends with the last
/// parenthesis.
pub(crate) fn start_time(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // One that only waits to be waited for is no more.
    fields.next().filter(|state| *state != "Z")?;
    fields.nth(18).map(str::to_owned)
}
