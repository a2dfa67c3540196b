//! `fargate ps`: the jobs of this manager that wait or run, from their records, with one look at AWS.

mod columns;
mod facts;
mod job;
mod json;
mod tables;
mod watch;

use std::io::Write;

use self::facts::Observer;
use crate::cli::Ps;
use crate::config::Config;
use crate::error::{Blame, Error, Result};
use crate::operate::cost::Prices;
use crate::operate::table::Look;
use crate::output::progress;
use crate::signals::Shutdown;
use crate::state::clock::now_millis;

/// Prints the jobs, or shows them until it is stopped.
///
/// # Errors
///
/// When the records or the prices cannot be read, or standard output takes nothing.
pub(crate) async fn ps(request: &Ps, config: &Config, shutdown: &Shutdown) -> Result<()> {
    let prices = Prices::load(config.prices.as_deref())?;
    let mut observer = Observer::new(config)?;
    let look = Look::of_stdout();
    if request.watch {
        if !look.is_terminal {
            return Err(Error::new(
                Blame::Usage,
                "--watch needs a terminal; for programs there is --json",
            ));
        }
        return watch::watch(&mut observer, &prices, request.links, shutdown).await;
    }
    let looking = progress("Asking AWS", observer.look());
    let facts = shutdown.or(looking).await?;
    let text = match request.json {
        true => format!("{:#}\n", json::document(&facts, &prices, now_millis())),
        false => tables::text(&facts, &prices, now_millis(), look, request.links),
    };
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}
