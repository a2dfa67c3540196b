//! How far a prepare was when it was killed, as the folder shows it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;
use testing::{Job, ManagerHost, SECOND};

use super::kind::Kind;

/// How far a prepare is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// It has no record.
    Begun,
    /// Its record names no start.
    Recorded,
    /// Its record says which task it claims.
    Intended,
    /// It has the task's file, and no proof yet that the task is there.
    Taken,
    /// It is about to call RunTask, or AWS has not answered.
    Asked,
    /// AWS has refused that.
    Refused,
    /// A waiting task is ended in its place.
    Yields,
    /// A task has yielded.
    Yielded,
    /// It has a task, which does not take scripts yet.
    Started,
    /// It is about to ask for a second one, or AWS has not answered.
    SecondAsked,
    /// It has two.
    Both,
    /// It has a task that takes scripts.
    Ready,
}

impl Step {
    /// The steps of a prepare of this kind, in their order.
    pub(super) fn of(kind: Kind) -> &'static [Self] {
        use Step::*;
        match kind {
            Kind::Claim => &[Recorded, Intended, Taken, Ready],
            Kind::Hedge => &[Asked, Started, SecondAsked, Both, Ready],
            Kind::Yield => &[Refused, Yields, Yielded],
            Kind::Later | Kind::Keep => &[],
        }
    }

    /// How far the prepare of this job is; `has_yielded` is whether its log says that a task has yielded.
    pub(super) fn look(job: &Job<'_>, has_yielded: bool) -> Self {
        let Some(record) = job.recorded() else {
            return Self::Begun;
        };
        if record["login"].is_object() {
            return Self::Ready;
        }
        let starts = record["starts"].as_array().cloned().unwrap_or_default();
        let (claims, calls): (Vec<_>, Vec<_>) =
            starts.iter().partition(|start| start["claim"].is_string());
        let (seconds, firsts): (Vec<&Value>, Vec<&Value>) =
            calls.into_iter().partition(|start| start["hedges"] == true);
        if seconds.iter().any(|start| start["task"].is_string()) {
            return Self::Both;
        }
        if seconds.iter().any(|start| start["standing"] == "asked") {
            return Self::SecondAsked;
        }
        match firsts
            .last()
            .map(|start| start["standing"].as_str().unwrap())
        {
            Some("asked") => Self::Asked,
            Some("refused") if has_yielded => Self::Yielded,
            Some("refused") if is_ended(job.manager) => Self::Yields,
            Some("refused") => Self::Refused,
            Some(_) => Self::Started,
            None if claims.is_empty() => Self::Recorded,
            None => {
                let attempt = record["attempt"].as_str().unwrap();
                let has_taken = |file: &String| file.ends_with(&format!(".claimed-{attempt}"));
                match files(job.manager).iter().any(has_taken) {
                    true => Self::Taken,
                    false => Self::Intended,
                }
            }
        }
    }
}

/// The last step of a keep that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeepStep {
    /// A task was asked for, and no answer of AWS's noted.
    Asks,
    /// A task started.
    Starts,
    /// A task was ended.
    Ends,
    /// Nothing of that.
    Waits,
}

impl KeepStep {
    /// The present step of this manager's keep.
    pub(super) fn look(manager: &ManagerHost) -> Self {
        let files = files(manager);
        let waiting: Vec<_> = files
            .iter()
            .filter_map(|file| read(manager, file))
            .collect();
        if waiting.iter().any(|task| task["task"].is_null()) {
            Self::Asks
        } else if waiting.iter().any(|task| task["login"].is_null()) {
            Self::Starts
        } else if is_ended(manager) {
            Self::Ends
        } else {
            Self::Waits
        }
    }
}

/// Whether somebody ends a waiting task: its file has a holder that is no job's attempt.
fn is_ended(manager: &ManagerHost) -> bool {
    let records = manager.records();
    let attempts: BTreeSet<String> = records
        .iter()
        .filter_map(|file| {
            let record: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
            Some(record["attempt"].as_str()?.to_owned())
        })
        .collect();
    files(manager).iter().any(|file| {
        let holder = file.split_once(".claimed-");
        holder.is_some_and(|(_, holder)| !attempts.contains(holder))
    })
}

/// The folder of waiting tasks.
pub(super) fn warm(manager: &ManagerHost) -> PathBuf {
    manager.metadata().join("warm")
}

/// The files of waiting tasks, claimed ones among them.
pub(super) fn files(manager: &ManagerHost) -> Vec<String> {
    let mut names = names(manager);
    names.retain(|name| name.ends_with(".json") || name.contains(".claimed-"));
    names
}

/// Whether a task is ready for a job.
pub(super) fn has_ready(manager: &ManagerHost) -> bool {
    let files = files(manager);
    let mut waiting = files.iter().filter(|file| file.ends_with(".json"));
    waiting.any(|file| read(manager, file).is_some_and(|task| task["login"].is_object()))
}

/// Makes the drafts that killed processes left old enough for the next sweep to remove them.
pub(super) fn age_drafts(manager: &ManagerHost) {
    for name in names(manager)
        .iter()
        .filter(|name| name.ends_with(".draft"))
    {
        let draft = File::open(warm(manager).join(name)).unwrap();
        draft
            .set_modified(SystemTime::now() - 120 * SECOND)
            .unwrap();
    }
}

/// Everything in the folder of waiting tasks but locks, marks and word of keeps.
pub(super) fn leftovers(manager: &ManagerHost) -> Vec<String> {
    let is_mark = |name: &String| {
        let is_keeps =
            name.starts_with("keep-") && (name.ends_with(".lock") || name.ends_with(".wants"));
        is_keeps || matches!(name.as_str(), "yielded" | "wanted")
    };
    let mut names = names(manager);
    names.retain(|name| !is_mark(name));
    names
}

fn names(manager: &ManagerHost) -> Vec<String> {
    let Ok(folder) = warm(manager).read_dir() else {
        return Vec::new();
    };
    let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// The task in a file that may be gone by now.
fn read(manager: &ManagerHost, file: &str) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(warm(manager).join(file)).ok()?).ok()
}
