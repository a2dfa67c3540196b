//! `fargate warm status`: how many tasks wait, for each pool, and what they brought and cost today.

mod json;
mod rows;
mod tables;
mod today;

use std::io::Write;
use std::time::Duration;

use self::rows::Row;
use self::today::{Count, Today};
use crate::cli::Status;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::operate::cost::Prices;
use crate::operate::table::Look;
use crate::state::clock::now_millis;
use crate::state::records::Records;
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, Keeper, Rest, WarmTasks, keeper_of};

/// How long what a keeper wanted is believed after its last sign of life: a timer may call it every five minutes.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// All that is known of waiting tasks.
struct Facts {
    /// Now, and when today began (UTC), in milliseconds since 1970.
    at: u64,
    since: u64,
    has_keeper: bool,
    rest: Option<Rest>,
    /// The pools of the file in its order, and then all others.
    rows: Vec<Row>,
    /// What no pool has a part in.
    others: Count,
    tasks: Vec<Waiting>,
}

/// Prints the pools. Asks nobody but the folder.
///
/// # Errors
///
/// When the folder cannot be read, or standard output takes nothing.
pub(super) fn status(request: &Status, config: &Config) -> Result<()> {
    let facts = look(config)?;
    let text = match request.json {
        true => format!("{:#}\n", json::document(&facts)),
        false => tables::text(&facts, Look::of_stdout()),
    };
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}

fn look(config: &Config) -> Result<Facts> {
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let warm = WarmTasks::of(&records);
    let prices = Prices::load(config.prices.as_deref())?;
    let at = now_millis();
    let mut waiting = warm.all()?;
    waiting.retain(|file| file.holder == Holder::Nobody);
    let tasks: Vec<_> = waiting.into_iter().map(|file| file.task).collect();
    let id = keeper_of(&config.file);
    let (keeper, mut wants) = (warm.keeper(&id), warm.wants(&id));
    let mut today = Today::new(&prices, at);
    for want in &wants {
        today.knows(&want.hash, &want.pool);
    }
    today.read(&records)?;
    for task in &tasks {
        today.waits(task);
    }
    let since = today.since;
    let (counts, others) = today.by_pool();
    let is_fresh = match keeper {
        Keeper::Lives => true,
        Keeper::GoneFor(time) => time < FRESH,
        Keeper::Unknown => false,
    };
    wants.retain(|_| is_fresh);
    Ok(Facts {
        at,
        since,
        has_keeper: keeper == Keeper::Lives,
        rest: warm.rest(),
        rows: rows::rows(&rows::wishes(config, at), &wants, &tasks, counts),
        others,
        tasks,
    })
}
