//! The answers that make a `fargate.toml`: from options, from a stack, or from a person.

use crate::cli::Init;

/// What is known of the set-up so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::operate) struct Answers {
    pub(in crate::operate) region: Option<String>,
    pub(in crate::operate) cluster: Option<String>,
    pub(in crate::operate) subnets: Vec<String>,
    pub(in crate::operate) security_groups: Vec<String>,
    pub(in crate::operate) public_ip: Option<bool>,
    pub(in crate::operate) use_public_ip: bool,
    pub(in crate::operate) jobs: Option<Jobs>,
    pub(in crate::operate) images: Images,
    pub(in crate::operate) manager: Option<String>,
}

/// The image that jobs run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operate) enum Jobs {
    /// That of this task definition.
    TaskDefinition(String),
    /// Their own.
    OwnImage,
}

/// What tasks need where jobs bring their own images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::operate) struct Images {
    pub(in crate::operate) agent: Option<String>,
    pub(in crate::operate) helper: Option<String>,
    pub(in crate::operate) default: Option<String>,
    pub(in crate::operate) execution_role: Option<String>,
    pub(in crate::operate) task_role: Option<String>,
    pub(in crate::operate) log_group: Option<String>,
    /// Host of the registry, and the secret with its login.
    pub(in crate::operate) registry: Option<String>,
    pub(in crate::operate) registry_secret: Option<String>,
}

impl Answers {
    /// Those on the command line.
    pub(super) fn of_options(options: &Init) -> Self {
        let given = &options.images;
        let own = options.job_image.then_some(Jobs::OwnImage);
        Self {
            region: options.region.clone(),
            cluster: options.cluster.clone(),
            subnets: options.subnets.clone(),
            security_groups: options.security_groups.clone(),
            public_ip: options.public_ip.then_some(true),
            use_public_ip: options.use_public_ip,
            jobs: options
                .task_definition
                .clone()
                .map(Jobs::TaskDefinition)
                .or(own),
            images: Images {
                agent: given.agent_image.clone(),
                helper: given.helper_image.clone(),
                default: given.default_image.clone(),
                execution_role: given.execution_role.clone(),
                task_role: given.task_role.clone(),
                log_group: given.log_group.clone(),
                registry: given.registry.clone(),
                registry_secret: given.registry_secret.clone(),
            },
            manager: options.manager_name.clone(),
        }
    }

    /// These, and those of `others` where these have none.
    pub(super) fn or(self, others: Self) -> Self {
        let list = |mine: Vec<String>, theirs| match mine.is_empty() {
            true => theirs,
            false => mine,
        };
        let (images, more) = (self.images, others.images);
        Self {
            region: self.region.or(others.region),
            cluster: self.cluster.or(others.cluster),
            subnets: list(self.subnets, others.subnets),
            security_groups: list(self.security_groups, others.security_groups),
            public_ip: self.public_ip.or(others.public_ip),
            use_public_ip: self.use_public_ip || others.use_public_ip,
            jobs: self.jobs.or(others.jobs),
            images: Images {
                agent: images.agent.or(more.agent),
                helper: images.helper.or(more.helper),
                default: images.default.or(more.default),
                execution_role: images.execution_role.or(more.execution_role),
                task_role: images.task_role.or(more.task_role),
                log_group: images.log_group.or(more.log_group),
                registry: images.registry.or(more.registry),
                registry_secret: images.registry_secret.or(more.registry_secret),
            },
            manager: self.manager.or(others.manager),
        }
    }

    /// Whether there is a login to a registry whose host is not known.
    pub(super) fn lacks_registry(&self) -> bool {
        let images = &self.images;
        images.registry_secret.is_some() && images.registry.is_none()
    }

    /// Whether jobs run in a task definition's image.
    pub(super) fn is_of_definition(&self) -> bool {
        matches!(self.jobs, Some(Jobs::TaskDefinition(_)))
    }

    /// The options that are missing for a `fargate.toml`.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let own = self.jobs == Some(Jobs::OwnImage);
        let images = &self.images;
        let needed = [
            ("--region", self.region.is_none()),
            ("--cluster", self.cluster.is_none()),
            ("--subnet", self.subnets.is_empty()),
            ("--security-group", self.security_groups.is_empty()),
            ("--task-definition or --job-image", self.jobs.is_none()),
            ("--agent-image", own && images.agent.is_none()),
            ("--execution-role", own && images.execution_role.is_none()),
            ("--registry", own && self.lacks_registry()),
        ];
        let missing = needed.into_iter().filter(|(_, is_missing)| *is_missing);
        missing.map(|(option, _)| option).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_options_are_named_together() {
        let nothing = Answers::default();
        assert_eq!(
            nothing.missing(),
            [
                "--region",
                "--cluster",
                "--subnet",
                "--security-group",
                "--task-definition or --job-image"
            ]
        );
        let own = Answers {
            jobs: Some(Jobs::OwnImage),
            ..Answers::default()
        };
        assert_eq!(
            own.missing().split_off(4),
            ["--agent-image", "--execution-role"]
        );
    }

    #[test]
    fn own_answers_win() {
        let answers = |region: &str, subnet: &str| Answers {
            region: Some(region.into()),
            subnets: vec![subnet.into()],
            ..Answers::default()
        };
        let mine = Answers {
            region: Some("eu-west-1".into()),
            ..Answers::default()
        };
        let both = mine.or(answers("us-east-1", "subnet-1"));
        assert_eq!(both, answers("eu-west-1", "subnet-1"));
    }
}
