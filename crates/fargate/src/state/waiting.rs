//! A waiting task: what its file holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::state::clock::{now, now_millis};
use crate::state::record::Login;
use crate::state::start_time::StartTime;
use crate::task::{Task, TaskFacts};

/// How far ahead a time is at least that was written before the clock was set back. Corrections are smaller.
const CLOCK_SET_BACK: Duration = Duration::from_secs(60);

/// A task that has run nothing yet, and waits for a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// Its id: 16 hexadecimal digits.
    pub(crate) id: String,
    /// The pool it belongs to, as people know it.
    pub(crate) pool: String,
    /// The keeper that started it: a keep leaves the tasks of another one's configuration alone.
    pub(crate) keeper: String,
    /// The hash of all that RunTask was given. A job whose start has the same may claim it.
    pub(crate) hash: String,
    /// ARN of its definition, with the revision.
    pub(crate) definition: String,
    /// Its cluster, and the cluster's region.
    pub(crate) cluster: String,
    pub(crate) region: String,
    /// Where AWS's APIs are, when the configuration said so.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// The mark of this manager on it (AWS: startedBy).
    pub(crate) started_by: String,
    /// Its own mark (AWS: group).
    pub(crate) group: String,
    /// Whether it has a public address, which AWS bills.
    #[serde(default)]
    pub(crate) public_ip: bool,
    /// When it was first intended, in seconds since 1970.
    pub(crate) born: u64,
    /// When RunTask was last called for it, in seconds since 1970.
    #[serde(default)]
    pub(crate) asked_at: u64,
    /// When it is over in any case, in seconds since 1970.
    pub(crate) over_at: u64,
    /// Its private key, in OpenSSH's form. Never leaves the manager.
    private_key: PrivateKey,
    /// ARN of its task, once AWS has answered.
    #[serde(default)]
    pub(crate) task: Option<String>,
    /// Its memory in MiB, if AWS shows it.
    #[serde(default)]
    pub(crate) memory: Option<u32>,
    /// What AWS has shown of it so far.
    #[serde(default)]
    pub(crate) facts: Option<Box<TaskFacts>>,
    /// How it is reached, once it is ready: a task without it cannot be claimed.
    #[serde(default)]
    pub(crate) login: Option<Login>,
    /// When it became ready, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) ready_at: Option<u64>,
    /// Whether its services had the time to listen that a job gives them, and did not.
    #[serde(default)]
    pub(crate) services_had_time: bool,
    /// The warning about its job's container, for the job that claims it.
    #[serde(default)]
    pub(crate) warning: Option<String>,
}

/// A private key in OpenSSH's form. Debug output may be logged, and does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PrivateKey(pub(crate) String);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(a private key)")
    }
}

/// The facts about a waiting task that are known before RunTask.
#[derive(Debug, Clone)]
pub(crate) struct Intent<'a> {
    pub(crate) id: String,
    pub(crate) pool: &'a str,
    pub(crate) keeper: &'a str,
    pub(crate) hash: String,
    pub(crate) definition: String,
    pub(crate) cluster: &'a str,
    pub(crate) region: &'a str,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) started_by: String,
    pub(crate) group: String,
    pub(crate) public_ip: bool,
    pub(crate) over_at: u64,
    pub(crate) private_key: String,
}

impl Waiting {
    /// A task that RunTask is about to be called for.
    pub(crate) fn intended(intent: Intent<'_>) -> Self {
        Self {
            id: intent.id,
            pool: intent.pool.to_owned(),
            keeper: intent.keeper.to_owned(),
            hash: intent.hash,
            definition: intent.definition,
            cluster: intent.cluster.to_owned(),
            region: intent.region.to_owned(),
            endpoint: intent.endpoint.map(str::to_owned),
            started_by: intent.started_by,
            group: intent.group,
            public_ip: intent.public_ip,
            born: now().as_secs(),
            asked_at: now().as_secs(),
            over_at: intent.over_at,
            private_key: PrivateKey(intent.private_key),
            task: None,
            memory: None,
            facts: None,
            login: None,
            ready_at: None,
            services_had_time: false,
            warning: None,
        }
    }

    /// Its private key, in OpenSSH's form.
    pub(crate) fn private_key(&self) -> &str {
        &self.private_key.0
    }

    /// Notes that RunTask is about to be called.
    pub(crate) fn ask(&mut self) {
        self.asked_at = now().as_secs();
    }

    /// Notes the task that AWS started.
    pub(crate) fn started(&mut self, task: &Task) {
        self.task = Some(task.arn.clone());
        self.memory = task.memory;
        self.saw(task);
    }

    /// Adds what a look at the task shows.
    pub(crate) fn saw(&mut self, task: &Task) {
        let earlier = self.facts.take().map_or_else(TaskFacts::default, |it| *it);
        self.facts = Some(Box::new(task.facts().or(earlier)));
    }

    /// Notes how it is reached, now that jobs may claim it.
    pub(crate) fn ready(&mut self, login: Login) {
        self.login = Some(login);
        self.ready_at = Some(now_millis());
    }

    /// How long it took to get ready, once it is.
    pub(crate) fn start_time(&self) -> Option<StartTime> {
        let pull_started = self.facts.as_ref().and_then(|it| it.times.pull_started);
        StartTime::between(self.born.saturating_mul(1000), self.ready_at?, pull_started)
    }

    /// Whether a job may claim it.
    pub(crate) fn is_ready(&self) -> bool {
        self.login.is_some() && self.task.is_some()
    }

    /// How long ago it was intended. A task from a time far ahead, as before a clock was set back, is taken for as old
    /// as can be: nobody knows how old it is.
    pub(crate) fn age(&self) -> Duration {
        let born = Duration::from_secs(self.born);
        match born > now() + CLOCK_SET_BACK {
            true => Duration::MAX,
            false => now().saturating_sub(born),
        }
    }

    /// How much is left of this time since RunTask was last called.
    pub(crate) fn left_of_call(&self, bound: Duration) -> Duration {
        bound.saturating_sub(now().saturating_sub(Duration::from_secs(self.asked_at)))
    }
}
