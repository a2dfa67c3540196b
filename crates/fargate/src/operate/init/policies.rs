//! IAM policies: those of `docs/iam`, with the names of a configuration in place of the samples'.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A policy of `docs/iam`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Manager,
    ManagerJobImage,
    Doctor,
    ExecutionRole,
    TasksTrust,
}

impl Policy {
    /// The name of its file.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Manager | Self::ManagerJobImage => "manager.json",
            Self::Doctor => "doctor.json",
            Self::ExecutionRole => "execution-role.json",
            Self::TasksTrust => "tasks-trust.json",
        }
    }

    fn sample(self) -> &'static str {
        match self {
            Self::Manager => include_str!("../../../../../docs/iam/manager.json"),
            Self::ManagerJobImage => include_str!("../../../../../docs/iam/manager-job-image.json"),
            Self::Doctor => include_str!("../../../../../docs/iam/doctor.json"),
            Self::ExecutionRole => include_str!("../../../../../docs/iam/execution-role.json"),
            Self::TasksTrust => include_str!("../../../../../docs/iam/tasks-trust.json"),
        }
    }
}

/// The names of a set-up, in place of those of the samples.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub(super) partition: String,
    pub(super) account: String,
    pub(super) region: String,
    /// The cluster's name.
    pub(super) cluster: String,
    /// Family of the task definition.
    pub(super) family: Option<String>,
    /// ARNs of roles.
    pub(super) manager_role: Option<String>,
    pub(super) execution_role: Option<String>,
    pub(super) task_role: Option<String>,
    pub(super) vpc: Option<String>,
    /// ARNs of repositories in ECR.
    pub(super) repositories: Vec<String>,
    pub(super) log_group: Option<String>,
    /// ARNs of secrets with registries' logins.
    pub(super) secrets: Vec<String>,
}

/// A policy document. Members keep the order that people know.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    statement: Vec<Statement>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    sid: String,
    effect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Value>,
    action: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

impl Names {
    /// The policy with these names. Statements about what the set-up does not have are left out.
    ///
    /// # Errors
    ///
    /// When the sample has another form than expected.
    pub(super) fn fill(&self, policy: Policy) -> serde_json::Result<String> {
        let mut document: Document = serde_json::from_str(policy.sample())?;
        document.statement = document
            .statement
            .into_iter()
            .filter_map(|statement| self.statement(statement))
            .collect();
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }

    fn statement(&self, mut statement: Statement) -> Option<Statement> {
        if let Some(resource) = statement.resource {
            let samples = match resource {
                Value::Array(samples) => samples,
                one => vec![one],
            };
            let samples = samples.iter().filter_map(Value::as_str);
            let mut resources: Vec<_> = samples.flat_map(|sample| self.resources(sample)).collect();
            resources.dedup();
            statement.resource = Some(match resources.as_slice() {
                [] => return None,
                [one] => Value::from(one.as_str()),
                _ => Value::from(resources),
            });
        }
        statement.condition = statement.condition.map(|condition| self.place(condition));
        Some(statement)
    }

    /// The resources in place of a sample's.
    fn resources(&self, sample: &str) -> Vec<String> {
        let one = |name: &Option<String>| name.iter().cloned().collect();
        match sample.splitn(6, ':').nth(5).unwrap_or_default() {
            "task-definition/test-task:*" => {
                let family = self.family.iter();
                let named =
                    family.map(|family| self.arn("ecs", &format!("task-definition/{family}:*")));
                named.collect()
            }
            "role/ci-manager" => one(&self.manager_role),
            "role/ci-execution" | "role/test-execution" => one(&self.execution_role),
            "role/ci-task" => one(&self.task_role),
            "vpc/vpc-xxxxxx" => {
                let vpc = self.vpc.as_deref().unwrap_or("*");
                vec![self.arn("ec2", &format!("vpc/{vpc}"))]
            }
            "repository/fargate-agent" => self.repositories.clone(),
            // Which repositories jobs may use is for their owner to say.
            "repository/ci/*" => Vec::new(),
            "log-group:/ci/jobs:log-stream:job/*" => self.streams("job/*"),
            "log-group:/ci/jobs:log-stream:job/service-*" => self.streams("job/service-*"),
            "secret:gitlab-registry-AbCdEf" => self.secrets.clone(),
            _ => vec![self.text(sample)],
        }
    }

    fn streams(&self, pattern: &str) -> Vec<String> {
        let group = self.log_group.iter();
        let named =
            group.map(|group| self.arn("logs", &format!("log-group:{group}:log-stream:{pattern}")));
        named.collect()
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }

    /// A condition with these names.
    fn place(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(&text)),
            Value::Array(elements) => elements.into_iter().map(|one| self.place(one)).collect(),
            Value::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key, self.place(value)));
                Value::Object(members.collect::<Map<_, _>>())
            }
            other => other,
        }
    }

    fn text(&self, sample: &str) -> String {
        sample
            .replace("arn:aws:", &format!("arn:{}:", self.partition))
            .replace("111122223333", &self.account)
            .replace("us-east-2", &self.region)
            .replace("test-cluster", &self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Policy; 5] = [
        Policy::Manager,
        Policy::ManagerJobImage,
        Policy::Doctor,
        Policy::ExecutionRole,
        Policy::TasksTrust,
    ];

    fn names() -> Names {
        let text = |value: &str| Some(value.to_owned());
        Names {
            partition: "aws-cn".into(),
            account: "444455556666".into(),
            region: "cn-north-1".into(),
            cluster: "builds".into(),
            family: text("family"),
            manager_role: text("arn:aws-cn:iam::444455556666:role/m"),
            execution_role: text("arn:aws-cn:iam::444455556666:role/e"),
            task_role: text("arn:aws-cn:iam::444455556666:role/t"),
            vpc: text("vpc-1"),
            repositories: vec!["arn:aws-cn:ecr:cn-north-1:444455556666:repository/agent".into()],
            log_group: text("/jobs"),
            secrets: vec![
                "arn:aws-cn:secretsmanager:cn-north-1:444455556666:secret:login-AbCdEf".into(),
            ],
        }
    }

    /// The actions of all statements, in order.
    fn actions(document: &str) -> Vec<Value> {
        let document: Document = serde_json::from_str(document).unwrap();
        document
            .statement
            .into_iter()
            .map(|one| one.action)
            .collect()
    }

    #[test]
    fn no_name_of_a_sample_is_left() {
        for policy in ALL {
            let filled = names().fill(policy).unwrap();
            for sample in [
                "111122223333",
                "us-east-2",
                "test-",
                "/ci/",
                "role/ci-",
                "xxxxxx",
                "AbCdEf\",\n",
                "arn:aws:",
                "gitlab-registry",
                "repository/fargate-agent",
            ] {
                assert!(
                    !filled.contains(sample),
                    "{policy:?} has {sample}: {filled}"
                );
            }
            assert_eq!(actions(&filled), actions(policy.sample()), "{policy:?}");
        }
    }

    #[test]
    fn what_a_set_up_does_not_have_has_no_statement() {
        let names = Names {
            log_group: None,
            secrets: Vec::new(),
            task_role: None,
            ..names()
        };
        let filled = names.fill(Policy::ExecutionRole).unwrap();
        assert!(
            !filled.contains("logs:") && !filled.contains("secretsmanager:"),
            "{filled}"
        );
        let manager = names.fill(Policy::ManagerJobImage).unwrap();
        assert!(
            manager.contains("\"Resource\": \"arn:aws-cn:iam::444455556666:role/e\""),
            "{manager}"
        );
        assert!(!manager.contains("logs:GetLogEvents"), "{manager}");
    }
}
