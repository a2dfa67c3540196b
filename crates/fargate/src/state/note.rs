//! A note that a stage leaves about its script.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::error::Result;

/// A note about one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Id of the attempt that the script is of.
    pub(crate) attempt: String,
    /// When it was left, in milliseconds since 1970.
    pub(crate) at: u64,
    /// GitLab Runner's name of the script's stage.
    pub(crate) stage: String,
    /// What happened.
    pub(crate) event: Event,
}

/// The beginning or the end of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// It is being sent to the task.
    Began,
    /// It ended with this status, 128 + n for signal n.
    Ended(i32),
    /// The stage failed otherwise.
    Failed(Outcome),
}

impl Event {
    /// The end of a stage with this result.
    pub(crate) fn of(result: &Result<()>) -> Self {
        let Err(failure) = result else {
            return Self::Ended(0);
        };
        let outcome = Outcome::of(failure);
        match outcome.exit_code {
            Some(status) => Self::Ended(status),
            None => Self::Failed(outcome),
        }
    }
}
