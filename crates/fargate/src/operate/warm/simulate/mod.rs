//! `fargate warm simulate`: what waiting tasks would have brought to the jobs of the ledger, and cost.

mod attempt;
mod cold_starts;
mod history;
mod json;
mod pools;
mod tables;
mod ways;

use std::io::Write;

use self::history::History;
use self::pools::Pools;
use crate::cli::Simulate;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::operate::cost::Prices;
use crate::operate::table::Look;
use crate::state::clock::{millis, now_millis};
use crate::state::ledger;
use crate::state::records::Records;

/// Prints what waiting tasks would have brought.
///
/// # Errors
///
/// When the ledger or the prices cannot be read.
pub(crate) fn simulate(request: &Simulate, config: &Config) -> Result<()> {
    // Refuses the folder of a newer driver.
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let folder = ledger::folder(records.directory());
    let prices = Prices::load(config.prices.as_deref())?;
    let until = now_millis();
    let since = until.saturating_sub(millis(request.since));
    let history = History::read(&folder, since, until, &prices)?;
    let pools = Pools::new(&history, config, &prices);
    let ways = ways::all(&history, config, &pools, usize::from(request.max_tasks));
    let unused = pools.unused(&history);
    let text = match request.json {
        true => format!("{:#}\n", json::document(&history, &ways, &unused)),
        false => tables::text(&history, &ways, &unused, Look::of_stdout()),
    };
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}
