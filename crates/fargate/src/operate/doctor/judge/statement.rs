//! Policies of `docs/iam` with the names of a set-up, for copying.

use serde_json::{Value, json};

use crate::aws::Identity;
use crate::config::Fargate;

/// The account, Region and cluster of jobs.
#[derive(Debug)]
pub(super) struct Place<'a> {
    partition: &'a str,
    account: &'a str,
    region: &'a str,
    /// The cluster's name.
    cluster: &'a str,
}

impl<'a> Place<'a> {
    /// That of the caller and its configuration.
    pub(super) fn of(identity: &'a Identity, fargate: &'a Fargate) -> Self {
        Self {
            partition: identity.partition(),
            account: &identity.account,
            region: &fargate.region,
            cluster: fargate.cluster.rsplit('/').next().unwrap_or_default(),
        }
    }

    /// The statement that allows an action on a resource, as in `docs/iam/manager.json`.
    pub(super) fn statement(&self, action: &str, resource: &str) -> Value {
        let mut statement =
            json!({ "Effect": "Allow", "Action": action, "Resource": general(resource) });
        if let (Some(condition), Some(members)) =
            (self.condition(action), statement.as_object_mut())
        {
            members.insert("Condition".to_owned(), condition);
        }
        statement
    }

    fn condition(&self, action: &str) -> Option<Value> {
        let Self {
            partition,
            account,
            region,
            cluster,
        } = self;
        Some(match action {
            "ecs:RunTask" | "ecs:DescribeTasks" | "ecs:StopTask" | "ecs:ListTasks" => {
                let arn = format!("arn:{partition}:ecs:{region}:{account}:cluster/{cluster}");
                json!({ "ArnEquals": { "ecs:cluster": arn } })
            }
            "ecs:TagResource" => json!({ "StringEquals": { "ecs:CreateAction": "RunTask" } }),
            "ecs:DescribeTaskDefinition" | "ecs:RegisterTaskDefinition" => {
                json!({ "StringEquals": { "aws:RequestedRegion": region } })
            }
            "ec2:DescribeNetworkInterfaces" => {
                json!({ "StringEquals": { "ec2:Region": region } })
            }
            "iam:PassRole" => {
                json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } })
            }
            _ => return None,
        })
    }

    /// `docs/iam/tasks-trust.json` for this account and Region.
    pub(super) fn trust(&self) -> Value {
        let Self {
            partition,
            account,
            region,
            ..
        } = self;
        json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "ecs-tasks.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": { "aws:SourceAccount": account },
                "ArnLike": { "aws:SourceArn": format!("arn:{partition}:ecs:{region}:{account}:*") },
            },
        }] })
    }
}

/// All resources of which a simulation tried one (`facts/wishes.rs`): every task of the cluster, every revision.
fn general(resource: &str) -> String {
    if let Some((before, _)) = resource.rsplit_once("log-stream:job/service-") {
        return format!("{before}log-stream:job/service-*");
    }
    let kind = resource.splitn(6, ':').nth(5).unwrap_or_default();
    let cut = match kind.split('/').next() {
        Some("task") => resource
            .rsplit_once('/')
            .map(|(before, _)| format!("{before}/*")),
        Some("task-definition") => {
            let family = resource
                .rsplit_once(':')
                .map(|(before, _)| format!("{before}:*"));
            family.map(|family| family.replace("/fargate-0:", "/fargate-*:"))
        }
        _ => None,
    };
    cut.unwrap_or_else(|| resource.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place {
        partition: "aws",
        account: "111122223333",
        region: "us-east-2",
        cluster: "test-cluster",
    };

    fn list(value: &Value) -> Vec<&str> {
        match value {
            Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect(),
            one => vec![one.as_str().unwrap()],
        }
    }

    #[test]
    fn statements_are_those_of_the_pages() {
        let mut compared = 0;
        for page in [
            include_str!("../../../../../../docs/iam/manager.json"),
            include_str!("../../../../../../docs/iam/manager-job-image.json"),
        ] {
            let page: Value = serde_json::from_str(page).unwrap();
            for statement in page["Statement"].as_array().unwrap() {
                // A claim tags a task that runs; what is simulated is a start.
                if statement["Sid"] == "TagTasksThatRun" {
                    continue;
                }
                for action in list(&statement["Action"]) {
                    for resource in list(&statement["Resource"]) {
                        let tried = resource
                            .replace("test-task:*", "test-task:3")
                            .replace("fargate-*:*", "fargate-0:1")
                            .replace("test-cluster/*", "test-cluster/00000")
                            .replace("service-*", "service-0/00000");
                        let made = PLACE.statement(action, &tried);
                        assert_eq!(made["Resource"], resource, "{action}");
                        assert_eq!(made["Condition"], statement["Condition"], "{action}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared >= 15, "{compared}");
    }

    #[test]
    fn the_trust_policy_is_that_of_the_page() {
        let page = include_str!("../../../../../../docs/iam/tasks-trust.json");
        let mut page: Value = serde_json::from_str(page).unwrap();
        page["Statement"][0].as_object_mut().unwrap().remove("Sid");
        assert_eq!(PLACE.trust(), page);
    }
}
