//! `custom cleanup`: stops the job's task and forgets the job.
//!
//! Comes after every failed attempt of prepare, may come twice, without a record, and while a run of the same
//! job is still alive. What it says goes to the runner's own log.

use crate::aws::Aws;
use crate::context::Context;
use crate::error::Result;
use crate::output::say;
use crate::state::records::Found;
use crate::task;
use crate::teardown::{self, Teardown};

pub(super) async fn cleanup(context: &Context<'_>) -> Result<()> {
    // First of all: no other cleanup comes, so whatever fails from here on is a sweep's to go on with.
    let found = context.records.find(&context.job)?;
    let found = teardown::begin(&context.records, &context.job, found);
    if matches!(found, Found::Nothing) {
        // Intent is recorded before anything is started, so there is nothing to stop, and AWS need not be asked.
        return Ok(());
    }
    let fargate = &context.config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let retirement = Teardown {
        aws: &aws,
        records: &context.records,
        identity: &context.identity()?,
        cluster: &fargate.cluster,
    };
    // A signal does not end this: leaving now would leave the task. A second one does.
    let stopped = tokio::select! {
        stopped = retirement.retire(&context.job, found, "the job is over") => stopped?,
        insisted = context.shutdown.insisted() => return Err(insisted),
    };
    for arn in stopped {
        say(&format!(
            "Stopped task {} of job {}",
            task::id(&arn),
            context.job.id
        ));
    }
    Ok(())
}
