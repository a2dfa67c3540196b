//! `fargate doctor`: finds what is wrong before a job does, and says the fix.
//!
//! `facts/` looks at this machine, the two configurations and AWS, and decides nothing. `judge/` decides from these
//! facts, and looks at nothing.

mod catalog;
mod check;
mod draft;
mod facts;
mod judge;
mod report;
mod start;

use std::path::Path;

use tokio::time::Instant;

use self::check::Check;
pub(crate) use self::check::Status;
pub(crate) use self::draft::{Draft, Host, Opinion};
use self::facts::{BOUND, Facts};
use self::report::Report;
use crate::cli::{Category, Doctor};
use crate::error::{Error, Result};
use crate::output::progress;
use crate::signals::Shutdown;

/// Checks, and reports each check as soon as its category is known.
///
/// # Errors
///
/// With an empty message when a check failed; when standard output has no reader.
pub(crate) async fn doctor(
    request: &Doctor,
    config_file: Option<&Path>,
    shutdown: &Shutdown,
) -> Result<()> {
    let mut report = Report::new(request.json);
    let wanted = |category: Category| {
        (request.only.is_empty() || request.only.contains(&category))
            && !request.skip.contains(&category)
    };
    let examined = examine(request, config_file, &wanted, &mut report);
    let facts = shutdown
        .or(async { Ok(examined.await) })
        .await?
        .map_err(unwritable)?;
    if request.start && wanted(Category::Start) {
        // It hears signals itself, and cleans up.
        report
            .add(start::start(&facts, shutdown).await)
            .map_err(unwritable)?;
        shutdown.or(async { Ok(()) }).await?;
    }
    let passed = report.end().map_err(unwritable)?;
    match passed {
        true => Ok(()),
        // The report has said it.
        false => Err(Error::system("")),
    }
}

/// The checks of a look, which the report gets as they come.
async fn examine(
    request: &Doctor,
    config_file: Option<&Path>,
    wanted: &dyn Fn(Category) -> bool,
    report: &mut Report,
) -> std::io::Result<Facts> {
    let deadline = Instant::now() + BOUND;
    let mut show = |checks: Vec<Check>| {
        let wanted = checks
            .into_iter()
            .filter(|check| wanted(check.subject.category));
        report.add(wanted.collect())
    };
    let facts = Facts::of_machine(config_file, request.runner_config.as_deref(), request.pre).await;
    show(judge::machine(&facts))?;
    show(judge::configuration(&facts))?;
    show(judge::runner(&facts))?;
    let account = facts.of_account(deadline, request.probe);
    let account = progress("Asking AWS", account).await;
    show(judge::identity(&facts, &account))?;
    show(judge::cluster(&facts, &account))?;
    show(judge::definition(&facts, &account))?;
    show(judge::network(&facts, &account))?;
    show(judge::quotas(&facts, &account))?;
    show(judge::images(&facts, &account))?;
    Ok(facts)
}

fn unwritable(error: std::io::Error) -> Error {
    Error::system(format!("could not write to standard output: {error}"))
}
