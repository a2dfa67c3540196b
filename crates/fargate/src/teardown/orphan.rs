//! Whether a job is over without its cleanup, and a task without a job. Decisions only.

use std::time::Duration;

use crate::state::job_folder::Presence;
use crate::state::liveness::Liveness;
use crate::state::record::Record;
use crate::state::warm::WarmFile;
use crate::task::Task;
use crate::task::ownership::{Mark, WarmMark};

/// How long after its start a job is over whose record or mark does not say when: longer than any job of GitLab's.
const LONGEST_JOB: u64 = 7 * 24 * 3600;

/// How long after its time a job is over whose runner lives: the runner itself ends it minutes after its timeout, and
/// calls cleanup, which may have been unable to mark the record.
const BEYOND_ITS_TIME: u64 = 24 * 3600;

/// How long a cleanup takes at most until the agents of a task have agreed to keep it.
const KEEPING: u64 = 5 * 60;

/// How long apart a job's folder must be seen missing twice.
const MISSING_FOR: u64 = 3 * 60;

/// How far the clocks of two machines may be apart.
const CLOCKS_APART: u64 = 10 * 60;

/// Whether something is ended or left alone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep(String),
    End(String),
}

/// A look at a job's folder, judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Absence {
    /// Since when it is missing, in seconds since 1970.
    pub(crate) since: Option<u64>,
    /// Whether GitLab Runner has done with the job.
    pub(crate) is_over: bool,
}

/// Judges another look at a job's folder that was missing `since` then; `may_run` is whether a stage of the job may be
/// running, which needs the folder.
pub(crate) fn absence(since: Option<u64>, seen: Presence, may_run: bool, now: u64) -> Absence {
    let (since, is_over) = match seen {
        Presence::Unknown => (since, false),
        Presence::Present => (None, false),
        Presence::Missing if may_run => (None, false),
        // A time in the future is that of a clock that was set back.
        Presence::Missing => match since.filter(|since| *since <= now) {
            Some(first) => (Some(first), now - first >= MISSING_FOR),
            None => (Some(now), false),
        },
    };
    Absence { since, is_over }
}

/// Whether a job is over, whose GitLab Runner is in this state.
pub(crate) fn of_job(record: &Record, runner: Liveness, absence: Absence, now: u64) -> Verdict {
    let over_at = over_at(record);
    let is_long_over = |over_at: u64| now > over_at.saturating_add(BEYOND_ITS_TIME);
    let ago = |over_at: u64| span(Duration::from_secs(now.saturating_sub(over_at)));
    let ended = Duration::from_millis(record.times.ended.unwrap_or_default()).as_secs();
    let is_cut_short = !record.is_entered && now > ended.saturating_add(KEEPING);
    if let Some(until) = record.kept_until.filter(|_| !is_cut_short) {
        return match until.checked_sub(now) {
            // More would be left where the clock was set back.
            Some(left) if left > 0 && left <= record.keep_for => Verdict::Keep(format!(
                "its task is kept for another {} (KeepFailedFor)",
                span(Duration::from_secs(left))
            )),
            _ => Verdict::End("the time is over for which its task was kept".to_owned()),
        };
    }
    match runner {
        _ if record.ends => Verdict::End("its end had begun, and was cut short".to_owned()),
        Liveness::Lives if record.over_at.is_some_and(is_long_over) => Verdict::End(format!(
            "its time was over {} ago, though its GitLab Runner lives",
            ago(over_at)
        )),
        Liveness::Lives if absence.is_over => {
            Verdict::End("its GitLab Runner has removed the job's folder".to_owned())
        }
        Liveness::Lives => Verdict::Keep("its GitLab Runner lives".to_owned()),
        Liveness::Gone => Verdict::End("its GitLab Runner is gone".to_owned()),
        Liveness::Unknown if now > over_at => {
            Verdict::End(format!("its time was over {} ago", ago(over_at)))
        }
        Liveness::Unknown => Verdict::Keep(format!(
            "whether its GitLab Runner lives cannot be seen from here, and its time is over in {}",
            span(Duration::from_secs(over_at - now))
        )),
    }
}

/// When a job is over in any case.
fn over_at(record: &Record) -> u64 {
    let intended = record.starts().iter().map(|start| start.intended_at);
    record
        .over_at
        .unwrap_or(intended.max().unwrap_or(0).saturating_add(LONGEST_JOB))
}

/// A check of tasks that carry this manager's name.
#[derive(Debug)]
pub(crate) struct OrphanCheck<'a> {
    /// The records, read after the task was listed.
    pub(crate) records: &'a [&'a Record],
    /// The waiting tasks, read at the same instant.
    pub(crate) waiting: &'a [WarmFile],
    /// The id of this manager's folder.
    pub(crate) folder: &'a str,
    /// The time, in seconds since 1970.
    pub(crate) now: u64,
    /// How old a task of this folder must be that no record names, in case nobody thought of something.
    pub(crate) patience: Duration,
}

impl OrphanCheck<'_> {
    /// Whether a task is ended; nothing when a record answers for it or its end has begun. `owner` is the manager that
    /// it was listed by (AWS: startedBy): drivers of format 1 put their folder's id there, and not into the mark.
    ///
    /// An intent is recorded before each RunTask, so a task of this folder that no record answers for has lost its job.
    /// The records of other folders cannot be seen from here: their tasks have until their time is over.
    pub(crate) fn verdict(&self, task: &Task, owner: &str) -> Option<Verdict> {
        let group = task.group.as_deref().unwrap_or_default();
        if task.is_ending() || self.is_recorded(task, group) {
            return None;
        }
        if let Some(mark) = WarmMark::parse(group) {
            let created_at = task.created_at().unwrap_or(self.now);
            // A job may have claimed it since, and its time does not end with the task's.
            let over_at = mark.over_at.saturating_add(LONGEST_JOB);
            return Some(self.of_folder(&mark.folder, created_at, over_at));
        }
        let Some(mark) = Mark::parse(group) else {
            let why = format!("its group {group:?} is none that this version writes");
            return Some(Verdict::Keep(why));
        };
        let created_at = task.created_at().unwrap_or(self.now);
        let (folder, over_at) = mark
            .origin
            .unwrap_or_else(|| (owner.to_owned(), created_at.saturating_add(LONGEST_JOB)));
        Some(self.of_folder(&folder, created_at, over_at))
    }

    fn of_folder(&self, folder: &str, created_at: u64, over_at: u64) -> Verdict {
        match folder == self.folder {
            true => self.of_this_folder(created_at),
            false => self.of_another_folder(folder, over_at),
        }
    }

    fn is_recorded(&self, task: &Task, group: &str) -> bool {
        let is_its = |file: &WarmFile| {
            file.task.group == group || file.task.task.as_deref() == Some(task.arn.as_str())
        };
        self.waiting.iter().any(is_its)
            || self.records.iter().any(|record| {
                let mut starts = record.starts().iter();
                let is_named = starts.any(|start| start.task.as_deref() == Some(task.arn.as_str()));
                // A call under way, or one that ended with nobody knowing how, may have brought it.
                let is_open = record.starts().iter().any(|start| start.is_open());
                is_named || (is_open && record.group() == group)
            })
    }

    fn of_this_folder(&self, created_at: u64) -> Verdict {
        let age = Duration::from_secs(self.now.saturating_sub(created_at));
        if age >= self.patience {
            Verdict::End(format!("no record names it, {} after its start", span(age)))
        } else {
            Verdict::Keep(format!(
                "no record names it, but it was started only {} ago (--older-than)",
                span(age)
            ))
        }
    }

    fn of_another_folder(&self, folder: &str, over_at: u64) -> Verdict {
        let time = |seconds| span(Duration::from_secs(seconds));
        if self.now > over_at.saturating_add(CLOCKS_APART) {
            let ago = time(self.now - over_at);
            Verdict::End(format!("its time was over {ago} ago, in folder {folder}"))
        } else {
            Verdict::Keep(format!(
                "its record is in another folder, {folder}, and its time is over in {}",
                time((over_at + CLOCKS_APART).saturating_sub(self.now))
            ))
        }
    }
}

/// A duration in words, to the second.
fn span(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests;
