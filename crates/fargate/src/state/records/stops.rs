//! Tasks that no record names and that are about to be stopped: a file each, `TASK.stopping`, until the ledger has the
//! task's line.
//!
//! AWS lists no task by its mark that is stopping. A process that is killed after StopTask would leave nothing that
//! knows of the task, and AWS bills it.

use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Records, name};
use crate::error::Result;
use crate::state::clock::now_millis;
use crate::state::file_names::{STOPPING, stopping_task};
use crate::state::files::{self, Draft, discard};
use crate::state::ledger::{Entry, StoppedTask, TaskEntry};
use crate::task;

/// A stop that is about to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotedStop {
    /// ARN of the task.
    pub(crate) task: String,
    /// The ledger's line, as far as it is known before the stop.
    pub(crate) entry: Entry,
}

impl NotedStop {
    /// The ledger's line once the task was `stopped`.
    pub(crate) fn entry(&self, stopped: &StoppedTask) -> Entry {
        let complete = |before: &TaskEntry| TaskEntry {
            stop_accepted: stopped.accepted,
            facts: match stopped.facts.clone() {
                Some(facts) => facts.or(before.facts.clone()),
                None => before.facts.clone(),
            },
            ..before.clone()
        };
        Entry {
            at: now_millis(),
            tasks: self.entry.tasks.iter().map(complete).collect(),
            ..self.entry.clone()
        }
    }
}

impl Records {
    /// Notes a task before it is stopped. A disk that takes no note keeps nothing running.
    pub(crate) fn note_stop(&self, stop: &NotedStop) {
        let write = || {
            files::make_folder(&self.directory)?;
            let content = serde_json::to_vec(stop)?;
            Draft::new(&self.stopping_file(&stop.task), &content)?
                .sync()?
                .persist()
        };
        if let Err(error) = files::again(write) {
            tracing::debug!("no note of the stop of {}: {error}", stop.task);
        }
    }

    /// The tasks whose stop was noted, and that the ledger may not have.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(crate) fn noted_stops(&self) -> Result<Vec<NotedStop>> {
        let mut stops = Vec::new();
        for file in self.paths_in(&self.directory)? {
            let Some(task) = name(&file).and_then(stopping_task) else {
                continue;
            };
            let content = match files::read(&file) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                content => content.ok(),
            };
            let stop =
                content.and_then(|content| serde_json::from_slice::<NotedStop>(&content).ok());
            match stop.filter(|stop| task::id(&stop.task) == task) {
                Some(stop) => stops.push(stop),
                None => tracing::warn!("{} is damaged", file.display()),
            }
        }
        Ok(stops)
    }

    /// Forgets the note of a task, once the ledger has its line.
    pub(crate) fn forget_stop(&self, task: &str) {
        discard(&self.stopping_file(task));
    }

    fn stopping_file(&self, task: &str) -> PathBuf {
        self.directory.join(format!("{}{STOPPING}", task::id(task)))
    }
}
