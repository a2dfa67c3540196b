//! `fargate warm`: tasks that wait for jobs.

mod asked;
mod drain;
mod follow;
mod hold;
mod keep;
mod moves;
mod needs;
mod paused;
mod pool;
mod setup;
mod simulate;
mod status;

use crate::cli::Warm;
use crate::config::{Config, Flags};
use crate::error::Result;
use crate::signals::Shutdown;

/// Does what an operator wants done with waiting tasks.
///
/// # Errors
///
/// When the folder cannot be used, or AWS refuses.
pub(crate) async fn warm(
    command: &Warm,
    config: Config,
    flags: Flags,
    shutdown: &Shutdown,
) -> Result<()> {
    match command {
        Warm::Keep(request) => keep::keep(request, config, flags, shutdown).await,
        Warm::Drain => drain::drain(config, flags, shutdown).await,
        Warm::Simulate(request) => simulate::simulate(request, &config),
        Warm::Status(request) => status::status(request, &config),
    }
}
