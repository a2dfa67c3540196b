//! The stages that GitLab Runner's custom executor calls, each a process of its own.

mod cleanup;
mod config;
mod prepare;
mod run;
mod service_log;
mod services;

use crate::cli::{Custom, Stage};
use crate::config::{Config, Flags};
use crate::context::Context;
use crate::error::Result;
use crate::gitlab::Job;
use crate::signals::Shutdown;
use crate::state::records::Records;

/// Runs the stage.
///
/// # Errors
///
/// By blame, from which GitLab Runner's exit code follows.
pub(crate) async fn stage(
    custom: Custom,
    config: &Config,
    flags: &Flags,
    shutdown: Shutdown,
) -> Result<()> {
    let context = Context {
        job: Job::from_environment()?,
        records: Records::open(&config.metadata_directory)?,
        config,
        flags,
        shutdown,
    };
    match custom.stage {
        Stage::Config { .. } => config::config(&context),
        Stage::Prepare { .. } => prepare::prepare(&context).await,
        Stage::Run { script, stage, .. } => run::run(&context, &script, &stage).await,
        Stage::Cleanup { .. } => cleanup::cleanup(&context).await,
    }
}
