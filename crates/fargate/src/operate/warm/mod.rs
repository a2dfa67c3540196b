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
mod start_times;
mod status;
mod tagging;
mod word;

use crate::cli::Warm;
use crate::config::{Config, Flags};
use crate::error::{Error, Result};
use crate::signals::Shutdown;
use crate::state::ledger::Month;

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

/// A month of the ledger that cannot be read.
fn unreadable(month: &Month, error: &std::io::Error) -> Error {
    let file = month.file.display();
    Error::system(format!("could not read the ledger {file}: {error}")).advise(
        "Run this as the user that GitLab Runner runs as: the ledger is for its owner alone.",
    )
}
