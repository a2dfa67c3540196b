//! `fargate report`: what the ledger tells of starts, failures and cost.

mod chart;
mod exposition;
mod json;
mod metrics;
mod phases;
mod sketch;
mod span;
mod summary;
mod svg;
mod tables;

use std::io::Write;
use std::path::Path;

use tokio::task::spawn_blocking;

use self::span::Span;
use self::summary::Summary;
use crate::cli::Report;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::operate::cost::Prices;
use crate::operate::table::Look;
use crate::output::progress;
use crate::signals::Shutdown;
use crate::state::files::Draft;
use crate::state::ledger::{self, Month, Reader};
use crate::state::records::Records;

/// Prints the report, or writes the files that are asked for.
///
/// # Errors
///
/// When the ledger or the prices cannot be read, or a file cannot be written.
pub(crate) async fn report(request: Report, config: &Config, shutdown: &Shutdown) -> Result<()> {
    // Refuses the folder of a newer driver.
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let folder = ledger::folder(records.directory());
    let prices = Prices::load(config.prices.as_deref())?;
    // A large ledger takes seconds, in which signals are heard.
    let reading = spawn_blocking(move || read(request, &folder, prices));
    let reading = progress("Reading the ledger", reading);
    let done = shutdown.or(async { Ok(reading.await) }).await?;
    let text =
        done.map_err(|error| Error::system(format!("could not read the ledger: {error}")))??;
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}

/// Reads the ledger and writes the files that are asked for. The text is for standard output.
fn read(request: Report, folder: &Path, prices: Prices) -> Result<String> {
    if let Some(file) = &request.metrics {
        metrics::write_file(folder, &prices, file)?;
    }
    let span = Span::of(request.since);
    if request.plot.is_none() && request.metrics.is_some() && !request.json {
        return Ok(String::new());
    }
    let summary = summary(folder, &prices, &span)?;
    if let Some(file) = &request.plot {
        write(file, chart::svg(&summary, &prices, &span).as_bytes())?;
        if !request.json {
            return Ok(String::new());
        }
    }
    Ok(match request.json {
        true => format!("{:#}\n", json::document(&summary, &prices, &span)),
        false => tables::text(&summary, &prices, &span, Look::of_stdout()),
    })
}

/// Sums up the entries of a stretch of time.
fn summary(folder: &Path, prices: &Prices, span: &Span) -> Result<Summary> {
    let (mut summary, mut reader) = (Summary::default(), Reader::default());
    let first = Month::of(span.since, folder);
    for month in ledger::months(folder) {
        if month.name < first.name {
            continue;
        }
        let each = |entry: ledger::Entry| {
            if (span.since..=span.until).contains(&entry.at) {
                summary.add(&entry, prices);
            }
        };
        reader
            .read(&month, each)
            .map_err(|error| unreadable(&month.file, &error))?;
    }
    Ok(summary)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    Error::system(format!("could not read the ledger {}: {error}", file.display())).advise(
        "Run this as the user that GitLab Runner runs as: the ledger is in [TaskMetadata] Directory, for its owner alone.",
    )
}

/// Writes a file at once: a reader sees the old content or the new one.
fn write(file: &Path, content: &[u8]) -> Result<()> {
    let written = Draft::new(file, content)
        .and_then(Draft::make_public)
        .and_then(Draft::persist);
    written.map_err(|error| Error::system(format!("could not write {}: {error}", file.display())))
}
