//! An entry of the ledger: what is remembered of an attempt at a job.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::months::Month;
use super::script::{ScriptEntry, scripts};
use super::task_entry::{StoppedTask, TaskEntry, found, is_hedged, tasks, with_found};
use crate::gitlab::Job;
use crate::state::clock::now_millis;
use crate::state::note::Note;
use crate::state::outcome::{Outcome, OutcomeKind};
use crate::state::record::{AttemptTimes, Record, Warm, this_attempt};
use crate::state::start_time::StartTime;
use crate::state::waiting::Waiting;
use crate::task;
use crate::task::ownership::Mark;

/// How the attempt of a line of kind `hedged` ends.
pub(super) const HEDGED: &str = "-hedged";

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// An attempt at a job.
    Job,
    /// A task of this manager that no record named, ended by a sweep.
    Orphan,
    /// The time for which the task of a failed attempt stayed after it.
    Kept,
    /// The time for which a task waited for a job.
    Waiting,
    /// Tasks of an attempt that were started side by side with the one that took its scripts.
    Hedged,
    /// Tasks that a later line of an attempt lists beside those of its first. Readers make it, and no line has it.
    #[serde(skip)]
    Addition,
    /// Of a newer driver.
    #[serde(other)]
    Other,
}

/// How a job's task is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// By the operator's task definition.
    TaskDefinition,
    /// With the job's own image.
    JobImage,
}

/// A line of the ledger. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Id of the attempt. Of several lines with the same the first counts.
    pub(crate) attempt: String,
    pub(crate) job_id: u64,
    pub(crate) project_id: u64,
    #[serde(default)]
    pub(crate) pipeline_id: u64,
    /// Group and name of the project.
    #[serde(default)]
    pub(crate) project: String,
    /// The job's name.
    #[serde(default)]
    pub(crate) job: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<Mode>,
    /// Image of the job's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// The same for two attempts whose tasks RunTask was asked for in the same way, but for keys, deadlines and the
    /// like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_hash: Option<String>,
    #[serde(default)]
    pub(crate) region: String,
    #[serde(default)]
    pub(crate) cluster: String,
    #[serde(default)]
    pub(crate) public_ip: bool,
    /// When the line was written.
    pub(crate) at: u64,
    #[serde(default)]
    pub(crate) times: AttemptTimes,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Whether it took a waiting task, or why not, where there was one for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) warm: Option<Warm>,
    /// How many starts its record listed, those without a task among them.
    #[serde(default)]
    pub(crate) starts: u32,
    /// Its tasks: AWS bills each.
    #[serde(default)]
    pub(crate) tasks: Vec<TaskEntry>,
    /// Its scripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scripts: Vec<ScriptEntry>,
}

impl Entry {
    /// An entry about `job` that knows nothing else yet.
    fn about(job: &Job, attempt: String, outcome: Outcome) -> Self {
        Self {
            kind: Kind::Job,
            attempt,
            job_id: job.id,
            project_id: job.project_id,
            pipeline_id: job.pipeline_id,
            project: job.project.clone(),
            job: job.name.clone(),
            mode: None,
            image: None,
            start_hash: None,
            region: String::new(),
            cluster: String::new(),
            public_ip: false,
            at: now_millis(),
            times: AttemptTimes::default(),
            outcome,
            warm: None,
            starts: 0,
            tasks: Vec::new(),
            scripts: Vec::new(),
        }
    }

    /// The same with the scripts that these notes are about.
    pub(crate) fn with_scripts(mut self, notes: &[Note]) -> Self {
        self.scripts = scripts(notes);
        self
    }

    /// The entry of the attempt that this process is, which ended before it had a record, in config perhaps.
    pub(crate) fn unrecorded(job: &Job, outcome: Outcome) -> Self {
        let mut entry = Self::about(job, this_attempt().to_owned(), outcome);
        entry.times.ended = Some(entry.at);
        entry
    }

    /// The entry of an attempt whose record cannot be read. A job is prepared once more at most with the same id of an
    /// attempt, so its file's name tells the attempt. Its tasks were `stopped`, or are about to be, in this region and
    /// cluster.
    pub(crate) fn damaged(
        job: &Job,
        (region, cluster): (&str, &str),
        stopped: &[StoppedTask],
    ) -> Self {
        let attempt = format!("damaged-{}", job.record_name());
        let cause = Outcome::system("the job's record was damaged");
        Self {
            region: region.to_owned(),
            cluster: cluster.to_owned(),
            tasks: stopped
                .iter()
                .map(|task| TaskEntry::of(task, false))
                .collect(),
            ..Self::about(job, attempt, cause)
        }
    }

    /// The entry of a task with this mark, in this region and cluster, that no record named.
    pub(crate) fn orphan(
        mark: &Mark,
        (region, cluster): (&str, &str),
        stopped: &StoppedTask,
        why: &str,
    ) -> Self {
        let job = Job {
            id: mark.job,
            project_id: mark.project,
            ..Job::default()
        };
        Self {
            kind: Kind::Orphan,
            region: region.to_owned(),
            cluster: cluster.to_owned(),
            tasks: vec![TaskEntry::of(stopped, false)],
            ..Self::about(
                &job,
                task::id(&stopped.arn).to_owned(),
                Outcome::system(why),
            )
        }
    }

    /// The entry of a task that waited for a job and was `stopped` without one, for this reason.
    pub(crate) fn waiting(task: &Waiting, stopped: &StoppedTask, why: &str) -> Self {
        let mut entry = TaskEntry::of(stopped, false);
        entry.pool = Some(task.pool.clone());
        let earlier = task.facts.as_deref().cloned().unwrap_or_default();
        entry.facts = entry.facts.or(earlier);
        let over = Outcome {
            kind: OutcomeKind::Success,
            exit_code: None,
            cause: Some(why.to_owned()),
        };
        Self {
            kind: Kind::Waiting,
            image: entry.facts.image.clone(),
            start_hash: Some(task.hash.clone()),
            region: task.region.clone(),
            cluster: task.cluster.clone(),
            public_ip: task.public_ip,
            tasks: vec![entry],
            ..Self::about(&Job::default(), format!("warm-{}", task.id), over)
        }
    }

    /// The entries of an attempt whose record goes, once its tasks were `stopped`; its scripts left these notes.
    pub(crate) fn at_end(record: &Record, stopped: &[StoppedTask], notes: &[Note]) -> Vec<Self> {
        let record = &with_found(record, stopped);
        let attempt = Self::of(record, stopped);
        let beside = |kind, name: &str, tasks: Vec<TaskEntry>| Self {
            kind,
            attempt: format!("{}{name}", attempt.attempt),
            starts: 0,
            tasks,
            ..attempt.clone()
        };
        let mut entries = Vec::new();
        let hedged = tasks(record, stopped, is_hedged);
        if !hedged.is_empty() {
            entries.push(beside(Kind::Hedged, HEDGED, hedged));
        }
        if record.kept_from().is_some() {
            let mut tasks = attempt.tasks.clone();
            tasks.retain(|task| task.kept_from.is_some());
            entries.push(beside(Kind::Kept, "-kept", tasks));
        }
        if attempt.tasks.iter().any(|task| task.claimed_at.is_some()) {
            let mut tasks = attempt.tasks.clone();
            tasks.retain(|task| task.claimed_at.is_some());
            entries.push(Self {
                kind: Kind::Waiting,
                attempt: format!("{}-waiting", attempt.attempt),
                starts: 0,
                tasks,
                ..attempt.clone()
            });
        }
        if !record.is_entered {
            entries.insert(0, attempt.with_scripts(notes));
        }
        entries
    }

    /// Whether it is of the time for which a task stayed after its job.
    pub(crate) fn is_kept(&self) -> bool {
        self.kind == Kind::Kept
    }

    /// Whether it is of the time for which a task waited.
    pub(crate) fn is_waiting(&self) -> bool {
        self.kind == Kind::Waiting
    }

    /// Whether it is of tasks that were started side by side with the one that took the job's scripts.
    pub(crate) fn is_hedged(&self) -> bool {
        self.kind == Kind::Hedged
    }

    /// Whether it is of a task that no record named.
    pub(crate) fn is_orphan(&self) -> bool {
        self.kind == Kind::Orphan
    }

    /// Whether its tasks are those of an attempt, each in one such line, and not a part of their time.
    pub(crate) fn lists_tasks_of_attempt(&self) -> bool {
        matches!(self.kind, Kind::Job | Kind::Hedged | Kind::Addition)
    }

    /// Whether an earlier month may have a line of the same attempt or task, for all that it shows: it was over, or
    /// there, before this `month`.
    pub(crate) fn may_repeat_before(&self, month: &Month) -> bool {
        let created = self
            .tasks
            .iter()
            .filter_map(|task| task.facts.times.created);
        let known = self.times.ended.or(created.min());
        known.is_none_or(|at| month.is_after(at))
    }

    /// Whether it is of an attempt at a job, whatever kind a newer driver gives it beside that.
    pub(crate) fn is_attempt(&self) -> bool {
        self.kind == Kind::Job
    }

    /// Whether its job claimed a task that had waited.
    pub(crate) fn has_claimed(&self) -> bool {
        self.warm == Some(Warm::Claimed)
    }

    /// How long its task took to start, if one took its scripts, and had not waited for that.
    pub(crate) fn cold_start(&self) -> Option<StartTime> {
        let won = self.tasks.iter().find(|task| task.won)?;
        let (asked, ready) = self.times.asked.zip(self.times.ready)?;
        let time = StartTime::between(asked, ready, won.facts.times.pull_started);
        time.filter(|_| self.is_attempt() && !self.has_claimed())
    }

    /// The entry of the attempt with this record, whose tasks were `stopped`. Those that only a second start cost are
    /// in a line of their own.
    pub(crate) fn of(record: &Record, stopped: &[StoppedTask]) -> Self {
        let record = &with_found(record, stopped);
        let outcome = record.outcome.clone();
        let unknown = || Outcome::system("an older version of fargate ended it");
        let is_jobs = record.build.is_some();
        let mut tasks = tasks(record, stopped, |start| !is_hedged(start));
        let found = found(record, stopped);
        tasks.extend(found.map(|stopped| TaskEntry::of(stopped, false)));
        let won = tasks.iter().find(|task| task.won).or(tasks.last());
        let image = won.and_then(|task| task.facts.image.clone());
        let built = record.build.as_ref().map(|build| build.image.clone());
        let attempt = Some(record.attempt()).filter(|id| !id.is_empty());
        // Records of the first drivers have none.
        let attempt = attempt.map_or_else(|| record.job.record_name(), str::to_owned);
        Self {
            mode: Some(if is_jobs {
                Mode::JobImage
            } else {
                Mode::TaskDefinition
            }),
            image: built.or(image),
            start_hash: record.start_hash.clone(),
            region: record.region.clone(),
            cluster: record.cluster.clone(),
            public_ip: record.public_ip,
            times: record.times,
            warm: record.warm.clone(),
            starts: u32::try_from(record.starts().len()).unwrap_or(u32::MAX),
            tasks,
            ..Self::about(&record.job, attempt, outcome.unwrap_or_else(unknown))
        }
    }
}
