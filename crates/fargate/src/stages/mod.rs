//! The stages that GitLab Runner's custom executor calls, each a process of its own.

mod attend;
mod cleanup;
mod config;
mod keep;
mod prepare;
mod run;
mod service_log;

use crate::cli::{Custom, Stage};
use crate::config::{CleanupConfig, Config, Flags};
use crate::context::Context;
use crate::error::Result;
use crate::gitlab::Job;
use crate::signals::Shutdown;
use crate::state::records::Records;

/// Runs the stage. `whole` reads the configuration, and `lenient` as much of it as cleanup needs.
///
/// # Errors
///
/// By blame, from which GitLab Runner's exit code follows.
pub(crate) async fn stage(
    custom: Custom,
    whole: impl FnOnce() -> Result<Config>,
    lenient: impl FnOnce() -> Result<CleanupConfig>,
    flags: &Flags,
    shutdown: Shutdown,
) -> Result<()> {
    match custom.stage {
        Stage::Config { .. } => config::config(&context(&whole()?, flags, shutdown)?),
        Stage::Prepare { .. } => prepare::prepare(&context(&whole()?, flags, shutdown)?).await,
        Stage::Run { script, stage, .. } => {
            let config = whole()?;
            let context = context(&config, flags, shutdown)?;
            let running = context.records.runs(&context.job);
            run::run(&context, &script, &stage, &running).await
        }
        Stage::Cleanup { .. } => cleanup::cleanup(&lenient()?, &shutdown).await,
    }
}

fn context<'a>(config: &'a Config, flags: &'a Flags, shutdown: Shutdown) -> Result<Context<'a>> {
    let job = Job::from_environment()?;
    tracing::debug!(
        "{}, with its records in {}",
        job.title(),
        config.metadata_directory.display()
    );
    Ok(Context {
        job,
        records: Records::open(&config.metadata_directory, config.ledger_months)?,
        config,
        flags,
        shutdown,
    })
}
