//! `[Fargate] KeepFailedFor` and `KeepFailedTasks`: tasks of failed jobs that stay for a while.

use std::time::Duration;

use fargate_wire::LONGEST_KEEP;

use super::section::Section;

/// How many tasks are kept unless the file says otherwise.
const TASKS: usize = 5;

/// Most tasks: each costs money until its time is over.
pub(super) const MOST_TASKS: usize = 100;

/// Which tasks of failed jobs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeepFailed {
    /// How long after its job; zero for not at all. At most [`LONGEST_KEEP`].
    pub(crate) time: Duration,
    /// How many at a time. The one that was kept first goes first.
    pub(crate) tasks: usize,
}

impl KeepFailed {
    /// Reads both keys. A wrong value keeps nothing more, and ends nothing that is kept.
    pub(super) fn read(fargate: &Section<'_>) -> Self {
        let time = fargate.parsed("KeepFailedFor", |text| {
            match humantime::parse_duration(text) {
                Ok(time) if time <= LONGEST_KEEP => Ok(time),
                _ => Err("a duration from \"0s\" to \"4h\", like \"1h\"".to_owned()),
            }
        });
        let given = fargate.integer("KeepFailedTasks");
        let tasks = match given {
            None => Some(TASKS),
            Some(given) => usize::try_from(given)
                .ok()
                .filter(|tasks| *tasks <= MOST_TASKS),
        };
        if tasks.is_none() {
            let given = given.unwrap_or_default();
            let message = format!("is {given}, but must be 0 to {MOST_TASKS}");
            fargate.error("KeepFailedTasks", &message);
        }
        let time = time.filter(|_| tasks.is_some_and(|tasks| tasks > 0));
        let (time, tasks) = (time.unwrap_or_default(), tasks.unwrap_or(MOST_TASKS));
        Self { time, tasks }
    }
}
