//! `fargate reap`: a sweep at an operator's command.

use std::io::Write;

use crate::aws::Aws;
use crate::cli::Reap;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::output::progress;
use crate::signals::Shutdown;
use crate::state::identity::Identity;
use crate::state::records::Records;
use crate::teardown::sweep::{Done, Sweep};

/// Ends leftover jobs and tasks, and reports each with the reason.
///
/// # Errors
///
/// When the records or the manager's tasks cannot be listed, or something could not be ended.
pub(crate) async fn reap(request: &Reap, config: &Config, shutdown: &Shutdown) -> Result<()> {
    let fargate = &config.fargate;
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let identity = Identity::of(records.directory(), config.manager.as_deref())?;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let sweep = Sweep {
        aws: &aws,
        records: &records,
        fargate,
        identity: &identity,
        patience: request.older_than,
        most_kept: match request.kept {
            true => 0,
            false => fargate.keep_failed.tasks,
        },
        dry_run: request.dry_run,
        log: None,
    };
    let sweeping = progress("Looking for leftovers, and ending them", sweep.run());
    let findings = shutdown.or(sweeping).await?;
    let mut text: String = findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect();
    if text.is_empty() {
        text = format!(
            "nothing is left of jobs of this manager ({}) in {}\n",
            identity.name, fargate.cluster
        );
    }
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))?;
    let failed = findings
        .iter()
        .filter(|finding| matches!(finding.done, Done::Failed(_)));
    match failed.count() {
        0 => Ok(()),
        failed => Err(
            Error::system(format!("{failed} could not be ended; see above"))
                .advise("Their records stay, so the next sweep tries again."),
        ),
    }
}
