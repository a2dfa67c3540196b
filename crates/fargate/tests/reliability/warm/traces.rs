//! What has run in each task, as the scripts themselves tell: no file of the driver's has a part in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use testing::{Job, ManagerHost};

/// The script of a job that leaves its trace in its task, and then does this.
pub(super) fn script(job: &Job<'_>, then: &str) -> String {
    let folder = folder(job.manager);
    // A container has a name of its own, which begins with its task's.
    format!(
        "echo {} >> '{}'/\"${{ECS_CONTAINER_METADATA_URI_V4##*/}}\"; {then}",
        job.id,
        folder.display()
    )
}

/// Makes the folder for the traces.
pub(super) fn prepare(manager: &ManagerHost) {
    std::fs::create_dir(folder(manager)).unwrap();
}

/// The jobs whose scripts ran in each task.
fn jobs_of_tasks(manager: &ManagerHost) -> BTreeMap<String, BTreeSet<u64>> {
    let mut tasks: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for file in folder(manager).read_dir().unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let (task, _) = name.split_once('-').unwrap();
        let trace = std::fs::read_to_string(file.path()).unwrap();
        let jobs = trace.lines().map(|job| job.parse::<u64>().unwrap());
        tasks.entry(task.to_owned()).or_default().extend(jobs);
    }
    tasks
}

/// Checks that no task has run scripts of two jobs, and no job had scripts in two tasks.
pub(super) fn used_once(manager: &ManagerHost) -> Result<(), String> {
    let mut tasks: BTreeMap<u64, String> = BTreeMap::new();
    for (task, jobs) in jobs_of_tasks(manager) {
        if jobs.len() > 1 {
            return Err(format!("task {task} has run scripts of jobs {jobs:?}"));
        }
        for job in jobs {
            if let Some(other) = tasks.insert(job, task.clone()) {
                return Err(format!(
                    "scripts of job {job} ran in tasks {other} and {task}"
                ));
            }
        }
    }
    Ok(())
}

fn folder(manager: &ManagerHost) -> PathBuf {
    manager.path("traces")
}
