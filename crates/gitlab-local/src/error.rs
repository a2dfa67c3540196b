//! Why a job could not be run at all. That a job failed is no error: see [`JobFailure`](crate::JobFailure).

use crate::checkout::ProjectError;
use crate::file::FileError;
use crate::plan::PlanError;
use crate::variables::{InvalidName, VariablesError};

/// Why a job could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file does not define the job.
    #[error(transparent)]
    File(#[from] FileError),
    /// A variable was given an invalid name.
    #[error(transparent)]
    Variable(#[from] InvalidName),
    /// The variables of a job cannot be sent.
    #[error("{job}: {source}")]
    Variables {
        /// The job's name.
        job: String,
        /// Why not.
        source: VariablesError,
    },
    /// Jobs cannot be put in an order.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The files of the project cannot be taken to the job.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// This machine refused something that every job needs.
    #[error("could not {action}: {source}")]
    System {
        /// What was tried.
        action: String,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Who can correct an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The author of the file, the project or the request.
    User,
    /// The owner of this machine.
    System,
}

impl Error {
    /// Who can correct it.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Project(ProjectError::Program { .. }) | Self::System { .. } => Blame::System,
            Self::File(_)
            | Self::Variable(_)
            | Self::Variables { .. }
            | Self::Plan(_)
            | Self::Project(_) => Blame::User,
        }
    }

    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::File(error) => error.advice(),
            Self::Variables { source, .. } => Some(source.advice()),
            Self::Plan(error) => error.advice(),
            Self::Project(error) => error.advice(),
            Self::Variable(_) | Self::System { .. } => None,
        }
    }
}
