//! The permissions of the manager: by IAM's simulation, and by calls that cannot do anything.

use super::super::catalog::PERMISSIONS;
use super::super::check::{Check, Subject};
use super::super::facts::{Named, Probed};
use super::answers::skipped;
use super::statement::Place;
use crate::aws::{AwsError, Decision, Identity};
use crate::config::Fargate;

/// Actions without which jobs run, if not as well.
const OPTIONAL: [&str; 2] = ["ecs:TagResource", "logs:GetLogEvents"];

/// Judges the permissions. A call says more than a simulation, which does not see all policies.
pub(super) fn permissions(
    named: &Named,
    identity: Option<&Identity>,
    fargate: &Fargate,
) -> Vec<Check> {
    let place = identity.map(|identity| Place::of(identity, fargate));
    let probes = named.probes.as_slice();
    let is_tried = |decision: &&Decision| {
        let mut tried = probes.iter().filter(|probed| is_clear(probed));
        tried.any(|probed| probed.action == decision.action)
    };
    let mut checks: Vec<_> = probes.iter().filter_map(of_probe).collect();
    let mut simulated = Vec::new();
    match &named.permissions {
        Some(Ok(decisions)) => {
            simulated.extend(decisions.iter().filter(|decision| !is_tried(decision)));
            checks.extend(of_simulation(&simulated, place.as_ref()));
        }
        // Calls say what can be said.
        _ if !probes.is_empty() => {}
        None if identity.is_none() => checks.push(PERMISSIONS.skip(
            "without STS, the manager's role is unknown; --probe tries calls that cannot do anything",
        )),
        None => checks.push(PERMISSIONS.skip(
            "only a role's can be simulated, and this caller has none; --probe tries calls that cannot do anything",
        )),
        Some(Err(refusal)) => checks.push(simulation_refused(refusal)),
    }
    if checks.is_empty() {
        checks.push(PERMISSIONS.pass(all_allowed(probes, &simulated)));
    }
    checks
}

/// Whether a call has shown anything.
fn is_clear(probed: &Probed) -> bool {
    probed.answer.as_ref().err().is_none_or(AwsError::is_denied)
}

fn simulation_refused(refusal: &AwsError) -> Check {
    let mut check = skipped(refusal, &PERMISSIONS);
    check
        .found
        .push_str("; --probe tries calls that cannot do anything");
    check
}

/// The check of an action that the manager may not call, or of which a call has shown nothing.
fn of_probe(Probed { action, answer }: &Probed) -> Option<Check> {
    let refusal = answer.as_ref().err()?;
    if !refusal.is_denied() {
        return Some(skipped(refusal, &PERMISSIONS));
    }
    let advice = refusal.advice().unwrap_or_default();
    let judge = severity(action);
    Some(judge(&PERMISSIONS, refusal.to_string(), advice))
}

/// How bad the lack of an action is.
fn severity(action: &str) -> fn(&'static Subject, String, String) -> Check {
    match OPTIONAL.contains(&action) {
        true => Subject::warn,
        false => Subject::fail,
    }
}

fn of_simulation(decisions: &[&Decision], place: Option<&Place<'_>>) -> Vec<Check> {
    let denied = decisions.iter().filter(|decision| !decision.is_allowed);
    let mut checks: Vec<_> = denied
        .map(|decision| {
            // A decision that depends on a value that was not given is unknown.
            let is_unknown = decision.is_uncertain && !decision.is_explicit;
            let judge = match is_unknown {
                true => Subject::warn,
                false => severity(&decision.action),
            };
            judge(&PERMISSIONS, found(decision), fix(decision, place))
        })
        .collect();
    checks.sort_by_key(|check| check.status != super::super::check::Status::Fail);
    checks
}

/// How it is known that all is allowed.
fn all_allowed(probes: &[Probed], simulated: &[&Decision]) -> String {
    let mut actions: Vec<_> = simulated.iter().map(|decision| &decision.action).collect();
    actions.sort_unstable();
    actions.dedup();
    let (tried, simulated) = (probes.len(), actions.len());
    match (tried, simulated) {
        (0, _) => format!("all {simulated} actions of jobs are allowed, by simulation"),
        (_, 0) => format!(
            "{tried} actions of jobs are allowed, by calls that cannot do anything; iam:PassRole and ecs:TagResource have no \
             such call: --start shows them"
        ),
        _ => format!(
            "all {} actions of jobs are allowed: {tried} by calls that cannot do anything, {simulated} by simulation",
            tried + simulated
        ),
    }
}

fn found(decision: &Decision) -> String {
    let Decision {
        action, resource, ..
    } = decision;
    let why = match (decision.is_explicit, decision.is_uncertain) {
        (true, _) => "a policy denies it",
        (false, true) => "a policy's condition hangs on values that only the real call has",
        (false, false) => "no policy allows it",
    };
    format!("{action} on {resource}: {why}, by simulation")
}

fn fix(decision: &Decision, place: Option<&Place<'_>>) -> String {
    let Decision {
        action, resource, ..
    } = decision;
    if let Some(policy) = decision.forbidden_by {
        return format!("A {policy} does not allow it; ask those who maintain it.");
    }
    if decision.is_explicit {
        return "An explicit deny wins over every permission; ask those who maintain that policy."
            .to_owned();
    }
    // IAM simulates the role of a caller that STS has told.
    match place {
        Some(place) => format!(
            "Add to the policy of the manager's role:\n$ {}",
            place.statement(action, resource)
        ),
        None => format!("Allow {action} on {resource} in the policy of the manager's role."),
    }
}
