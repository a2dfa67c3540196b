//! Why a file's inputs cannot be put in.

use crate::yaml::Position;

/// Why a file's inputs cannot be put in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct InputError {
    /// Where it is written.
    pub(crate) at: Position,
    /// The fault, in GitLab's words where it has some.
    pub(crate) fault: String,
}

impl InputError {
    pub(super) fn new(at: &Position, fault: impl Into<String>) -> Self {
        Self {
            at: at.clone(),
            fault: fault.into(),
        }
    }
}
