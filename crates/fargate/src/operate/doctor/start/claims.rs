//! The job's findings, as checks. Each promise of the documentation alone is confirmed or not.

use super::super::catalog::{
    CLAIM_ENVIRONMENT, CLAIM_GROUP, CLAIM_HOSTS, CLAIM_MISSING, CLAIM_PULLS, CLAIM_STOP,
    CLAIM_TAGS, CLAIM_VOLUME, START_END, START_SCRIPTS, START_TASK,
};
use super::super::check::{Check, Subject};
use super::observed::{Observed, Outcome};
use crate::task::Task;

/// The remedy where AWS is other than this program takes it to be.
const REPORT: &str = "Please report this with the lines of this category: fargate doctor --start --only start. They have no \
                      secrets, and account ids are masked.";

/// Judges all of it.
pub(super) fn judge(observed: &Observed) -> Vec<Check> {
    let mut checks = vec![task(observed)];
    if observed.prepare.is_success {
        checks.push(scripts(observed));
    }
    checks.push(end(observed));
    if observed.prepare.is_success {
        checks.extend([
            missing(observed),
            hosts_file(observed),
            volume(observed),
            environment(observed),
            pulls(observed),
            group(observed),
            tags(observed),
            stop(observed),
        ]);
    }
    for check in &mut checks {
        check.found = masked(&check.found);
    }
    checks
}

fn task(observed: &Observed) -> Check {
    let took = observed.took.as_secs_f64();
    if !observed.prepare.is_success {
        let (error, advice) = fault(&observed.prepare);
        return START_TASK.fail(format!("after {took:.1} s: {error}"), advice);
    }
    let lines = observed.prepare.text.lines();
    let timeline = lines
        .filter_map(|line| line.split_once("Timeline: "))
        .map(|(_, rest)| rest)
        .next_back();
    let timeline = timeline
        .map(|line| format!(": {}", line.trim()))
        .unwrap_or_default();
    START_TASK.pass(format!("takes scripts after {took:.1} s{timeline}"))
}

fn scripts(observed: &Observed) -> Check {
    match observed
        .scripts
        .iter()
        .find(|(_, outcome)| !outcome.is_success)
    {
        Some((stage, outcome)) => {
            let (error, advice) = fault(outcome);
            START_SCRIPTS.fail(format!("{stage}: {error}"), advice)
        }
        None => START_SCRIPTS.pass(match observed.is_job_image {
            true => "in the helper and in the job's container",
            false => "in ci-coordinator",
        }),
    }
}

fn end(observed: &Observed) -> Check {
    if !observed.cleanup.is_success {
        let (error, _) = fault(&observed.cleanup);
        let remedy = "See whether its task still runs, and end it:\n$ fargate reap --older-than 0s";
        return START_END.fail(error, remedy);
    }
    match &observed.stopped {
        Some(task) => {
            let seconds = task.times.stopped.zip(task.times.stopping);
            let seconds = seconds.map(|(end, begin)| end.saturating_sub(begin));
            let took = seconds.map(|millis| {
                format!(
                    ", {:.0} s after StopTask",
                    f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1000.0
                )
            });
            START_END.pass(format!("the task is gone{}", took.unwrap_or_default()))
        }
        None => START_END.pass("the task was stopped"),
    }
}

/// The first error of a stage, and its advice.
fn fault(outcome: &Outcome) -> (String, String) {
    let lines: Vec<_> = outcome.text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("ERROR: "));
    let error = at
        .and_then(|at| lines.get(at))
        .map(|line| line.trim_start_matches("ERROR: "));
    let advice = at.and_then(|at| lines.get(at + 1)).map(|line| line.trim());
    let last = || {
        lines
            .iter()
            .rev()
            .find(|line| !line.trim().is_empty())
            .copied()
    };
    (
        error
            .or_else(last)
            .unwrap_or("it ended without a word")
            .to_owned(),
        advice
            .filter(|line| !line.is_empty())
            .unwrap_or("docs/troubleshooting.md has messages, causes and remedies.")
            .to_owned(),
    )
}

fn missing(observed: &Observed) -> Check {
    match observed.missing {
        None => CLAIM_MISSING.skip("the task was ready before AWS was asked"),
        Some((_, 0)) => CLAIM_MISSING.pass("DescribeTasks knew the task at once"),
        Some((took, misses)) => CLAIM_MISSING.pass(format!(
            "DescribeTasks did not know the task for {:.1} s ({misses} looks)",
            took.as_secs_f64()
        )),
    }
}

/// A claim that a script looked at.
fn seen(subject: &'static Subject, seen: Option<bool>, yes: &str, no: &str, unseen: &str) -> Check {
    match seen {
        Some(true) => subject.pass(format!("confirmed: {yes}")),
        Some(false) => subject.warn(format!("not confirmed: {no}"), REPORT),
        None => subject.skip(unseen),
    }
}

fn hosts_file(observed: &Observed) -> Check {
    if !observed.is_job_image {
        return CLAIM_HOSTS.skip("only JobImage mode writes it");
    }
    seen(
        &CLAIM_HOSTS,
        match observed.hosts_files.as_slice() {
            [helper, job] => Some(helper == job),
            _ => None,
        },
        "helper and job's container have the same file",
        "helper and job's container have files of their own",
        "the scripts could not look: they need ls",
    )
}

fn volume(observed: &Observed) -> Check {
    if !observed.is_job_image {
        return CLAIM_VOLUME.skip("only JobImage mode has a volume for builds");
    }
    seen(
        &CLAIM_VOLUME,
        observed.volume_runs_programs,
        "a program ran from /builds",
        "a program in /builds did not run",
        "the job's user may not write to /builds",
    )
}

fn environment(observed: &Observed) -> Check {
    if !observed.is_job_image {
        return CLAIM_ENVIRONMENT.skip("an SSH server gives scripts an environment of its own");
    }
    seen(
        &CLAIM_ENVIRONMENT,
        observed.has_environment,
        "scripts have the container's variables",
        "scripts lack ECS_CONTAINER_METADATA_URI_V4",
        "no script said",
    )
}

fn pulls(observed: &Observed) -> Check {
    match &observed.pulls {
        None => CLAIM_PULLS.skip("the task's metadata was not read: scripts need wget or curl, and the container's variables"),
        Some((pulled, started)) if is_before(pulled, started) => {
            CLAIM_PULLS.pass(format!("confirmed: all images were there at {pulled}, the first container began at {started}"))
        }
        Some((pulled, started)) => CLAIM_PULLS.warn(
            format!("not confirmed: a container began at {started}, before all images were there at {pulled}; lazily loaded images (SOCI) do so"),
            REPORT,
        ),
    }
}

/// Whether a time is not after another. RFC 3339 in UTC is ordered as text, but for the letter after a fraction.
fn is_before(one: &str, other: &str) -> bool {
    one.trim_end_matches('Z') <= other.trim_end_matches('Z')
}

fn group(observed: &Observed) -> Check {
    let group = observed
        .running
        .as_ref()
        .and_then(|task| task.group.as_deref());
    match group {
        None => CLAIM_GROUP.skip("AWS did not show the task"),
        Some(group) if group.contains('/') => CLAIM_GROUP.pass(format!("confirmed: {group}")),
        Some(group) => CLAIM_GROUP.warn(format!("not confirmed: AWS shows {group:?}"), REPORT),
    }
}

fn tags(observed: &Observed) -> Check {
    match &observed.tags {
        None => CLAIM_TAGS.skip("AWS did not show the task"),
        Some(Err(refusal)) => CLAIM_TAGS.skip(refusal.as_str()),
        Some(Ok(tags)) => match tags.iter().find(|(_, value)| value.contains('/')) {
            Some((key, value)) => CLAIM_TAGS.pass(format!("confirmed: {key} is {value}")),
            None if tags.is_empty() => CLAIM_TAGS.warn(
                "the task has no tags",
                "Let the manager's role call ecs:TagResource (docs/iam); jobs run without.",
            ),
            None => CLAIM_TAGS.warn("not confirmed: no tag with / in its value", REPORT),
        },
    }
}

fn stop(observed: &Observed) -> Check {
    let told = |task: &Task| {
        let code = task.stop_code.as_deref().unwrap_or("none").to_owned();
        let reason = task.stopped_reason.clone().unwrap_or_default();
        (code, reason)
    };
    match observed.stopped.as_ref().map(told) {
        None => CLAIM_STOP.skip("the task did not stop while doctor looked"),
        Some((code, reason)) if code == "UserInitiated" => {
            CLAIM_STOP.pass(format!("confirmed: {code}, {reason:?}"))
        }
        Some((code, reason)) => {
            CLAIM_STOP.warn(format!("not confirmed: {code}, {reason:?}"), REPORT)
        }
    }
}

/// The text without account ids, which have twelve digits.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        match digits.len() {
            12 => masked.push_str("************"),
            _ => masked.push_str(&digits),
        }
        digits.clear();
        if character != '\0' {
            masked.push(character);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::super::super::check::Status;
    use super::*;

    #[test]
    fn account_ids_are_masked_and_nothing_else() {
        let text = "arn:aws:ecs:eu-west-1:111122223333:task/ci/0123456789012 took 12 s";
        assert_eq!(
            masked(text),
            "arn:aws:ecs:eu-west-1:************:task/ci/0123456789012 took 12 s"
        );
    }

    #[test]
    fn times_are_ordered_whatever_their_fraction() {
        assert!(is_before("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z"));
        assert!(is_before(
            "2026-01-02T03:04:05.1Z",
            "2026-01-02T03:04:05.12Z"
        ));
        assert!(!is_before("2026-01-02T03:04:06Z", "2026-01-02T03:04:05.9Z"));
    }

    #[test]
    fn claims_are_confirmed_or_not_and_what_was_not_seen_is_neither() {
        let good = || Outcome {
            is_success: true,
            text: String::new(),
        };
        let mut observed = Observed {
            is_job_image: true,
            prepare: good(),
            cleanup: good(),
            hosts_files: vec!["17".into(), "18".into()],
            pulls: Some(("2026-01-02T03:04:05Z".into(), "2026-01-02T03:04:04Z".into())),
            ..Observed::default()
        };
        let status = |observed: &Observed, id: &str| {
            let checks = judge(observed);
            checks
                .into_iter()
                .find(|check| check.subject.id == id)
                .unwrap()
                .status
        };
        assert_eq!(status(&observed, "claim-hosts-file"), Status::Warn);
        assert_eq!(status(&observed, "claim-pulls-first"), Status::Warn);
        assert_eq!(status(&observed, "claim-volume-programs"), Status::Skip);
        observed.hosts_files = vec!["17".into(), "17".into()];
        assert_eq!(status(&observed, "claim-hosts-file"), Status::Pass);
        observed.prepare.is_success = false;
        observed.prepare.text = "…\nERROR: no capacity\n  Try later.\n".into();
        let checks = judge(&observed);
        assert_eq!(checks.len(), 2);
        assert!(
            checks[0].found.ends_with("no capacity"),
            "{}",
            checks[0].found
        );
        assert_eq!(checks[0].fix.as_deref(), Some("Try later."));
    }
}
