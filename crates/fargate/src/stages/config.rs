//! `custom config`: describes the driver to the runner, and refuses at once a job whose request is not allowed.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::gitlab::ConfigAnswer;
use crate::output::say;
use crate::start::request::{TaskRequest, TaskSource};
use crate::state::ledger::Entry;
use crate::state::outcome::Outcome;

pub(super) fn config(context: &Context<'_>) -> Result<()> {
    let request = TaskRequest::new(context).inspect_err(|refusal| {
        // Cleanup finds nothing of this attempt.
        let entry = Entry::unrecorded(&context.job, Outcome::of(refusal));
        context.records.enter(&entry);
    })?;
    let by_job_image = matches!(request.source, TaskSource::JobImage(_));
    let answer = serde_json::to_string(&ConfigAnswer::new(&context.job, by_job_image))
        .map_err(|error| Error::system(format!("could not write the answer to config: {error}")))?;
    say(&answer);
    tracing::debug!("answered config");
    Ok(())
}
