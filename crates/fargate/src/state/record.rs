//! A job's record: the only state between the stages of a job.
//!
//! Written before anything is started, so that a crash at any instant leaves something that cleanup can stop. It lists
//! starts: none leaves the list before its task was stopped or its call was refused for certain.

mod claim;
mod login;
mod old;
#[cfg(test)]
mod properties;
mod race;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::login::Login;
use super::clock::{self, now};
use super::identity::Identity;
use super::job_folder::JobFolder;
use super::liveness::RunnerProcess;
use super::outcome::Outcome;
use super::start::{Standing, Start};
use crate::config::Fargate;
use crate::gitlab::{Job, is_kept, job_folder, project_folder};
use crate::ssh::random_hex;
use crate::task::ownership;
use crate::task::{JobContainer, Task};

/// How many refused starts a record keeps; each search for capacity may add dozens. A start with a task stays: AWS may
/// bill it, and the ledger lists it.
const REFUSED_KEPT: usize = 20;

/// The attempt at a job that this process is, if it is one.
static ATTEMPT: LazyLock<String> = LazyLock::new(random_hex::<8>);

/// Id of the attempt that this process is.
pub(crate) fn this_attempt() -> &'static str {
    &ATTEMPT
}

/// A job, its starts, and how its task is reached. Fields appear as prepare goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose task it is.
    pub(crate) job: Job,
    /// Id of the prepare that wrote it; empty in records that have none.
    #[serde(default)]
    attempt: String,
    /// The cluster of its tasks, which the configuration may no longer name.
    pub(crate) cluster: String,
    /// The cluster's region; empty in records that have none.
    #[serde(default)]
    pub(crate) region: String,
    /// Where AWS's APIs are, when the configuration said so.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// The mark of this manager on its tasks (AWS: startedBy); empty in records of format 1.
    #[serde(default)]
    started_by: String,
    /// The mark of this job on its tasks (AWS: group); empty in records of format 1.
    #[serde(default)]
    group: String,
    /// The GitLab Runner that the job belongs to; `None` when it cannot be found out.
    #[serde(default)]
    pub(crate) runner: Option<RunnerProcess>,
    /// The folder that the runner made for the attempt, where that can be told.
    #[serde(default)]
    pub(crate) job_folder: Option<JobFolder>,
    /// Since when sweeps have seen no such folder, in seconds since 1970.
    #[serde(default)]
    pub(crate) missing_since: Option<u64>,
    /// When the job is over in any case, in seconds since 1970.
    #[serde(default)]
    pub(crate) over_at: Option<u64>,
    /// How long its task stays if the job fails, in seconds.
    #[serde(default)]
    pub(crate) keep_for: u64,
    /// Until when its task stays, in seconds since 1970, once the job has failed and its end has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept_until: Option<u64>,
    /// Whether the ledger has the attempt's line, though its task stays.
    #[serde(default)]
    pub(crate) is_entered: bool,
    /// Whether its end has begun. No other cleanup comes then, so a sweep goes on with it.
    #[serde(default)]
    pub(crate) ends: bool,
    /// What tells its start from those of jobs that ask for other tasks, once it has a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_hash: Option<String>,
    /// Its starts, in their order.
    #[serde(default)]
    starts: Vec<Start>,
    /// How the task is reached, once it takes scripts.
    pub(crate) login: Option<Login>,
    /// Where the job's own scripts run, when that is another container than the one of `login` (JobImage mode).
    #[serde(default)]
    pub(crate) build: Option<JobContainer>,
    /// The project's folder in its containers, where GitLab Runner said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project_folder: Option<String>,
    /// Whether a script of the job has reached that one.
    #[serde(default)]
    pub(crate) began: bool,
    /// Whether its services had the time to listen that a job gives them, and did not, while its task waited for a job.
    #[serde(default)]
    pub(crate) services_had_time: bool,
    /// Whether the job log has told why its task ended.
    #[serde(default)]
    pub(crate) end_told: bool,
    /// Whether its tasks have public addresses, which AWS bills.
    #[serde(default)]
    pub(crate) public_ip: bool,
    /// When the attempt reached the points of its life.
    #[serde(default)]
    pub(crate) times: AttemptTimes,
    /// Whether it took a waiting task, or why not, where there was one for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) warm: Option<Warm>,
    /// The tags that its claimed task has yet to get: it started with those of its pool (AWS: TagResource).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) missing_tags: BTreeMap<String, String>,
    /// How it ended, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<Outcome>,
}

/// How an attempt fared with waiting tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Warm {
    /// It has claimed one.
    Claimed,
    /// It has claimed none, for this reason.
    Missed(String),
}

/// When an attempt at a job reached the points of its life, in milliseconds since 1970. AWS's view of its tasks is in
/// their starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttemptTimes {
    /// RunTask was called for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<u64>,
    /// RunTask was called for a second task beside one that lagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hedged: Option<u64>,
    /// A task took scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ready: Option<u64>,
    /// The first script began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_script: Option<u64>,
    /// Its end began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<u64>,
}

impl Record {
    /// The record of a `job` of this GitLab Runner that has no start yet, and is over `within` this time. Its task may
    /// stay for longer, and its mark says so.
    pub(crate) fn new(
        job: &Job,
        fargate: &Fargate,
        identity: &Identity,
        within: Duration,
        runner: Option<&RunnerProcess>,
    ) -> Self {
        let over_at = (now() + within).as_secs();
        let keep_for = fargate.keep_failed.time.as_secs();
        Self {
            job: job.clone(),
            attempt: ATTEMPT.clone(),
            cluster: fargate.cluster.clone(),
            region: fargate.region.clone(),
            endpoint: fargate.endpoint.clone(),
            started_by: ownership::started_by(&identity.name),
            group: ownership::group(job, &identity.folder, over_at + keep_for),
            runner: runner.filter(|_| !is_kept()).cloned(),
            job_folder: job_folder().as_deref().and_then(JobFolder::at),
            missing_since: None,
            over_at: Some(over_at),
            keep_for,
            kept_until: None,
            is_entered: false,
            ends: false,
            starts: Vec::new(),
            login: None,
            build: None,
            project_folder: project_folder(),
            began: false,
            services_had_time: false,
            end_told: false,
            public_ip: fargate.assign_public_ip,
            times: AttemptTimes::default(),
            warm: None,
            missing_tags: BTreeMap::new(),
            outcome: None,
            start_hash: None,
        }
    }

    /// Reads a record, also one of format 1.
    ///
    /// # Errors
    ///
    /// When it is no record.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, serde_json::Error> {
        let mut record: Self = serde_json::from_slice(content)?;
        if let Some(starts) = old::starts(content)? {
            record.starts = starts;
        }
        Ok(record)
    }

    /// Notes the intent to call RunTask with this token, for the first time or again.
    pub(crate) fn intend(&mut self, token: &str) {
        self.times.asked.get_or_insert_with(clock::now_millis);
        self.starts.retain(|start| start.token != token);
        let is_refused = |start: &Start| start.standing == Standing::Refused;
        let refused = self.starts.iter().filter(|start| is_refused(start));
        if refused.count() > REFUSED_KEPT
            && let Some(oldest) = self.starts.iter().position(is_refused)
        {
            self.starts.remove(oldest);
        }
        self.starts.push(Start::intended(token));
    }

    /// Notes that AWS refused the call with this token for certain.
    pub(crate) fn refuse(&mut self, token: &str) {
        if let Some(start) = self.start(token) {
            start.standing = Standing::Refused;
        }
    }

    /// Notes the task that the call with this token brought.
    pub(crate) fn started(&mut self, token: &str, task: &Task) {
        let standing = self.standing_with_task();
        if let Some(start) = self.start(token) {
            start.standing = standing;
            start.task = Some(task.arn.clone());
            start.memory = task.memory;
            start.saw(task.facts());
        }
    }

    /// Notes a task of this attempt that was found, and no start names: the oldest call with an unknown end brought it.
    /// Returns whether there is such a call.
    pub(crate) fn found(&mut self, arn: &str) -> bool {
        let standing = self.standing_with_task();
        let Some(start) = self.starts.iter_mut().find(|start| start.is_open()) else {
            return false;
        };
        start.standing = standing;
        start.task = Some(arn.to_owned());
        true
    }

    /// Takes over the tasks that others have found and noted in `earlier`, the present record of this attempt.
    pub(crate) fn take_found(&mut self, earlier: &Self) {
        for noted in &earlier.starts {
            if let Some(start) = self.start(&noted.token)
                && start.task.is_none()
                && noted.task.is_some()
            {
                start.task = noted.task.clone();
                start.standing = noted.standing;
            }
        }
    }

    /// Notes how the task is reached that takes the job's scripts, and the last look at it.
    pub(crate) fn win(&mut self, login: Login, task: Option<&Task>) {
        if let Some(start) = self.current_mut() {
            start.standing = Standing::Won;
            if let Some(task) = task {
                start.saw(task.facts());
            }
        }
        self.login = Some(login);
        self.times.ready.get_or_insert_with(clock::now_millis);
    }

    fn current_mut(&mut self) -> Option<&mut Start> {
        let token = self.current()?.token.clone();
        self.start(&token)
    }

    fn start(&mut self, token: &str) -> Option<&mut Start> {
        self.starts.iter_mut().find(|start| start.token == token)
    }

    fn start_of(&mut self, task: &str) -> Option<&mut Start> {
        let mut starts = self.starts.iter_mut();
        starts.find(|start| start.task.as_deref() == Some(task))
    }

    /// The start whose task the job has: the one that won, or the last one that has not lost.
    fn current(&self) -> Option<&Start> {
        let has_lost = |start: &Start| start.is_settled() || start.standing == Standing::Lost;
        let has_task = |start: &&Start| start.task.is_some() && !has_lost(start);
        let won = |start: &&Start| start.standing == Standing::Won;
        let mut last = self.starts.iter().rev().filter(has_task);
        self.starts.iter().find(won).or_else(|| last.next())
    }

    /// ARN of the job's task: of the one that won, or of the last one that AWS started.
    pub(crate) fn task(&self) -> Option<&str> {
        self.current()?.task.as_deref()
    }

    /// The task's memory in MiB, if AWS shows it.
    pub(crate) fn memory(&self) -> Option<u32> {
        self.current()?.memory
    }

    /// How long ago the job's task was last intended.
    pub(crate) fn age(&self) -> Duration {
        self.current().map_or(Duration::ZERO, Start::age)
    }

    /// All its starts.
    pub(crate) fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// How its tasks are listed (AWS: startedBy); nothing in a record of format 1.
    pub(crate) fn started_by(&self) -> Option<&str> {
        Some(self.started_by.as_str()).filter(|mark| !mark.is_empty())
    }

    /// How its tasks are told from those of other jobs (AWS: group).
    pub(crate) fn group(&self) -> String {
        if self.group.is_empty() {
            ownership::old_group(&self.job)
        } else {
            self.group.clone()
        }
    }

    /// Since when its task is kept, in milliseconds since 1970; nothing where it is not.
    pub(crate) fn kept_from(&self) -> Option<u64> {
        self.kept_until.and(self.times.ended)
    }

    /// Id of the attempt; empty in records of the first drivers.
    pub(crate) fn attempt(&self) -> &str {
        &self.attempt
    }

    /// Whether this process wrote it, as a prepare.
    pub(crate) fn is_ours(&self) -> bool {
        self.attempt == *ATTEMPT
    }

    /// Whether both are of the same attempt at the job.
    pub(crate) fn is_same_attempt(&self, other: &Self) -> bool {
        self.attempt == other.attempt
    }
}
