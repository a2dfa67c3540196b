//! Stops a job's tasks and forgets the job: the one way in which a job ends.

pub(crate) mod kept;
mod losers;
pub(crate) mod orphan;
mod room;
pub(crate) mod sweep;
mod tagging;
mod unrecorded;
mod waiting;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::{Aws, AwsError};
use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::state::clock::{now, now_millis};
use crate::state::ending::Ending;
use crate::state::identity::Identity;
use crate::state::ledger::{Entry, StoppedTask};
use crate::state::record::Record;
use crate::state::records::{Found, Records};
use crate::state::start::Start;
use crate::task::Task;
use crate::task::ownership::{Mark, started_by};

/// How long after its intent was recorded an abandoned RunTask call may still bring a task, and
/// lists may not show it yet (AWS: eventual consistency).
const UNSETTLED: Duration = Duration::from_secs(15);

/// A younger task may run although AWS says that it does not know it (AWS: eventual consistency). A task that AWS does
/// not know at this age is over.
const UNKNOWN: Duration = Duration::from_secs(60);

/// Pause between attempts to stop a task that AWS does not know yet.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(2);

/// How long cleanup and sweeps repeat a call while AWS neither does what it asks nor refuses it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The first pause between attempts. Less patience has shorter ones.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest reason that StopTask takes (AWS: StopTask).
const REASON_LIMIT: usize = 255;

/// The parts that ending a job takes.
pub(crate) struct Teardown<'a> {
    /// Of the configuration's region.
    pub(crate) aws: &'a Aws,
    pub(crate) records: &'a Records,
    pub(crate) identity: &'a Identity,
    /// Where to look for the task of a job whose record cannot be read.
    pub(crate) cluster: &'a str,
    /// How long a call is repeated while AWS neither does what it asks nor refuses it.
    pub(crate) patience: Duration,
}

/// A search for tasks that no start names yet.
struct Search<'a> {
    aws: &'a Aws,
    cluster: &'a str,
    job: &'a Job,
    found: &'a Found,
    /// The marks of the managers that may have started them (AWS: startedBy).
    started_by: Vec<String>,
    /// How many tasks there are to find.
    open: usize,
    /// How long a call may still bring one.
    settled: Duration,
    reason: &'a str,
}

/// Marks the attempt that was `found` as ending; returns its present record. Where the mark cannot be written, on a
/// full disk say, the attempt is ended all the same, and the record that was found has its outcome for the ledger.
pub(crate) fn begin(records: &Records, job: &Job, mut found: Found, ending: &Ending<'_>) -> Found {
    records.end(job, &found, ending).unwrap_or_else(|error| {
        tracing::debug!("{error}");
        if let Found::Record(record) = &mut found {
            records.conclude(record, ending);
            // No sweep would find it.
            record.kept_until = None;
        }
        found
    })
}

impl Teardown<'_> {
    /// Stops the tasks of the attempt at `job` that was `found`, enters it in the ledger and removes its record;
    /// returns the ARNs of the tasks it stopped. The record stays when a task could not be stopped, so that a later
    /// call can. Another attempt that begins meanwhile, when this is a sweep's, is left alone.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, or when the record cannot be removed.
    pub(crate) async fn end(
        &self,
        job: &Job,
        found: Found,
        ending: &Ending<'_>,
    ) -> Result<Vec<String>> {
        let reason = reason(job, &ending.why());
        let mut found = begin(self.records, job, found, ending);
        if let Found::Record(record) = &mut found {
            self.adopt(record)?;
        }
        let stopped = match &found {
            Found::Nothing => return Ok(Vec::new()),
            Found::Record(record) => self.end_recorded(record, &found, &reason).await,
            Found::Damaged(what) => {
                tracing::warn!("the record of job {} is damaged: {what}", job.id);
                let search = Search {
                    aws: self.aws,
                    cluster: self.cluster,
                    job,
                    found: &found,
                    started_by: self.started_by(None),
                    open: 1,
                    settled: Duration::ZERO,
                    reason: &reason,
                };
                self.search(search, &[]).await
            }
        };
        let stopped = stopped
            .map_err(|refusal| Error::from(refusal).context("could not stop the job's task"))?;
        let entries = match &found {
            Found::Record(record) => Entry::at_end(record, &stopped, &self.records.notes(record)),
            _ => vec![Entry::damaged(job, self.place(), &stopped)],
        };
        // Before the record goes: a sweep that finds such a file without it enters the task again.
        if let Found::Record(record) = &found {
            self.forget_taken(record);
        }
        self.records.remove(job, &found, &entries)?;
        if !matches!(found, Found::Record(_)) {
            let noted = stopped.iter();
            noted.for_each(|task| self.records.forget_stop(&task.arn));
        }
        Ok(stopped.into_iter().map(|stopped| stopped.arn).collect())
    }

    /// Stops the tasks of all starts where they were asked for: the configuration may name another cluster and region
    /// by now. One that cannot be stopped does not keep the others running.
    async fn end_recorded(
        &self,
        record: &Record,
        found: &Found,
        reason: &str,
    ) -> Result<Vec<StoppedTask>, AwsError> {
        self.send_missing_tags(record).await;
        let (aws, cluster) = (self.aws.in_region(&record.region), &record.cluster);
        let (mut stopped, mut refused) = (Vec::new(), None);
        // The job's tasks were started in this cluster. One that is gone has no tasks.
        let is_gone = |refusal: &AwsError| {
            let is_gone = refusal.knows_no_cluster();
            if is_gone {
                let tasks: Vec<_> = record
                    .starts()
                    .iter()
                    .filter_map(|start| start.task.as_deref())
                    .collect();
                let tasks = tasks.join(", ");
                tracing::warn!("nothing is stopped ({refusal}); recorded tasks: {tasks}");
            }
            is_gone
        };
        let starts = record.starts().iter().filter(|start| !start.is_settled());
        for start in starts {
            let Some(task) = &start.task else { continue };
            match self
                .stop(&aws, (cluster, task), start.left(UNKNOWN), reason)
                .await
            {
                Ok(task) => stopped.push(task),
                Err(refusal) if is_gone(&refusal) => return Ok(stopped),
                Err(refusal) => refused = Some(refusal),
            }
        }
        let open = || record.starts().iter().filter(|start| start.is_open());
        if let Some(settled) = open().map(unsettled).max() {
            let search = Search {
                aws: &aws,
                cluster,
                job: &record.job,
                found,
                started_by: self.started_by(record.started_by()),
                open: open().count(),
                settled,
                reason,
            };
            match self.search(search, &stopped).await {
                Ok(more) => stopped.extend(more),
                Err(refusal) if is_gone(&refusal) => return Ok(stopped),
                Err(refusal) => refused = Some(refusal),
            }
            for task in self.found_by_others(record, &stopped) {
                let place = (cluster.as_str(), task.as_str());
                match self.stop(&aws, place, UNKNOWN, reason).await {
                    Ok(task) => stopped.push(task),
                    Err(refusal) => refused = Some(refusal),
                }
            }
        }
        refused.map_or(Ok(stopped), Err)
    }

    /// Tasks of the attempt that another process has found and noted since `record` was read, and may not have lived
    /// to enter in the ledger.
    fn found_by_others(&self, record: &Record, stopped: &[StoppedTask]) -> Vec<String> {
        let Ok(Found::Record(now)) = self.records.find(&record.job) else {
            return Vec::new();
        };
        let is_new = |arn: &&str| {
            let mut known = record.starts().iter();
            !known.any(|start| start.task.as_deref() == Some(arn)) && !is_among(stopped, arn)
        };
        let noted = now.starts().iter().filter(|_| now.is_same_attempt(record));
        let noted = noted.filter_map(|start| start.task.as_deref());
        noted.filter(is_new).map(str::to_owned).collect()
    }

    /// Finds tasks of the attempt, looking again until every open call has settled or brought its task, and stops them;
    /// `known` are those that were stopped before.
    async fn search(
        &self,
        search: Search<'_>,
        known: &[StoppedTask],
    ) -> Result<Vec<StoppedTask>, AwsError> {
        let is_wanted = |task: &Task| {
            let group = task.group.as_deref().unwrap_or_default();
            let is_jobs = match search.found {
                Found::Record(record) => record.group() == group,
                _ => Mark::parse(group).is_some_and(|mark| self.is_of_job(&mark, search.job)),
            };
            is_jobs && !task.is_ending() && !is_among(known, &task.arn)
        };
        let settled_at = Instant::now() + search.settled;
        let mut stopped: Vec<StoppedTask> = Vec::new();
        loop {
            for started_by in &search.started_by {
                let listing = async || search.aws.tasks_of(search.cluster, started_by).await;
                let tasks = self.persist(listing).await?;
                // Listed first: tasks of another attempt had their record before.
                if !self.records.is_still(search.job, search.found) {
                    return Ok(stopped);
                }
                let new = tasks.into_iter().filter(&is_wanted);
                for task in new
                    .filter(|task| !is_among(&stopped, &task.arn))
                    .collect::<Vec<_>>()
                {
                    let place = (search.cluster, task.arn.as_str());
                    self.note_found(&search, &task);
                    let ended = self.stop(search.aws, place, grace(&task), search.reason);
                    let mut ended = ended.await?;
                    ended.facts.get_or_insert_with(|| task.facts());
                    stopped.push(ended);
                }
            }
            if stopped.len() >= search.open || Instant::now() >= settled_at {
                return Ok(stopped);
            }
            sleep(Duration::from_secs(2).min(settled_at - Instant::now())).await;
        }
    }

    /// Whether a mark is of the job, with its record in this folder: GitLab may have given the job to another manager
    /// of that name since.
    fn is_of_job(&self, mark: &Mark, job: &Job) -> bool {
        let is_ours = |(folder, _): &(String, u64)| *folder == self.identity.folder;
        mark.is_of(job) && mark.origin.as_ref().is_none_or(is_ours)
    }

    /// The marks of this manager, and of the one that a record names: its name may have been changed. Drivers of
    /// format 1 marked their tasks with the folder's id.
    fn started_by(&self, recorded: Option<&str>) -> Vec<String> {
        let Identity { name, folder } = self.identity;
        let mut marks: Vec<String> = recorded.map(str::to_owned).into_iter().collect();
        if recorded.is_none() {
            marks.extend([started_by(name), started_by(folder)]);
        }
        marks.dedup();
        marks
    }

    /// Stops a task. One that AWS does not know is stopped already, unless it is too young for AWS to know it, for this
    /// time.
    async fn stop(
        &self,
        aws: &Aws,
        (cluster, task): (&str, &str),
        grace: Duration,
        reason: &str,
    ) -> Result<StoppedTask, AwsError> {
        let stopped = |accepted: Option<u64>, seen: Option<Task>| StoppedTask {
            arn: task.to_owned(),
            accepted,
            facts: seen.as_ref().map(Task::facts),
        };
        let known_at = Instant::now() + grace;
        loop {
            let stopping = async || aws.stop_task(cluster, task, reason).await;
            match self.persist(stopping).await {
                Err(refusal) if refusal.is_not_found() => {
                    let left = known_at.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(stopped(None, None));
                    }
                    tracing::debug!("{refusal}; trying again");
                    sleep(UNKNOWN_PAUSE.min(left)).await;
                }
                answer => return answer.map(|seen| stopped(Some(now_millis()), seen)),
            }
        }
    }

    /// Repeats a call while AWS neither does what it asks nor refuses it, as long as patience lasts.
    async fn persist<T>(&self, call: impl AsyncFn() -> Result<T, AwsError>) -> Result<T, AwsError> {
        let give_up_at = Instant::now() + self.patience;
        let mut backoff = Backoff::new(FIRST_PAUSE.min(self.patience / 4), PATIENCE);
        loop {
            let answer = call().await;
            let pause = backoff.pause();
            match answer {
                Err(refusal) if refusal.may_pass() && Instant::now() + pause < give_up_at => {
                    tracing::debug!("{refusal}; trying again");
                    sleep(pause).await;
                }
                answer => return answer,
            }
        }
    }
}

fn is_among(stopped: &[StoppedTask], arn: &str) -> bool {
    stopped.iter().any(|stopped| stopped.arn == arn)
}

/// How much longer an open call may bring a task.
fn unsettled(start: &Start) -> Duration {
    start.left(UNSETTLED)
}

/// How much longer AWS may not know the task.
fn grace(task: &Task) -> Duration {
    let now = now();
    let age = now.saturating_sub(task.created_at().map_or(now, Duration::from_secs));
    UNKNOWN.saturating_sub(age)
}

/// The task's `stoppedReason`.
fn reason(job: &Job, why: &str) -> String {
    cut(format!("fargate: {}: {why}", job.title()))
}

fn cut(reason: String) -> String {
    reason.chars().take(REASON_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::outcome::OutcomeKind;
    use crate::state::record::tests::record;

    #[test]
    fn an_attempt_whose_record_cannot_be_written_has_its_outcome() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path(), 13).unwrap();
        let record = record(7);
        records.save(&record).unwrap();
        std::fs::remove_file(folder.path().join("lock")).unwrap();
        std::fs::create_dir(folder.path().join("lock")).unwrap();
        let found = records.find(&record.job).unwrap();
        let refused = Error::job("no such image");
        let Found::Record(ended) = begin(&records, &record.job, found, &Ending::Prepare(&refused))
        else {
            panic!("no record")
        };
        let entry = Entry::of(&ended, &[]);
        assert_eq!(entry.outcome.kind, OutcomeKind::JobRefused);
        assert!(entry.times.ended.is_some());
    }
}
