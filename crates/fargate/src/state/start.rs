//! A start: one way in which a job tries to get a task, and how it stands.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::now;
use crate::task::TaskFacts;

/// How far ahead an intent is at least that was recorded before the clock was set back. Corrections are smaller.
const CLOCK_SET_BACK: Duration = Duration::from_secs(60);

/// One start of a job's task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The client token of its RunTask call, which repetitions of that call share.
    pub(crate) token: String,
    /// Id of the waiting task that it claims, where it calls no RunTask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<String>,
    /// The pool that task waited for, as people know it, once the claim has got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    /// When it was last intended, in seconds since 1970.
    pub(crate) intended_at: u64,
    /// How it stands.
    pub(crate) standing: Standing,
    /// Whether it is a second one beside another that lagged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) hedges: bool,
    /// Whether another start was ready first while its task was still starting.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) beaten: bool,
    /// ARN of its task, once AWS has answered.
    #[serde(default)]
    pub(crate) task: Option<String>,
    /// The task's memory in MiB, if AWS shows it.
    #[serde(default)]
    pub(crate) memory: Option<u32>,
    /// When AWS accepted the stop of its task, in milliseconds since 1970, where it was stopped before the job's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_accepted: Option<u64>,
    /// What AWS has shown of the task so far, for the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<Box<TaskFacts>>,
}

/// How a start stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// The call may be under way, or its end is unknown.
    Asked,
    /// There is a task.
    Started,
    /// Its task is the one that runs the job.
    Won,
    /// Another start won, and its task must be stopped.
    Lost,
    /// Its task was stopped, by AWS or by the driver.
    Stopped,
    /// AWS refused the call, and there is no task.
    Refused,
}

impl Start {
    /// A start that is about to be asked for.
    pub(crate) fn intended(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            claim: None,
            pool: None,
            intended_at: now().as_secs(),
            standing: Standing::Asked,
            hedges: false,
            beaten: false,
            task: None,
            memory: None,
            stop_accepted: None,
            facts: None,
        }
    }

    /// Adds what a look at its task shows.
    pub(crate) fn saw(&mut self, facts: TaskFacts) {
        let earlier = self
            .facts
            .take()
            .map_or_else(TaskFacts::default, |facts| *facts);
        self.facts = Some(Box::new(facts.or(earlier)));
    }

    /// Whether its call may bring a task that nobody knows yet. A claim calls nothing: its task has a file.
    pub(crate) fn is_open(&self) -> bool {
        self.standing == Standing::Asked && self.claim.is_none()
    }

    /// Whether there is nothing left to stop.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.standing, Standing::Stopped | Standing::Refused)
    }

    /// How much is left of this time since it was last intended. Nothing where that is ahead: the clock was set back
    /// since, by an hour perhaps, and a sweep ends what is missed.
    pub(crate) fn left(&self, bound: Duration) -> Duration {
        let is_ahead = Duration::from_secs(self.intended_at) > now() + CLOCK_SET_BACK;
        match is_ahead {
            true => Duration::ZERO,
            false => bound.saturating_sub(self.age()),
        }
    }

    /// How long ago it was last intended.
    pub(crate) fn age(&self) -> Duration {
        now().saturating_sub(Duration::from_secs(self.intended_at))
    }
}

/// Most starts are alone.
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_leaves_nothing_to_wait_for() {
        let bound = Duration::from_secs(30);
        let now = now().as_secs();
        for (intended_at, least, most) in [
            (now, 29, 30),
            (now - 10, 19, 20),
            (now - 30, 0, 0),
            (0, 0, 0),
            // Corrected by a few seconds.
            (now + 5, 30, 30),
            (now + 3600, 0, 0),
            (u64::MAX, 0, 0),
        ] {
            let start = Start {
                intended_at,
                ..Start::intended("token")
            };
            let left = start.left(bound).as_secs();
            assert!((least..=most).contains(&left), "{intended_at}: {left}");
        }
    }
}
