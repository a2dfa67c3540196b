//! `fargate doctor`: finds what is wrong before a job does, and says the fix.
//!
//! `facts/` looks at this machine, the two configurations and AWS, and decides nothing. `judge/` decides from these
//! facts, and looks at nothing.

mod catalog;
mod check;
mod draft;
mod facts;
mod in_order;
mod judge;
mod report;
mod start;

use std::io;
use std::path::Path;

use tokio::time::Instant;

use self::catalog::START_TASK;
pub(crate) use self::check::Status;
pub(crate) use self::draft::{Draft, Host, Opinion};
use self::facts::{BOUND, Facts, Inquiry, RunnerProgram};
use self::in_order::Look;
use self::report::Report;
use crate::cli::{Category, Doctor};
use crate::error::{Error, Result};
use crate::signals::Shutdown;

/// The categories that ask AWS, in the order of the report.
const OF_AWS: [Category; 6] = [
    Category::Identity,
    Category::Cluster,
    Category::Task,
    Category::Network,
    Category::Quotas,
    Category::Images,
];

/// Checks, and reports each check as soon as its category is known.
///
/// # Errors
///
/// With an empty message when a check failed, or nothing could be checked; when standard output has no reader.
pub(crate) async fn doctor(
    request: &Doctor,
    config_file: Option<&Path>,
    shutdown: &Shutdown,
) -> Result<()> {
    let mut report = Report::new(request.json);
    let wanted = |category: Category| {
        (request.only.is_empty() || request.only.contains(&category))
            && !request.skip.contains(&category)
            && (category != Category::Start || request.start || request.only.contains(&category))
    };
    let facts = Facts::of_machine(config_file, request.runner_config.as_deref(), request.pre);
    let examined = examine(request, &facts, &wanted, &mut report);
    shutdown
        .or(async { Ok(examined.await) })
        .await?
        .map_err(unwritable)?;
    if wanted(Category::Start) {
        // It hears signals itself, and cleans up.
        let checks = match request.start {
            true => start::start(&facts, shutdown).await,
            false => vec![START_TASK.skip("only --start runs a task")],
        };
        report.add(checks).map_err(unwritable)?;
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
    facts: &Facts,
    wanted: &dyn Fn(Category) -> bool,
    report: &mut Report,
) -> io::Result<()> {
    let begun = Instant::now();
    if wanted(Category::Machine) {
        report.add(judge::machine(facts))?;
    }
    let is_usable = facts.configuration.whole.is_ok();
    let is_needed = OF_AWS
        .iter()
        .chain([&Category::Start])
        .any(|one| wanted(*one));
    // A failed check that the wanted categories build on belongs to them.
    if wanted(Category::Configuration) || (!is_usable && is_needed) {
        report.add(judge::configuration(facts))?;
    }
    let inquiry = Inquiry::until(begun + BOUND, facts, request.probe);
    let looks = [Category::Runner].iter().chain(&OF_AWS);
    let looks = looks.copied().filter(|category| wanted(*category));
    let looks = looks.map(|category| look(category, facts, &inquiry));
    let mut looks: Vec<_> = looks.collect();
    let needs_credentials =
        is_usable && !wanted(Category::Identity) && OF_AWS.iter().any(|category| wanted(*category));
    if needs_credentials {
        looks.push(Look {
            category: Category::Identity,
            checks: Box::pin(async {
                inquiry.ask_for_credentials().await;
                Vec::new()
            }),
        });
    }
    in_order::report(looks, begun, report).await?;
    if needs_credentials {
        // By now also those know that had to wait.
        let fault = judge::credentials(&inquiry.known_credentials());
        report.add(Vec::from_iter(fault))?;
    }
    Ok(())
}

/// Looks at what a category is about, and judges it.
fn look<'a>(category: Category, facts: &'a Facts, inquiry: &'a Inquiry<'_>) -> Look<'a> {
    let checks = async move {
        let judge = match category {
            Category::Identity => judge::identity,
            Category::Cluster => judge::cluster,
            Category::Task => judge::definition,
            Category::Network => judge::network,
            Category::Quotas => judge::quotas,
            Category::Images => judge::images,
            Category::Runner => {
                let program = RunnerProgram::ask(&facts.runner).await;
                return judge::runner(facts, &program);
            }
            Category::Machine | Category::Configuration | Category::Start => return Vec::new(),
        };
        judge(facts, &inquiry.about(&[category]).await)
    };
    Look {
        category,
        checks: Box::pin(checks),
    }
}

fn unwritable(error: io::Error) -> Error {
    Error::system(format!("could not write to standard output: {error}"))
}
