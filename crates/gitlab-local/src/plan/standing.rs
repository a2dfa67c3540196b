//! What the jobs before have become, and whether a job runs after them.
//!
//! GitLab sums up the jobs that a job waits for (`Gitlab::Ci::Status::Composite`), and runs it where its `when` takes
//! the sum (`Ci::ProcessBuildService`).

use crate::file::{JobDefinition, When};

/// How a job of a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Succeeded,
    /// With `allow_failure` the pipeline goes on.
    Failed {
        is_allowed: bool,
    },
    /// It did not run because of others.
    Skipped,
    /// It is manual, and nobody started it. With `allow_failure` the pipeline goes on.
    NotStarted {
        is_allowed: bool,
    },
    /// It waits for a manual job that nobody started.
    Blocked,
}

/// The sum of the jobs that a job waits for, with the name of one that makes it so.
enum Before<'a> {
    Success,
    Failed(&'a str),
    Skipped(&'a str),
    /// A manual job, which nobody started.
    Manual(&'a str),
    Blocked(&'a str),
}

/// Why `job` does not run after jobs that ended so, by their names, and how it stands then; `None` where it runs. A
/// person has asked for it where `is_asked_for` says so, which starts a manual job.
pub(super) fn not_run(
    job: &JobDefinition,
    is_asked_for: bool,
    ended: &[(&str, Standing)],
) -> Option<(String, Standing)> {
    let skipped = |reason: String| Some((reason, Standing::Skipped));
    let did_not_run = |name: &str| format!("{name} did not run");
    let own_reason = || own_reason(job, is_asked_for);
    match (before(job, ended), job.when) {
        (Before::Manual(name), _) => Some((format!("{name} is manual"), Standing::Blocked)),
        (Before::Blocked(name), _) => Some((did_not_run(name), Standing::Blocked)),
        (_, When::Always) | (Before::Failed(_), When::OnFailure) => own_reason(),
        (_, When::OnFailure) => skipped("no job before it failed".to_owned()),
        (Before::Failed(name), _) => skipped(format!("{name} failed")),
        (Before::Skipped(name), _) => skipped(did_not_run(name)),
        (Before::Success, _) => own_reason(),
    }
}

/// Why the job does not run whatever came before it.
fn own_reason(job: &JobDefinition, is_asked_for: bool) -> Option<(String, Standing)> {
    if job.when == When::Manual && !is_asked_for {
        let is_allowed = job.allow_failure.always;
        return Some((
            "it is manual".to_owned(),
            Standing::NotStarted { is_allowed },
        ));
    }
    // GitLab goes on as soon as the other pipeline is there.
    let reason = || ("it starts another pipeline".to_owned(), Standing::Succeeded);
    job.is_trigger.then(reason)
}

fn before<'a>(job: &JobDefinition, ended: &[(&'a str, Standing)]) -> Before<'a> {
    let find = |wanted: fn(Standing) -> bool| {
        let mut found = ended.iter().filter(|(_, standing)| wanted(*standing));
        found.next().map(|(name, _)| *name)
    };
    // A job with `needs` does not run where one of them does not.
    if job.needs.is_some() {
        let skipped = |standing| {
            matches!(
                standing,
                Standing::Skipped | Standing::NotStarted { is_allowed: true }
            )
        };
        if let Some(name) = find(skipped) {
            return Before::Skipped(name);
        }
    }
    if let Some(name) = find(|standing| standing == Standing::NotStarted { is_allowed: false }) {
        return Before::Manual(name);
    }
    if let Some(name) = find(|standing| standing == Standing::Blocked) {
        return Before::Blocked(name);
    }
    match find(|standing| standing == Standing::Failed { is_allowed: false }) {
        Some(name) => Before::Failed(name),
        None => Before::Success,
    }
}
