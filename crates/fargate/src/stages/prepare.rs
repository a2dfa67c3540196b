//! `custom prepare`: starts the job's task and returns when it can take scripts.

use tokio::time::Instant;

use super::retire::{Retirement, retire};
use super::wanted::Wanted;
use super::{Context, ready, say, start};
use crate::ecs::Aws;
use crate::error::Result;
use crate::record::Found;
use crate::ssh::KeyPair;

pub(super) async fn prepare(context: &Context<'_>) -> Result<()> {
    let begun = Instant::now();
    let fargate = &context.config.fargate;
    for warning in &context.config.warnings {
        tracing::warn!("{warning}");
    }
    let wanted = Wanted::of(context)?;
    for change in &wanted.changes {
        say(change);
    }
    let manager = context.records.manager()?;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let retirement = Retirement {
        aws: &aws,
        context,
        manager: &manager,
    };

    // Whatever an earlier attempt left: its cleanup may never have come.
    match context.records.find(&context.job)? {
        Found::Nothing => {}
        earlier => {
            say("Stopping what an earlier attempt of this job left behind");
            context
                .stop
                .or(retire(
                    &retirement,
                    earlier,
                    "a new attempt of the job begins",
                ))
                .await?;
        }
    }

    let key = KeyPair::generate()?;
    let deadline = begun + fargate.start_timeout;
    let prepared = async {
        let mut record = start::start(&aws, context, &wanted, &manager, &key, deadline).await?;
        let login = context
            .stop
            .or(ready::until_ready(
                &aws, context, &record, &key, begun, deadline,
            ))
            .await?;
        record.login = Some(login);
        context.records.save(&record)
    };
    let Err(failure) = prepared.await else {
        return Ok(());
    };
    // The runner calls cleanup after this, but may itself be stopping: the task is not to outlive its failure.
    let (found, why) = (context.records.find(&context.job)?, failure.to_string());
    let left = tokio::select! {
        left = retire(&retirement, found, &why) => left.err(),
        insisted = context.stop.insisted() => Some(insisted),
    };
    if let Some(why) = left {
        say(&format!(
            "The task could not be stopped either ({why}); cleanup will try again."
        ));
    }
    Err(failure)
}
