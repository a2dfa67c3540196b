//! Roles of tasks, and the permissions of the manager's own.

use super::super::catalog::{EXECUTION_ROLE, PERMISSIONS, SERVICE_ROLE, TASK_ROLE};
use super::super::check::Check;
use super::super::facts::{Account, Answer, EXECUTION, Facts};
use super::answers::{read, skipped};
use super::trust::{Tasks, distrust};
use crate::aws::Decision;

/// Actions without which jobs run, if not as well.
const OPTIONAL: [&str; 2] = ["ecs:TagResource", "logs:GetLogEvents"];

/// Judges roles and permissions.
pub(super) fn roles(facts: &Facts, account: &Account) -> Vec<Check> {
    let (Ok(config), Some(named), Some(Ok(identity))) = (
        &facts.configuration.whole,
        &account.named,
        &account.identity,
    ) else {
        return Vec::new();
    };
    let mut checks = match &named.permissions {
        None => vec![PERMISSIONS.skip("only a role's can be simulated; this caller has none")],
        Some(answer) => permissions(answer),
    };
    let tasks = Tasks {
        account: &identity.account,
        region: &config.fargate.region,
    };
    checks.extend(named.roles.iter().map(|(key, arn, answer)| {
        let subject = match *key {
            EXECUTION => &EXECUTION_ROLE,
            _ => &TASK_ROLE,
        };
        match read(answer, subject) {
            Err(skipped) => skipped,
            Ok(None) => subject.fail(
                format!("there is no role {arn}"),
                format!("Correct the ARN of the {key}, or make the role with the trust policy docs/iam/tasks-trust.json."),
            ),
            Ok(Some(role)) => match distrust(&role.trust, &tasks) {
                None => subject.pass(match &role.boundary {
                    None => arn.clone(),
                    Some(boundary) => format!("{arn}, within the permissions boundary {boundary}"),
                }),
                Some(why) => subject.fail(
                    format!("{arn}: {why}"),
                    format!(
                        "Give it the trust policy docs/iam/tasks-trust.json, for this account and Region:\n$ aws iam \
                         update-assume-role-policy --role-name {} --policy-document file://tasks-trust.json",
                        arn.rsplit('/').next().unwrap_or_default()
                    ),
                ),
            },
        }
    }));
    checks.push(match read(&named.service_role, &SERVICE_ROLE) {
        Err(skipped) => skipped,
        Ok(Some(_)) => SERVICE_ROLE.pass("there"),
        Ok(None) => SERVICE_ROLE.warn(
            "AWSServiceRoleForECS is not there: ECS was never used in this account",
            "ECS makes it at its first use; that first call may fail. To make it now:\n$ aws iam create-service-linked-role \
             --aws-service-name ecs.amazonaws.com",
        ),
    });
    checks
}

fn permissions(answer: &Answer<Vec<Decision>>) -> Vec<Check> {
    let decisions = match answer {
        Ok(decisions) => decisions,
        Err(refusal) => return vec![skipped(refusal, &PERMISSIONS)],
    };
    let (required, optional): (Vec<_>, Vec<_>) = decisions
        .iter()
        .filter(|decision| !decision.is_allowed)
        .partition(|decision| !OPTIONAL.contains(&decision.action.as_str()));
    // A decision that depends on a value that was not given is unknown.
    let (unknown, denied): (Vec<_>, Vec<_>) = required
        .into_iter()
        .partition(|decision| decision.is_uncertain && !decision.is_explicit);
    let mut checks: Vec<_> = denied
        .into_iter()
        .map(|decision| PERMISSIONS.fail(found(decision), fix(decision)))
        .collect();
    let weaker = unknown.into_iter().chain(optional);
    checks.extend(weaker.map(|decision| PERMISSIONS.warn(found(decision), fix(decision))));
    if checks.is_empty() {
        let mut actions: Vec<_> = decisions.iter().map(|decision| &decision.action).collect();
        actions.sort_unstable();
        actions.dedup();
        let found = format!(
            "all {} actions of jobs are allowed, by simulation",
            actions.len()
        );
        checks.push(PERMISSIONS.pass(found));
    }
    checks
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

fn fix(decision: &Decision) -> String {
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
    format!(
        "Add to the policy of the manager's role, with the condition of docs/iam/manager.json:\n$ {{\"Effect\": \"Allow\", \
         \"Action\": \"{action}\", \"Resource\": \"{resource}\"}}"
    )
}
