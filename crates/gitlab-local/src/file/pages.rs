//! `pages:`: the folder that GitLab Pages would publish is among the artifacts of its job.

use crate::file::artifacts::Artifacts;
use crate::file::inherit::JobNode;
use crate::yaml::Value;

/// The old way to make a job publish: its name.
const PAGES: &str = "pages";

/// The folder that is published where the job names none.
const DEFAULT_FOLDER: &str = "public";

/// The artifacts of a job that publishes: its own, and the folder ("CI/CD YAML syntax reference", `artifacts:paths`).
pub(super) fn with_published_folder(
    job: &JobNode<'_>,
    artifacts: Option<Artifacts>,
) -> Option<Artifacts> {
    let Some(folder) = published_folder(job) else {
        return artifacts;
    };
    let mut artifacts = artifacts.unwrap_or_default();
    if !artifacts.paths.contains(&folder) {
        artifacts.paths.push(folder);
    }
    Some(artifacts)
}

/// The folder that the job publishes, if it does.
fn published_folder(job: &JobNode<'_>) -> Option<String> {
    let pages = job.own.get(PAGES);
    let publishes = match pages.map(|pages| &pages.value) {
        None | Some(Value::Null) => job.name == PAGES,
        Some(Value::Bool(publishes)) => *publishes,
        Some(_) => true,
    };
    let named = pages.and_then(|pages| pages.get("publish"));
    let named = named.or_else(|| job.own.get("publish"));
    let folder = named.and_then(|folder| folder.scalar());
    publishes.then(|| folder.unwrap_or_else(|| DEFAULT_FOLDER.to_owned()))
}
