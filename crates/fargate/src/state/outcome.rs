//! How an attempt at a job ended.

use serde::{Deserialize, Serialize};

use crate::error::{Blame, Error};
use crate::text::plain;

/// Longest cause, in characters.
const CAUSE_LIMIT: usize = 300;

/// The kinds of ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeKind {
    /// The job's script ended with status 0, and so did all that count.
    Success,
    /// A script ended with another status.
    ScriptFailed,
    /// The job asked for something forbidden or impossible.
    JobRefused,
    /// Somebody stopped it.
    Cancelled,
    /// AWS, the network, the configuration or the driver failed.
    SystemFailure,
    /// A kind of a newer driver's.
    #[serde(other)]
    Other,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) kind: OutcomeKind,
    /// The script's status, 128 + n for signal n.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// The cause, as the job log has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
}

impl Outcome {
    /// An outcome of this kind, without a cause.
    pub(super) fn new(kind: OutcomeKind) -> Self {
        Self {
            kind,
            exit_code: None,
            cause: None,
        }
    }

    /// An outcome for this cause.
    pub(super) fn because(kind: OutcomeKind, cause: &str) -> Self {
        Self {
            cause: Some(shortened(cause)).filter(|cause| !cause.is_empty()),
            ..Self::new(kind)
        }
    }

    /// A failure of the system for this cause.
    pub(crate) fn system(cause: &str) -> Self {
        Self::because(OutcomeKind::SystemFailure, cause)
    }

    /// The outcome of an attempt that failed so.
    pub(crate) fn of(failure: &Error) -> Self {
        let message = failure.to_string();
        match failure.blame() {
            Blame::Script(status) => Self {
                exit_code: Some(status),
                ..Self::because(OutcomeKind::ScriptFailed, &message)
            },
            Blame::Job => Self::because(OutcomeKind::JobRefused, &message),
            Blame::Stopped(_) => Self::because(OutcomeKind::Cancelled, &message),
            Blame::System | Blame::Usage => Self::because(OutcomeKind::SystemFailure, &message),
        }
    }
}

/// A cause on one line and not too long. AWS's reasons may have a thousand characters, of which the first say most.
fn shortened(cause: &str) -> String {
    match cause.char_indices().nth(CAUSE_LIMIT) {
        Some((end, _)) => plain(cause.get(..end).unwrap_or_default()) + "…",
        None => plain(cause),
    }
}
