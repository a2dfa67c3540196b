//! The ledger of a manager host, read as any reader has to: the first whole line of each attempt counts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::manager_host::ManagerHost;

/// The entries of a host's ledger, in their order.
pub fn entries(manager: &ManagerHost) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut entries = lines(manager);
    entries.retain(|entry| seen.insert(entry["attempt"].as_str().unwrap().to_owned()));
    entries
}

/// All whole lines of a host's ledger, also those that repeat an attempt.
fn lines(manager: &ManagerHost) -> Vec<Value> {
    let Ok(folder) = std::fs::read_dir(manager.metadata().join("ledger")) else {
        return Vec::new();
    };
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        lines.extend(
            text.lines()
                .filter_map(|line| serde_json::from_str(line).ok()),
        );
    }
    lines
}

/// Checks that the times of an entry follow each other: then its phases add up to the whole.
///
/// # Errors
///
/// With the first two that do not.
pub fn adds_up(entry: &Value) -> Result<(), String> {
    let times = &entry["times"];
    let attempt = ["asked", "ready", "first_script", "ended"].map(|name| (name, &times[name]));
    let mut orders = vec![attempt.to_vec()];
    for task in entry["tasks"].as_array().into_iter().flatten() {
        let of_task = &task["facts"]["times"];
        let phases = [
            "created",
            "connected",
            "pull_started",
            "pull_stopped",
            "started",
            "stopping",
            "stopped",
        ];
        orders.push(phases.map(|name| (name, &of_task[name])).to_vec());
        // A task that waited was there before its job.
        let has_waited = task["claimed_at"].is_u64();
        let mut around = match has_waited {
            true => Vec::new(),
            false => vec![("asked", &times["asked"]), ("created", &of_task["created"])],
        };
        if task["won"] == true {
            around.extend([
                ("ready", &times["ready"]),
                ("first_script", &times["first_script"]),
                ("ended", &times["ended"]),
                ("stop_accepted", &task["stop_accepted"]),
            ]);
        }
        orders.push(around);
    }
    for order in orders {
        let known = order.into_iter();
        let known: Vec<_> = known
            .filter_map(|(name, at)| Some((name, at.as_u64()?)))
            .collect();
        for pair in known.windows(2) {
            if pair[0].1 > pair[1].1 {
                return Err(format!("{} is after {} in {entry:#}", pair[0].0, pair[1].0));
            }
        }
    }
    Ok(())
}

/// Checks that the ledger has every attempt at each of these jobs, once, and none at any other job: as many as are
/// given, at least and at most.
///
/// # Errors
///
/// With the job whose attempts are others.
pub fn has_attempts(
    manager: &ManagerHost,
    expected: &BTreeMap<u64, RangeInclusive<usize>>,
) -> Result<(), String> {
    let mut attempts: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for entry in entries(manager) {
        if entry["kind"] == "job" {
            let job = entry["job_id"].as_u64().unwrap();
            attempts.entry(job).or_default().push(entry);
        }
    }
    let jobs: BTreeSet<_> = attempts.keys().chain(expected.keys()).copied().collect();
    for job in jobs {
        let entered = attempts.remove(&job).unwrap_or_default();
        let of_job = expected.get(&job).cloned().unwrap_or(0..=0);
        if !of_job.contains(&entered.len()) {
            return Err(format!(
                "job {job} had {of_job:?} attempts, and {} are in the ledger: {entered:#?}",
                entered.len()
            ));
        }
    }
    Ok(())
}

/// Checks that the ledger is whole: the phases of each entry add up, and each task that the driver stopped is in one
/// entry.
///
/// # Errors
///
/// With the first entry or task that is wrong.
pub fn is_whole(manager: &ManagerHost) -> Result<(), String> {
    let entries = entries(manager);
    let mut tasks: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        adds_up(entry)?;
        // A task that was kept is in the line of its attempt, too.
        if entry["kind"] == "kept" {
            continue;
        }
        // So is one that a job claimed, in the line about its waiting.
        let is_jobs = |task: &&Value| entry["kind"] != "waiting" || task["claimed_at"].is_null();
        let all = entry["tasks"].as_array().into_iter().flatten();
        for task in all.filter(is_jobs) {
            let id = task["task"].as_str().unwrap().to_owned();
            *tasks.entry(id).or_default() += 1;
        }
    }
    if let Some((task, count)) = tasks.iter().find(|(_, count)| **count != 1) {
        let mut naming = lines(manager);
        naming.retain(|line| line.to_string().contains(task));
        return Err(format!(
            "task {task} is in {count} entries of the ledger, named by {naming:#?}"
        ));
    }
    // A task that came after the end of its attempt is in a later line, as readers know.
    for entry in lines(manager) {
        for task in entry["tasks"].as_array().into_iter().flatten() {
            tasks
                .entry(task["task"].as_str().unwrap().to_owned())
                .or_insert(1);
        }
    }
    for history in manager.aws.task_histories() {
        let id = history["taskArn"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        if history["stopCode"] == "UserInitiated" && !tasks.contains_key(id) {
            return Err(format!("task {id} is missing in the ledger: {history:#}"));
        }
    }
    Ok(())
}
