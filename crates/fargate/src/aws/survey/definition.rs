//! ECS: the operator's task definition.

use aws_sdk_ecs::types::{self, Compatibility, LogDriver, NetworkMode};

use super::super::client::Aws;
use super::super::error::AwsError;

/// A task definition.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) arn: String,
    pub(crate) is_active: bool,
    /// Whether AWS finds it fit for Fargate.
    pub(crate) fits_fargate: bool,
    /// Whether each task has an address of its own.
    pub(crate) has_own_network: bool,
    /// CPU units of the task.
    pub(crate) cpu: Option<u32>,
    pub(crate) execution_role: Option<String>,
    pub(crate) task_role: Option<String>,
    /// `X86_64` or `ARM64`, as AWS says.
    pub(crate) architecture: String,
    pub(crate) containers: Vec<DefinitionContainer>,
}

/// A container of a task definition.
#[derive(Debug, Clone)]
pub(crate) struct DefinitionContainer {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) ports: Vec<i32>,
    /// Log group of the driver `awslogs`, except where the driver makes it.
    pub(crate) log_group: Option<String>,
    /// Where the driver `awslogs` sends its output.
    pub(crate) log: Option<LogDestination>,
    /// ARN of the secret for its registry.
    pub(crate) registry_secret: Option<String>,
    /// Whether ECS passes secrets to it.
    pub(crate) has_secrets: bool,
}

/// Where a container's output goes (ECS: options of awslogs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogDestination {
    pub(crate) group: String,
    /// Empty for the task's own.
    pub(crate) region: String,
    /// What a stream's name begins with; the container's name and the task's id follow.
    pub(crate) prefix: String,
}

impl Aws {
    /// A task definition by family, revision or ARN; nothing where AWS does not know it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn definition(&self, name: &str) -> Result<Option<Definition>, AwsError> {
        let call = self.ecs.describe_task_definition().task_definition(name);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:DescribeTaskDefinition", &error));
        match reply {
            Err(refusal) if refusal.knows_no_definition() => Ok(None),
            Err(refusal) => Err(refusal),
            Ok(reply) => Ok(reply.task_definition.map(definition)),
        }
    }
}

fn definition(definition: types::TaskDefinition) -> Definition {
    let platform = definition.runtime_platform;
    let architecture = platform.and_then(|platform| platform.cpu_architecture);
    let containers = definition.container_definitions.unwrap_or_default();
    Definition {
        arn: definition.task_definition_arn.unwrap_or_default(),
        is_active: definition.status == Some(types::TaskDefinitionStatus::Active),
        fits_fargate: definition
            .compatibilities
            .unwrap_or_default()
            .contains(&Compatibility::Fargate),
        has_own_network: definition.network_mode == Some(NetworkMode::Awsvpc),
        cpu: definition.cpu.and_then(|cpu| cpu.parse().ok()),
        execution_role: definition.execution_role_arn,
        task_role: definition.task_role_arn,
        architecture: architecture.map_or_else(
            || "X86_64".to_owned(),
            |architecture| architecture.as_str().to_owned(),
        ),
        containers: containers.into_iter().map(container).collect(),
    }
}

fn container(container: types::ContainerDefinition) -> DefinitionContainer {
    let ports = container.port_mappings.unwrap_or_default();
    let options = container
        .log_configuration
        .filter(|log| log.log_driver == LogDriver::Awslogs)
        .and_then(|log| log.options)
        .unwrap_or_default();
    let option = |name: &str| options.get(name).cloned();
    let is_made = option("awslogs-create-group").is_some_and(|made| made == "true");
    let group = option("awslogs-group");
    DefinitionContainer {
        name: container.name.unwrap_or_default(),
        image: container.image.unwrap_or_default(),
        ports: ports
            .iter()
            .filter_map(|port| port.container_port)
            .collect(),
        log_group: group.clone().filter(|_| !is_made),
        log: group
            .zip(option("awslogs-stream-prefix"))
            .map(|(group, prefix)| LogDestination {
                group,
                region: option("awslogs-region").unwrap_or_default(),
                prefix,
            }),
        registry_secret: container
            .repository_credentials
            .map(|credentials| credentials.credentials_parameter),
        has_secrets: !container.secrets.unwrap_or_default().is_empty(),
    }
}
