//! Roles of tasks, and the one of ECS itself.

use super::super::catalog::{EXECUTION_ROLE, SERVICE_ROLE, TASK_ROLE};
use super::super::check::Check;
use super::super::facts::{Account, EXECUTION, Facts};
use super::answers::read;
use super::permissions::permissions;
use super::trust::{Tasks, distrust};

/// Judges permissions and roles.
pub(super) fn roles(facts: &Facts, account: &Account) -> Vec<Check> {
    let (Ok(config), Some(named), Some(Ok(identity))) = (
        &facts.configuration.whole,
        &account.named,
        &account.identity,
    ) else {
        return Vec::new();
    };
    let mut checks = permissions(named);
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
