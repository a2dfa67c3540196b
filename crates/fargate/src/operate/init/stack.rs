//! The outputs of a stack as answers. The templates in `deploy/` have outputs of these names.

use super::answers::{Answers, Images, Jobs};
use crate::aws::Outputs;

/// What a stack made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    pub(super) answers: Answers,
    /// ARN of the secret with the runner's token.
    pub(super) token_secret: Option<String>,
}

impl Stack {
    /// Reads the outputs. A template may leave out any of them; an empty one counts as left out.
    pub(super) fn of(outputs: &Outputs) -> Self {
        let text = |key: &str| {
            let value = outputs.get(key).map(|value| value.trim());
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let list = |key: &str| {
            let value = text(key).unwrap_or_default();
            let parts = value.split(',').map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let agent = text("AgentImage");
        let own = agent.is_some().then_some(Jobs::OwnImage);
        let answers = Answers {
            region: text("Region"),
            cluster: text("Cluster"),
            subnets: list("Subnets"),
            security_groups: list("TaskSecurityGroups"),
            public_ip: text("AssignPublicIp").map(|value| value == "ENABLED"),
            use_public_ip: false,
            jobs: text("TaskDefinition").map(Jobs::TaskDefinition).or(own),
            images: Images {
                agent,
                execution_role: text("TaskExecutionRoleArn"),
                task_role: text("TaskRoleArn"),
                log_group: text("LogGroup"),
                helper: text("HelperImage"),
                registry: text("RegistryHost"),
                registry_secret: text("RegistryCredentialsSecretArn"),
                ..Images::default()
            },
            manager: text("ManagerName"),
        };
        Self {
            answers,
            token_secret: text("RunnerTokenSecretArn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_become_answers() {
        let outputs = [
            ("Region", "eu-west-1"),
            ("Cluster", "ci"),
            ("Subnets", "subnet-1, subnet-2,"),
            ("TaskSecurityGroups", "sg-1"),
            ("AssignPublicIp", "DISABLED"),
            ("AgentImage", "agent:1"),
            ("HelperImage", "helper:1"),
            ("RegistryHost", "registry.example.com"),
            (
                "RegistryCredentialsSecretArn",
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a",
            ),
            (
                "TaskExecutionRoleArn",
                "arn:aws:iam::111122223333:role/execution",
            ),
            ("TaskDefinition", ""),
        ];
        let outputs = outputs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let Stack { answers, .. } = Stack::of(&outputs.into());
        assert_eq!(answers.subnets, ["subnet-1", "subnet-2"]);
        assert_eq!(answers.public_ip, Some(false));
        assert_eq!(answers.jobs, Some(Jobs::OwnImage));
        assert_eq!(answers.images.helper.as_deref(), Some("helper:1"));
        assert!(answers.missing().is_empty());
    }
}
