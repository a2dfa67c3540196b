//! A job as `ps` shows it. Decisions only.

use serde::{Serialize, Serializer};

use super::facts::JobFacts;
use crate::operate::cost::{Prices, Usage};
use crate::state::ledger;
use crate::state::note::{Event, Note};
use crate::state::record::Record;
use crate::task::{self, Task, TaskFacts, console_link};
use crate::teardown::orphan::Verdict;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// It has no task yet: it queues for RunTask, or for room.
    Waiting,
    /// AWS looks for capacity and makes the network interface.
    Provisioning,
    /// Its images are being pulled.
    Pulling,
    /// Its containers are being started.
    Starting,
    /// Its containers run, and the SSH server has not answered yet.
    Connecting,
    /// Its task takes scripts, and none runs.
    Ready,
    /// A script runs.
    Script,
    /// AWS ends its task, and the driver has not asked for it.
    Lost,
    /// The job has failed, and its task stays for a while.
    Kept,
    /// Its end has begun.
    Ending,
}

/// A time in milliseconds since 1970; RFC 3339 in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub(super) u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&ledger::rfc3339(self.0))
    }
}

/// A job.
#[derive(Debug, Serialize)]
pub(super) struct Job {
    pub(super) job_id: u64,
    job: String,
    /// The job's page in GitLab.
    pub(super) job_url: Option<String>,
    pub(super) project: String,
    project_id: u64,
    pipeline_id: u64,
    attempt: String,
    pub(super) phase: Phase,
    /// GitLab Runner's name of the script that runs, or of the last one.
    script: Option<String>,
    /// When the attempt first asked for a task.
    pub(super) started_at: Option<Time>,
    /// When a task took scripts.
    ready_at: Option<Time>,
    /// Until when the task of the failed job stays.
    pub(super) kept_until: Option<Time>,
    pub(super) task_arn: Option<String>,
    /// The task's page in AWS's console.
    pub(super) task_url: Option<String>,
    /// The task that starts beside that one, which lags.
    pub(super) second_task: Option<SecondTask>,
    /// AWS's reasons, where it ends the task.
    pub(super) stop_reason: Option<String>,
    region: String,
    cluster: String,
    pub(super) image: Option<String>,
    vcpu: Option<f64>,
    memory_gb: Option<f64>,
    storage_gb: Option<u32>,
    architecture: Option<String>,
    pub(super) provider: Option<String>,
    zone: Option<String>,
    pub(super) cost: Cost,
    pub(super) sweep: Sweep,
}

/// A second task, while it is not known which of both is ready first.
#[derive(Debug, Serialize)]
pub(super) struct SecondTask {
    pub(super) phase: Phase,
    pub(super) task_arn: String,
    task_url: Option<String>,
    zone: Option<String>,
}

/// What a job has cost so far, in USD.
#[derive(Debug, Default, Serialize)]
pub(super) struct Cost {
    pub(super) usd: f64,
    /// On Spot, and no part of the other sum.
    pub(super) spot_usd_estimate: f64,
    /// Whether a price is known for all of it.
    pub(super) is_complete: bool,
}

/// What a sweep makes of a job or a task.
#[derive(Debug, Serialize)]
pub(super) struct Sweep {
    pub(super) ends: bool,
    pub(super) why: String,
}

impl Sweep {
    /// The verdict in words.
    pub(super) fn of(verdict: &Verdict) -> Self {
        let (ends, why) = match verdict {
            Verdict::Keep(why) => (false, why),
            Verdict::End(why) => (true, why),
        };
        Self {
            ends,
            why: why.clone(),
        }
    }
}

impl Job {
    /// The job with these facts; `now` is in milliseconds since 1970.
    pub(super) fn of(facts: &JobFacts, prices: &Prices, now: u64) -> Self {
        let (first, second) = sides(&facts.record);
        let record = &first;
        let look = facts.look(record);
        let known = task_facts(record, look);
        let begun = record
            .starts()
            .first()
            .map(|start| start.intended_at * 1000);
        let image = record.build.as_ref().map(|build| build.image.clone());
        let arn = record.task();
        Self {
            job_id: record.job.id,
            job: record.job.name.clone(),
            job_url: record.job.page.clone(),
            project: record.job.project.clone(),
            project_id: record.job.project_id,
            pipeline_id: record.job.pipeline_id,
            attempt: record.attempt().to_owned(),
            phase: phase(record, &facts.notes, look),
            script: facts.notes.last().map(|note| note.stage.clone()),
            started_at: record.times.asked.or(begun).map(Time),
            ready_at: record.times.ready.map(Time),
            kept_until: record
                .kept_until
                .map(|until| Time(until.saturating_mul(1000))),
            task_arn: arn.map(str::to_owned),
            task_url: task_url(record),
            second_task: second.and_then(|second| SecondTask::of(&second, facts)),
            stop_reason: stop_reason(record, look),
            region: record.region.clone(),
            cluster: record.cluster.clone(),
            image: image.or_else(|| known.image.clone()),
            vcpu: known.cpu.map(of_1024),
            memory_gb: known.memory.map(of_1024),
            storage_gb: known.storage,
            architecture: known.architecture.clone(),
            provider: known.provider.clone(),
            zone: known.zone.clone(),
            cost: cost(facts, prices, now),
            sweep: Sweep::of(&facts.verdict),
        }
    }

    /// The phase for people: a script's name says more than that one runs.
    pub(super) fn activity(&self) -> &str {
        match (self.phase, &self.script) {
            (Phase::Script, Some(script)) => script,
            (phase, _) => phase.name(),
        }
    }

    /// Its size, such as "1 vCPU, 2 GB, arm64".
    pub(super) fn size(&self) -> Option<String> {
        let size = format!("{} vCPU, {} GB", self.vcpu?, self.memory_gb?);
        Some(match self.architecture.as_deref() {
            Some("arm64") => size + ", arm64",
            _ => size,
        })
    }

    /// Its title, such as `job 7 of acme/shop`.
    pub(super) fn title(&self) -> String {
        match self.project.is_empty() {
            true => format!("job {} of project {}", self.job_id, self.project_id),
            false => format!("job {} of {}", self.job_id, self.project),
        }
    }
}

impl SecondTask {
    /// The task of this record, which has no other start.
    fn of(record: &Record, facts: &JobFacts) -> Option<Self> {
        let look = facts.look(record);
        Some(Self {
            phase: phase(record, &facts.notes, look),
            task_arn: record.task()?.to_owned(),
            task_url: task_url(record),
            zone: task_facts(record, look).zone,
        })
    }
}

impl JobFacts {
    /// What AWS shows of the task of this record.
    fn look(&self, record: &Record) -> Option<&Task> {
        let arn = record.task()?;
        self.tasks.iter().find(|task| task.arn == arn)
    }
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Provisioning => "provisioning",
            Self::Pulling => "pulling",
            Self::Starting => "starting",
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Script => "script",
            Self::Lost => "lost",
            Self::Kept => "kept",
            Self::Ending => "ending",
        }
    }
}

/// The job's record as if its first task were its only one, and the same of a second task that starts beside it.
fn sides(record: &Record) -> (Record, Option<Record>) {
    let mut starts = record.side_by_side();
    match (starts.next(), starts.next()) {
        (Some(first), Some(second)) => (
            record.of_start(&first.token),
            Some(record.of_start(&second.token)),
        ),
        _ => (record.clone(), None),
    }
}

/// The page of the record's task in AWS's console. Nobody finds those of other endpoints there.
fn task_url(record: &Record) -> Option<String> {
    let arn = record.task().filter(|_| record.endpoint.is_none())?;
    console_link(arn)
}

/// CPU units as vCPUs, and MiB as GiB.
fn of_1024(figure: u32) -> f64 {
    f64::from(figure) / 1024.0
}

/// What is known of the job's task, by this look and by those before.
fn task_facts(record: &Record, look: Option<&Task>) -> TaskFacts {
    let mut starts = record.starts().iter();
    let start = starts.find(|start| start.task.is_some() && start.task.as_deref() == record.task());
    let earlier = start.and_then(|start| start.facts.as_deref().cloned());
    let now = look.map(Task::facts).unwrap_or_default();
    now.or(earlier.unwrap_or_default())
}

fn phase(record: &Record, notes: &[Note], look: Option<&Task>) -> Phase {
    let is_ending = look.is_some_and(Task::is_ending);
    if record.kept_until.is_some() && !is_ending {
        return Phase::Kept;
    }
    if record.ends {
        return Phase::Ending;
    }
    if is_ending {
        return Phase::Lost;
    }
    if record.login.is_some() {
        return match notes.last().map(|note| &note.event) {
            Some(Event::Began) => Phase::Script,
            _ => Phase::Ready,
        };
    }
    if record.task().is_none() {
        return Phase::Waiting;
    }
    let seen = Task {
        times: task_facts(record, look).times,
        last_status: look.map_or_else(String::new, |task| task.last_status.clone()),
        ..Task::default()
    };
    match seen.phase() {
        task::Phase::Provisioning => Phase::Provisioning,
        task::Phase::Pulling => Phase::Pulling,
        task::Phase::Starting => Phase::Starting,
        task::Phase::Running => Phase::Connecting,
    }
}

/// AWS's reasons for an end that the driver did not ask for.
fn stop_reason(record: &Record, look: Option<&Task>) -> Option<String> {
    let ending = look.filter(|task| task.is_ending() && !record.ends)?;
    Some(
        ending
            .stop_reason(record.build.as_ref(), record.began)
            .cause,
    )
}

fn cost(facts: &JobFacts, prices: &Prices, now: u64) -> Cost {
    let record = &*facts.record;
    let mut entry = ledger::Entry::of(record, &[]);
    let is_over = |id: &str| {
        let mut starts = record.starts().iter();
        starts.any(|start| start.is_settled() && start.task.as_deref().map(task::id) == Some(id))
    };
    let mut sum = Usage::default();
    // A kept task may have ended by itself at its time, and AWS have forgotten it.
    let until = record.kept_until.map(|until| until.saturating_mul(1000));
    let now = until.map_or(now, |until| until.min(now));
    for mut task in std::mem::take(&mut entry.tasks) {
        // The time for which it is kept counts like that of its job.
        (task.kept_from, task.kept_until) = (None, None);
        let look = facts.tasks.iter().find(|look| look.id() == task.task);
        if let Some(look) = look {
            task.facts = look.facts().or(task.facts);
        }
        let usage = match is_over(&task.task) {
            true => Usage::of(&entry, &task, prices),
            false => Usage::so_far(&entry, &task, prices, now),
        };
        if let Some(usage) = usage {
            sum.add(&usage);
        }
    }
    let unpriced =
        sum.unpriced_vcpu_hours + sum.unpriced_storage_gb_hours + sum.unpriced_address_hours;
    Cost {
        usd: sum.usd,
        spot_usd_estimate: sum.spot_usd,
        is_complete: unpriced <= 0.0,
    }
}
