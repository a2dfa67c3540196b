//! An attempt at a job, from its record or from the ledger, with AWS's present view of its tasks.

use crate::cli::Subject;
use crate::state::ledger::{Entry, Kind, TaskEntry};
use crate::state::note::Note;
use crate::state::outcome::Outcome;
use crate::state::record::Record;
use crate::task::{JobContainer, Task};

/// Ends of the ids of the lines about the time for which an attempt's task was kept or waited, and about tasks that
/// were started side by side with it.
const KEPT: &str = "-kept";
const WAITING: &str = "-waiting";
const HEDGED: &str = "-hedged";

/// An attempt at a job.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What the ledger knows, or would know now.
    pub(super) entry: Entry,
    /// How it ended, once that is known.
    pub(super) outcome: Option<Outcome>,
    /// The job's page in GitLab, while it has a record.
    pub(super) page: Option<String>,
    /// Whether it has a record: then more may happen.
    pub(super) is_recorded: bool,
    /// The container of the job's image, and whether it has taken a script.
    build: Option<JobContainer>,
    began: bool,
    /// Its tasks as AWS shows them now.
    pub(super) looks: Vec<Task>,
}

impl Attempt {
    /// The attempt with this record, whose scripts left these notes.
    pub(super) fn of_record(record: &Record, notes: &[Note]) -> Self {
        Self {
            entry: Entry::of(record, &[]).with_scripts(notes),
            outcome: record.outcome.clone(),
            page: record.job.page.clone(),
            is_recorded: true,
            build: record.build.clone(),
            began: record.began,
            looks: Vec::new(),
        }
    }

    /// The attempt, or the task without one, of a line of the ledger.
    fn of_entry(entry: Entry) -> Self {
        Self {
            outcome: Some(entry.outcome.clone()),
            entry,
            page: None,
            is_recorded: false,
            build: None,
            began: false,
            looks: Vec::new(),
        }
    }

    /// Adds a line of the ledger to the attempts that were read before. Returns one whose attempt is in an older month.
    pub(super) fn enter(attempts: &mut Vec<Self>, entry: Entry) -> Option<Entry> {
        let id = match entry.kind {
            Kind::Kept => entry.attempt.strip_suffix(KEPT),
            Kind::Hedged => entry.attempt.strip_suffix(HEDGED),
            Kind::Waiting => entry.attempt.strip_suffix(WAITING),
            _ => None,
        };
        let id = id.unwrap_or(&entry.attempt);
        let known = attempts
            .iter_mut()
            .find(|attempt| attempt.entry.attempt == id);
        match (known, entry.kind) {
            (Some(known), _) => known.absorb(entry),
            (None, Kind::Kept | Kind::Waiting | Kind::Hedged) if id != entry.attempt => {
                return Some(entry);
            }
            (None, Kind::Kept | Kind::Waiting | Kind::Hedged | Kind::Addition | Kind::Other) => {}
            (None, Kind::Job | Kind::Orphan) => attempts.push(Self::of_entry(entry)),
        }
        None
    }

    /// Adds what a later line knows of its tasks. The line of an attempt that still has a record adds nothing else.
    fn absorb(&mut self, entry: Entry) {
        for later in entry.tasks {
            match self.task_mut(&later.task) {
                Some(task) => {
                    task.stop_accepted = task.stop_accepted.or(later.stop_accepted);
                    task.kept_until = task.kept_until.or(later.kept_until);
                    task.facts = later.facts.or(std::mem::take(&mut task.facts));
                }
                None => self.entry.tasks.push(later),
            }
        }
    }

    fn task_mut(&mut self, id: &str) -> Option<&mut TaskEntry> {
        self.entry.tasks.iter_mut().find(|task| task.task == id)
    }

    /// Adds AWS's present view of one of its tasks.
    pub(super) fn see(&mut self, look: Task) {
        if let Some(task) = self.task_mut(look.id()) {
            task.facts = look.facts().or(std::mem::take(&mut task.facts));
            self.looks.push(look);
        }
    }

    /// AWS's present view of a task.
    pub(super) fn look(&self, id: &str) -> Option<&Task> {
        self.looks.iter().find(|look| look.id() == id)
    }

    /// Why AWS ends or ended a task, as far as AWS still knows it.
    pub(super) fn stop_reason(&self, id: &str) -> Option<String> {
        let look = self.look(id).filter(|look| look.is_ending())?;
        Some(look.stop_reason(self.build.as_ref(), self.began).cause)
    }

    /// Whether it is what an operator names.
    pub(super) fn is(&self, subject: &Subject) -> bool {
        let is_job = subject.job == Some(self.entry.job_id);
        is_job
            || subject
                .task
                .as_deref()
                .is_some_and(|task| self.has_task(task))
    }

    /// Whether a task's id begins so.
    fn has_task(&self, id: &str) -> bool {
        self.entry
            .tasks
            .iter()
            .any(|task| task.task.starts_with(id))
    }

    /// Whether all its tasks have stopped, as far as anybody knows, and none comes any more.
    pub(super) fn is_over(&self) -> bool {
        let has_stopped = |task: &TaskEntry| match self.look(&task.task) {
            Some(look) => look.is_over(),
            None => !self.is_recorded,
        };
        let tasks = &self.entry.tasks;
        (!self.is_recorded || !tasks.is_empty()) && tasks.iter().all(has_stopped)
    }

    /// Its title, such as `job 7 of acme/shop: unit tests`.
    pub(super) fn title(&self) -> String {
        let Entry {
            job_id,
            project_id,
            project,
            job,
            ..
        } = &self.entry;
        let of_project = match project.is_empty() {
            true => format!("job {job_id} of project {project_id}"),
            false => format!("job {job_id} of {project}"),
        };
        match (self.entry.kind, job.is_empty()) {
            (Kind::Orphan, _) => format!("a task without a record, of {of_project}"),
            (_, true) => of_project,
            (_, false) => format!("{of_project}: {job}"),
        }
    }
}
