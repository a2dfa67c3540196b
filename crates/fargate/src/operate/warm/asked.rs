//! Who asks for waiting tasks: a pool of the configuration, or jobs that came lately.

use super::pool;
use crate::config::Pool;
use crate::error::Result;
use crate::gitlab::{JobOverrides, JobPayload};
use crate::state::wanted::Wanted;

/// Who asks for waiting tasks, and for which.
#[derive(Clone)]
pub(super) enum Asked {
    Pool(Box<Pool>),
    Jobs(Box<Wanted>),
}

impl Asked {
    /// Its name for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Pool(pool) => pool.name(),
            Self::Jobs(wanted) => format!("Follow: {}", wanted.title),
        }
    }

    /// The variables by which one of its jobs changes its task.
    pub(super) fn overrides(&self) -> JobOverrides {
        match self {
            Self::Pool(pool) => pool::overrides(pool),
            Self::Jobs(wanted) => wanted.wish.overrides.clone(),
        }
    }

    /// The payload of one of its jobs.
    ///
    /// # Errors
    ///
    /// As [`pool::payload`].
    pub(super) fn payload(&self) -> Result<Option<JobPayload>> {
        match self {
            Self::Pool(pool) => pool::payload(pool).map(Some),
            Self::Jobs(wanted) => Ok(wanted.wish.payload.clone()),
        }
    }
}
