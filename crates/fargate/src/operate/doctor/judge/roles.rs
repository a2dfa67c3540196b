//! Roles of tasks, and the one of ECS itself.

use super::super::catalog::{EXECUTION_ROLE, PERMISSIONS, SERVICE_ROLE, TASK_ROLE};
use super::super::check::{Check, Subject};
use super::super::facts::{Account, EXECUTION, Facts};
use super::answers::read;
use super::permissions::permissions;
use super::prerequisite::named;
use super::statement::Place;
use super::trust::{Tasks, distrust};
use crate::aws::{Identity, Role};
use crate::config::Fargate;

/// Judges permissions and roles.
pub(super) fn roles(facts: &Facts, account: &Account) -> Vec<Check> {
    let (config, named) = match named(facts, account, &PERMISSIONS) {
        Ok(known) => known,
        Err(skipped) => return vec![skipped],
    };
    let identity = account.identity.as_ref();
    let identity = identity.and_then(|answer| answer.as_ref().ok());
    let mut checks = permissions(named, identity, &config.fargate);
    let roles = named.roles.iter();
    checks.extend(roles.map(|(key, arn, answer)| {
        let subject = match *key {
            EXECUTION => &EXECUTION_ROLE,
            _ => &TASK_ROLE,
        };
        match read(answer, subject) {
            Err(skipped) => skipped,
            Ok(None) => subject.fail(
                format!("there is no role {arn}"),
                format!(
                    "Correct the ARN of the {key}, or make the role{}",
                    making(arn, identity, &config.fargate)
                ),
            ),
            Ok(Some(role)) => trusted(subject, role, identity, &config.fargate),
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

/// Whether ECS can take a role for tasks of this account and Region.
fn trusted(
    subject: &'static Subject,
    role: &Role,
    identity: Option<&Identity>,
    fargate: &Fargate,
) -> Check {
    let arn = &role.arn;
    let Some(identity) = identity else {
        return subject.skip(format!(
            "{arn} is there; its trust cannot be judged, as without STS the account of tasks is unknown"
        ));
    };
    let tasks = Tasks {
        account: &identity.account,
        region: &fargate.region,
    };
    match distrust(&role.trust, &tasks) {
        None => subject.pass(match &role.boundary {
            None => arn.clone(),
            Some(boundary) => format!("{arn}, within the permissions boundary {boundary}"),
        }),
        Some(why) => subject.fail(
            format!("{arn}: {why}"),
            format!(
                "Give it the trust policy docs/iam/tasks-trust.json, for this account and Region:\n$ aws iam \
                 update-assume-role-policy --role-name {} --policy-document '{}'",
                name(arn),
                Place::of(identity, fargate).trust()
            ),
        ),
    }
}

/// How a role is made.
fn making(arn: &str, identity: Option<&Identity>, fargate: &Fargate) -> String {
    match identity {
        None => " with the trust policy docs/iam/tasks-trust.json.".to_owned(),
        Some(identity) => format!(
            ", with the trust policy docs/iam/tasks-trust.json for this account and Region:\n$ aws iam create-role --role-name \
             {} --assume-role-policy-document '{}'",
            name(arn),
            Place::of(identity, fargate).trust()
        ),
    }
}

/// The name of a role, which its path comes before.
fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
