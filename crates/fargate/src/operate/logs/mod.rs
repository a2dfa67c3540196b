//! `fargate logs`: the story of a job's task, and the output of its containers.

mod attempt;
mod find;
mod follow;
mod json;
mod print;
mod story;
mod streams;

use std::time::Duration;

use tokio::time::timeout;

use self::attempt::Attempt;
use crate::aws::Aws;
use crate::cli::Logs;
use crate::config::Config;
use crate::error::Result;
use crate::output::progress;
use crate::signals::Shutdown;
use crate::state::records::Records;

/// Bound of AWS's answer about tasks. Records and the ledger tell the most of their story.
const BOUND: Duration = Duration::from_millis(2500);

/// Prints the story and the output, and goes on with both where that is asked for.
///
/// # Errors
///
/// When the job or task is not known, records or the ledger cannot be read, or standard output takes nothing.
pub(crate) async fn logs(request: &Logs, config: &Config, shutdown: &Shutdown) -> Result<()> {
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let mut attempts = find::find(&records, request.subject.as_ref())?;
    let fargate = &config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let work = async {
        let mut unasked = Vec::new();
        for attempt in &mut attempts {
            unasked.extend(progress("Asking AWS", look(&aws, attempt)).await);
        }
        if request.json {
            return json::print(&aws, &attempts, unasked).await;
        }
        print::stories(&attempts, &unasked)?;
        match attempts.pop() {
            Some(last) if request.follow => follow::follow(&aws, &records, last).await,
            Some(last) => {
                let (mut streams, unasked) =
                    progress("Asking AWS", streams::streams(&aws, &last)).await;
                print::output(&mut streams).await?;
                print::not_known(&unasked)?;
                print::unread(&streams)
            }
            None => Ok(()),
        }
    };
    shutdown.or(work).await
}

/// Asks AWS for the present state of an attempt's tasks; returns why it did not answer.
async fn look(aws: &Aws, attempt: &mut Attempt) -> Option<String> {
    let tasks = attempt.entry.tasks.iter();
    let ids: Vec<_> = tasks.map(|task| task.task.clone()).collect();
    if ids.is_empty() {
        return None;
    }
    let aws = aws.in_region(&attempt.entry.region);
    let what = "the present state of its tasks";
    match timeout(BOUND, aws.describe_tasks(&attempt.entry.cluster, &ids)).await {
        Ok(Ok(tasks)) => {
            attempt.looks.clear();
            tasks.into_iter().for_each(|task| attempt.see(task));
            None
        }
        Ok(Err(refusal)) => Some(format!("{what}: {refusal}")),
        Err(_) => Some(format!(
            "{what}: no answer from AWS in {:.1} s",
            BOUND.as_secs_f64()
        )),
    }
}
