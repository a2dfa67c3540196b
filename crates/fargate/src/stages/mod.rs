//! The stages that GitLab Runner's custom executor calls, each a process of its own.

mod build_side;
mod cleanup;
mod config;
mod died;
mod fate;
mod lock;
mod plan;
mod prepare;
mod queue;
mod ready;
mod register;
mod run;
mod service_log;
mod services;
mod sizes;
mod start;
mod wanted;

use std::io::Write;

use crate::cli::{Custom, Options, Stage};
use crate::config::Config;
use crate::error::Result;
use crate::plain::plain;
use crate::record::Records;
use crate::runner::Job;
use crate::stop::Stop;

/// What every stage works with.
#[derive(Debug)]
struct Context<'a> {
    config: &'a Config,
    options: &'a Options,
    job: Job,
    records: Records,
    stop: Stop,
}

/// Runs the stage.
///
/// # Errors
///
/// By blame; the runner learns of it from the exit code.
pub(crate) async fn stage(
    custom: Custom,
    config: &Config,
    options: &Options,
    stop: Stop,
) -> Result<()> {
    let context = Context {
        job: Job::from_environment()?,
        records: Records::new(&config.metadata_directory),
        config,
        options,
        stop,
    };
    match custom.stage {
        Stage::Config { .. } => config::config(&context),
        Stage::Prepare { .. } => prepare::prepare(&context).await,
        Stage::Run { script, stage, .. } => run::run(&context, &script, &stage).await,
        Stage::Cleanup { .. } => cleanup::cleanup(&context).await,
    }
}

/// Says a line to whoever reads the job log (in cleanup: the runner's own).
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{}", plain(line)).and_then(|()| stdout.flush()) {
        tracing::debug!("nobody reads: {error}");
    }
}
