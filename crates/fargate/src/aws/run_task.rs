//! RunTask: starts one task with one call.

use std::collections::BTreeMap;

use aws_config::retry::RetryConfig;
use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerOverride,
    EphemeralStorage, KeyValuePair, LaunchType, NetworkConfiguration, Tag, TaskOverride,
};

use super::client::Aws;
use super::convert;
use super::error::AwsError;
use crate::config::{Cpu, Fargate, Memory, Storage, StrategyItem};
use crate::task::Task;
use crate::task::definition::ContainerEnvironment;

/// A task to start.
#[derive(Debug, Clone)]
pub(crate) struct RunTaskRequest<'a> {
    /// Cluster, network and options.
    pub(crate) fargate: &'a Fargate,
    /// Family, `family:revision` or ARN.
    pub(crate) definition: &'a str,
    /// `None` for AWS's default.
    pub(crate) platform_version: Option<&'a str>,
    /// The subnet of the task's network interface.
    pub(crate) subnet: &'a str,
    /// Empty for the cluster's default.
    pub(crate) strategy: &'a [StrategyItem],
    /// Whether to ask for Fargate by the launch type, which AWS takes only without a strategy.
    pub(crate) by_launch_type: bool,
    /// Makes a repetition of the same request harmless.
    pub(crate) client_token: &'a str,
    /// Names the manager, so that it can list its tasks.
    pub(crate) started_by: &'a str,
    /// Names the job, so that the manager can find its task among them.
    pub(crate) group: &'a str,
    /// Variables of the containers, beside those of the task definition. The API shows them: nothing secret.
    pub(crate) environments: &'a [ContainerEnvironment],
    /// Replaces values of the task definition.
    pub(crate) changes: &'a TaskOverrides,
    /// Tags of the task.
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// Values of a task that replace those of its definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TaskOverrides {
    pub(crate) cpu: Option<Cpu>,
    pub(crate) memory: Option<Memory>,
    pub(crate) storage: Option<Storage>,
    pub(crate) task_role: Option<String>,
}

/// The outcome of a request.
#[derive(Debug)]
pub(crate) enum RunTaskAnswer {
    /// AWS started a task.
    Task(Box<Task>),
    /// AWS started none, for this reason: no capacity, or a quota.
    Nowhere(String),
}

impl Aws {
    /// Starts a task with a single call.
    ///
    /// # Errors
    ///
    /// With AWS's refusal. After one that [may pass](AwsError::may_pass) the task may exist nevertheless, and a
    /// repetition with the same token returns it.
    pub(crate) async fn run_task(
        &self,
        request: &RunTaskRequest<'_>,
    ) -> Result<RunTaskAnswer, AwsError> {
        const ACTION: &str = "ecs:RunTask";
        let call = self
            .ecs
            .run_task()
            .cluster(&request.fargate.cluster)
            .task_definition(request.definition)
            .count(1)
            .client_token(request.client_token)
            .started_by(request.started_by)
            .group(request.group)
            .set_platform_version(request.platform_version.map(str::to_owned))
            .enable_execute_command(request.fargate.execute_command)
            .network_configuration(
                network(request)
                    .map_err(|error| AwsError::unusable_reply(ACTION, error.to_string()))?,
            )
            .overrides(overrides(request))
            .set_tags(Some(tags(request.tags)).filter(|tags| !tags.is_empty()));
        let call = match strategy(request.strategy) {
            Ok(items) if items.is_empty() && request.by_launch_type => {
                call.launch_type(LaunchType::Fargate)
            }
            Ok(items) if items.is_empty() => call,
            Ok(items) => call.set_capacity_provider_strategy(Some(items)),
            Err(error) => return Err(AwsError::unusable_reply(ACTION, error.to_string())),
        };
        // Once: the caller records each repetition first, and waits for its turn.
        let once = aws_sdk_ecs::Config::builder().retry_config(RetryConfig::disabled());
        let sent = call.customize().config_override(once).send().await;
        let reply = sent.map_err(|error| AwsError::from_sdk(ACTION, &error))?;
        match reply.tasks.unwrap_or_default().into_iter().next() {
            Some(task) => convert::task(task)
                .map(|task| RunTaskAnswer::Task(Box::new(task)))
                .ok_or_else(|| AwsError::unusable_reply(ACTION, "the reply names no task")),
            None => nowhere(
                ACTION,
                convert::failures(reply.failures.unwrap_or_default()),
            ),
        }
    }
}

/// The answer of a reply without a task: another place or time may have room, unless the reason is known to stay.
pub(super) fn nowhere(action: &'static str, reason: String) -> Result<RunTaskAnswer, AwsError> {
    let failure = AwsError::unplaceable(action, reason);
    if failure.waiting_helps() {
        Ok(RunTaskAnswer::Nowhere(failure.into_message()))
    } else {
        Err(failure)
    }
}

fn network(request: &RunTaskRequest<'_>) -> Result<NetworkConfiguration, BuildError> {
    let public = if request.fargate.assign_public_ip {
        AssignPublicIp::Enabled
    } else {
        AssignPublicIp::Disabled
    };
    let network = AwsVpcConfiguration::builder()
        .subnets(request.subnet)
        .set_security_groups(Some(request.fargate.security_groups.clone()))
        .assign_public_ip(public)
        .build()?;
    Ok(NetworkConfiguration::builder()
        .awsvpc_configuration(network)
        .build())
}

fn overrides(request: &RunTaskRequest<'_>) -> TaskOverride {
    let changes = request.changes;
    let storage = changes
        .storage
        .and_then(|storage| i32::try_from(storage.0).ok())
        .map(|size| EphemeralStorage::builder().size_in_gib(size).build());
    TaskOverride::builder()
        .set_container_overrides(Some(request.environments.iter().map(container).collect()))
        .set_cpu(changes.cpu.map(|cpu| cpu.0.to_string()))
        .set_memory(changes.memory.map(|memory| memory.0.to_string()))
        .set_ephemeral_storage(storage)
        .set_task_role_arn(changes.task_role.clone())
        .build()
}

fn container(environment: &ContainerEnvironment) -> ContainerOverride {
    let variables = environment
        .variables
        .iter()
        .map(|(name, value)| KeyValuePair::builder().name(name).value(value).build());
    ContainerOverride::builder()
        .name(&environment.container)
        .set_environment(Some(variables.collect()))
        .build()
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn strategy(items: &[StrategyItem]) -> Result<Vec<CapacityProviderStrategyItem>, BuildError> {
    items
        .iter()
        .map(|item| {
            CapacityProviderStrategyItem::builder()
                .capacity_provider(&item.provider)
                .weight(item.weight)
                .base(item.base)
                .build()
        })
        .collect()
}
