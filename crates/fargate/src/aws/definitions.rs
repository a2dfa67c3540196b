//! Task definitions: looked up by family, and registered.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types::{
    self, Compatibility, ContainerCondition, ContainerDependency, CpuArchitecture,
    EphemeralStorage, LogDriver, MountPoint, NetworkMode, OsFamily, PortMapping,
    RepositoryCredentials, RuntimePlatform, Volume,
};

use super::client::Aws;
use super::error::AwsError;
use crate::config::STORAGE_INCLUDED;
use crate::task::definition::{
    AGENT_VOLUME, After, BUILDS_VOLUME, CACHE_VOLUME, ContainerDefinition, LogConfiguration, Mount,
    TaskDefinition,
};

/// Start of the names of log streams; the container's name and the task's id follow.
pub(crate) const LOG_PREFIX: &str = "job";

impl Aws {
    /// ARN of the latest active definition of a family, if it has one.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn find_definition(&self, family: &str) -> Result<Option<String>, AwsError> {
        let call = self.ecs.describe_task_definition().task_definition(family);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:DescribeTaskDefinition", &error));
        match reply {
            Err(refusal) if refusal.knows_no_definition() => Ok(None),
            Err(refusal) => Err(refusal),
            Ok(reply) => Ok(reply
                .task_definition
                .and_then(|definition| definition.task_definition_arn)),
        }
    }

    /// Registers a definition and returns its ARN with the revision.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn register(
        &self,
        family: &str,
        definition: &TaskDefinition,
    ) -> Result<String, AwsError> {
        const ACTION: &str = "ecs:RegisterTaskDefinition";
        let unusable_reply =
            |error: BuildError| AwsError::unusable_reply(ACTION, error.to_string());
        let mut call = self
            .ecs
            .register_task_definition()
            .family(family)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu(definition.cpu.0.to_string())
            .memory(definition.memory.0.to_string())
            .set_execution_role_arn(definition.execution_role.clone())
            .set_task_role_arn(definition.task_role.clone())
            .runtime_platform(
                RuntimePlatform::builder()
                    .operating_system_family(OsFamily::Linux)
                    .cpu_architecture(CpuArchitecture::from(definition.architecture.as_str()))
                    .build(),
            );
        // AWS refuses an order of the storage that is included.
        if definition.storage.0 > STORAGE_INCLUDED {
            let size = i32::try_from(definition.storage.0).unwrap_or(i32::MAX);
            call = call.ephemeral_storage(EphemeralStorage::builder().size_in_gib(size).build());
        }
        for name in [AGENT_VOLUME, BUILDS_VOLUME, CACHE_VOLUME] {
            call = call.volumes(Volume::builder().name(name).build());
        }
        for each in &definition.containers {
            call = call.container_definitions(container(each).map_err(unusable_reply)?);
        }
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(ACTION, &error))?;
        reply
            .task_definition
            .and_then(|definition| definition.task_definition_arn)
            .ok_or_else(|| AwsError::unusable_reply(ACTION, "the reply names no task definition"))
    }
}

fn container(container: &ContainerDefinition) -> Result<types::ContainerDefinition, BuildError> {
    let stop_timeout = i32::try_from(container.stop_timeout).unwrap_or(i32::MAX);
    let mut built = types::ContainerDefinition::builder()
        .name(&container.name)
        .image(&container.image)
        .essential(container.essential)
        .set_entry_point(container.entry_point.clone())
        .set_command(container.command.clone())
        .set_user(container.user.clone())
        .stop_timeout(stop_timeout)
        .set_mount_points(Some(container.mounts.iter().map(mount).collect()));
    if let Some(secret) = &container.credentials {
        let credentials = RepositoryCredentials::builder()
            .credentials_parameter(secret)
            .build()?;
        built = built.repository_credentials(credentials);
    }
    if let Some(port) = container.port {
        built = built.port_mappings(
            PortMapping::builder()
                .container_port(i32::from(port))
                .build(),
        );
    }
    if let Some(after) = &container.after {
        let (name, condition) = match after {
            After::Success(name) => (name, ContainerCondition::Success),
            After::Start(name) => (name, ContainerCondition::Start),
        };
        let dependency = ContainerDependency::builder()
            .container_name(*name)
            .condition(condition)
            .build()?;
        built = built.depends_on(dependency);
    }
    if let Some(destination) = &container.log {
        built = built.log_configuration(log(destination)?);
    }
    Ok(built.build())
}

fn mount(mount: &Mount) -> MountPoint {
    MountPoint::builder()
        .source_volume(mount.volume)
        .container_path(mount.path)
        .read_only(mount.read_only)
        .build()
}

fn log(destination: &LogConfiguration) -> Result<types::LogConfiguration, BuildError> {
    types::LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", &destination.group)
        .options("awslogs-region", &destination.region)
        .options("awslogs-stream-prefix", LOG_PREFIX)
        // A job must not wait for CloudWatch.
        .options("mode", "non-blocking")
        .build()
}
