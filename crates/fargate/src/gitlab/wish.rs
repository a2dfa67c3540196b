//! What a job asks for in the open: enough to start a task for the next job like it.

use serde::{Deserialize, Serialize};

use super::job_overrides::JobOverrides;
use super::payload::JobPayload;

/// What a job asks for, without secrets and without what only this job has.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// The variables by which it changes its task.
    pub(crate) overrides: JobOverrides,
    /// Its image, services and variables. `None` where the runner does not say.
    #[serde(default)]
    pub(crate) payload: Option<JobPayload>,
}

impl Wish {
    /// That of the job of this call.
    pub(crate) fn of_this_job() -> Self {
        let payload = JobPayload::from_environment().ok();
        Self {
            overrides: JobOverrides::from_environment(),
            payload: payload.map(|payload| payload.in_the_open()),
        }
    }
}
