//! What GitLab's lint would report of a file, and where.

use std::fmt;

use crate::yaml::Position;

/// A fault of a `.gitlab-ci.yml`, in GitLab's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    fault: String,
    /// `file:line`
    place: Option<String>,
    advice: Option<String>,
}

impl Lint {
    /// A fault, which begins with the job or the keyword that has it.
    pub(super) fn new(fault: impl Into<String>) -> Self {
        Self {
            fault: fault.into(),
            place: None,
            advice: None,
        }
    }

    /// Adds the place of the fault.
    pub(super) fn at(self, position: &Position) -> Self {
        Self {
            place: Some(position.to_string()),
            ..self
        }
    }

    /// Adds what the reader can do about it.
    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }

    /// What the reader can do about it.
    pub(super) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.fault)?;
        match &self.place {
            Some(place) => write!(formatter, " ({place})"),
            None => Ok(()),
        }
    }
}
