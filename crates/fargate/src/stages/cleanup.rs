//! `custom cleanup`: stops the job's tasks and forgets the job.
//!
//! Comes after every failed attempt of prepare, may come twice, without a record, and while a run of the same
//! job is still alive. Its messages go to the runner's own log. It needs the metadata folder, and cluster, region and
//! endpoint of the job's tasks: no other error in the configuration keeps it from stopping them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use crate::aws::Aws;
use crate::config::CleanupConfig;
use crate::connect::keep::keep;
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::output::say;
use crate::signals::Shutdown;
use crate::state::clock::now;
use crate::state::ending::Ending;
use crate::state::identity::Identity;
use crate::state::ledger::rfc3339;
use crate::state::record::Record;
use crate::state::records::{Found, Records};
use crate::state::sweep_log::SweepLog;
use crate::task;
use crate::teardown::{self, Teardown};

/// The tag of a kept task.
const KEPT_UNTIL: &str = "gitlab:kept-until";

/// How long the runner waits for the tag at most.
const TAG_BOUND: Duration = Duration::from_secs(5);

pub(super) async fn cleanup(config: &CleanupConfig, shutdown: &Shutdown) -> Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let job = Job::from_environment()?;
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    for line in SweepLog::of(records.directory()).take() {
        say(&line);
    }
    let _running = records.runs(&job);
    // First of all: no other cleanup comes, so a sweep goes on with whatever fails from here on.
    let found = records.find(&job)?;
    let found = teardown::begin(&records, &job, found, &Ending::Cleanup);
    if matches!(found, Found::Nothing) {
        return match &config.damage {
            // Intent is recorded before anything is started, so there is nothing to stop, and AWS need not be asked.
            None => Ok(()),
            // The folder may be another one than prepare's.
            Some(damage) => Err(Error::system(damage).advise("Correct the configuration.")),
        };
    }
    let place = Place::of(config, &found)?;
    let aws = Aws::connect(&place.region, place.endpoint.as_deref()).await;
    let teardown = Teardown {
        aws: &aws,
        records: &records,
        identity: &Identity::of(records.directory(), config.manager.as_deref())?,
        cluster: &place.cluster,
        patience: teardown::PATIENCE,
    };
    let ending = async {
        match kept(&aws, &records, found).await {
            Kept::Task => teardown.end_surplus(config.kept_tasks).await,
            Kept::Nothing(found) => {
                let stopped = teardown.end(&job, found, &Ending::Cleanup).await?;
                Ok(stopped.into_iter().map(|task| (job.id, task)).collect())
            }
        }
    };
    // A signal does not end this: leaving now would leave the task. A second one does.
    let stopped = tokio::select! {
        stopped = ending => stopped?,
        insisted = shutdown.insisted() => return Err(insisted),
    };
    for (job, arn) in stopped {
        say(&format!("Stopped task {} of job {job}", task::id(&arn)));
    }
    Ok(())
}

/// What becomes of the job's task.
enum Kept {
    /// It stays for a while.
    Task,
    /// It ends now.
    Nothing(Found),
}

/// Keeps the task of a job that has failed, where it is to stay.
async fn kept(aws: &Aws, records: &Records, found: Found) -> Kept {
    let Found::Record(record) = &found else {
        return Kept::Nothing(found);
    };
    let Some(until) = record.kept_until.filter(|until| *until > now().as_secs()) else {
        return Kept::Nothing(found);
    };
    match keep(record, until).await {
        Ok(()) => {
            // The line comes when the task ends, if not now.
            if let Err(error) = records.enter_kept(record) {
                tracing::warn!("{error}");
            }
            say(&told(record, until));
            tag(aws, record, until).await;
            Kept::Task
        }
        Err(why) => {
            say(&format!(
                "The task of job {} is not kept: {why}",
                record.job.id
            ));
            let released = records.release(record);
            released.map_or_else(|_| Kept::Nothing(found), Kept::Nothing)
        }
    }
}

fn told(record: &Record, until: u64) -> String {
    let task = record.task().map_or("", task::id);
    format!(
        "Task {task} of failed job {} is kept until {}",
        record.job.id,
        time(until)
    )
}

fn time(seconds: u64) -> String {
    rfc3339(seconds.saturating_mul(1000))
}

/// Tags the task with its time, for people who look at it in AWS. The tag has no other use, so it may fail.
async fn tag(aws: &Aws, record: &Record, until: u64) {
    let Some(task) = record.task() else { return };
    let tags = BTreeMap::from([(KEPT_UNTIL.to_owned(), time(until))]);
    let tagged = timeout(TAG_BOUND, aws.tag_task(task, &tags)).await;
    if let Ok(Err(refusal)) = tagged {
        tracing::debug!("the kept task has no tag: {refusal}");
    }
}

/// Where the job's tasks are.
struct Place {
    cluster: String,
    region: String,
    endpoint: Option<String>,
}

impl Place {
    /// From the record, and from the configuration where the record is silent.
    fn of(config: &CleanupConfig, found: &Found) -> Result<Self> {
        let record = match found {
            Found::Record(record) => Some(record),
            _ => None,
        };
        let recorded = |value: Option<&String>| value.filter(|value| !value.is_empty()).cloned();
        let region = recorded(record.map(|record| &record.region)).or(config.region.clone());
        let cluster = recorded(record.map(|record| &record.cluster)).or(config.cluster.clone());
        let missing = |key| {
            Error::system(format!(
                "it is unknown where the job's task is: neither the record nor the configuration has a {key}"
            ))
            .advise(format!("Correct [Fargate] {key}, and run `fargate reap`."))
        };
        // The way to AWS may have been corrected since.
        let endpoint = config.endpoint.clone().or_else(|| {
            let recorded = record.and_then(|record| record.endpoint.clone());
            recorded.filter(|_| !config.warnings.is_empty())
        });
        Ok(Self {
            cluster: cluster.ok_or_else(|| missing("Cluster"))?,
            region: region.ok_or_else(|| missing("Region"))?,
            endpoint,
        })
    }
}
