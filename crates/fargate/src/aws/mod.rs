//! AWS: the one place that knows its SDK. Everything is asked here and answered in our own types.

mod convert;
mod definitions;
mod error;
mod http;
mod logs;
#[cfg(any(test, feature = "agent-image"))]
mod registry;
#[cfg(test)]
mod reply_tests;
#[cfg(feature = "trial")]
mod setup;
mod signed;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerOverride,
    EphemeralStorage, KeyValuePair, NetworkConfiguration, Tag, TaskOverride,
};
use serde::Deserialize;
use serde_json::json;

pub(crate) use self::definitions::LOG_PREFIX;
pub(crate) use self::error::AwsError;
use self::http::Http;
pub(crate) use self::logs::{Event, GET_LOG_EVENTS, Logs};
#[cfg(feature = "trial")]
pub(crate) use self::setup::{OneContainer, Setup};
use crate::config::{Cpu, Fargate, Memory, Storage, StrategyItem};
use crate::task::Task;
use crate::task::definition::ContainerEnvironment;

/// Tasks that DescribeTasks takes at a time (AWS: DescribeTasks).
const DESCRIBE_LIMIT: usize = 100;

/// Pages of a list that are read at most: with a hundred tasks a page more than a manager ever runs.
const PAGE_LIMIT: usize = 100;

/// Bound of one attempt of a call, and of a call with its retries. The SDK has none of its own.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(40);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Attempts that the SDK makes of a call, but for RunTask, before it is our turn to decide.
const ATTEMPTS: u32 = 4;

/// A task to start.
#[derive(Debug, Clone)]
pub(crate) struct RunTaskRequest<'a> {
    /// Cluster, network and options.
    pub(crate) fargate: &'a Fargate,
    /// Family, `family:revision` or ARN.
    pub(crate) definition: &'a str,
    /// AWS's default when none.
    pub(crate) platform_version: Option<&'a str>,
    /// Where it may be placed.
    pub(crate) subnet: &'a str,
    /// The cluster's default when empty.
    pub(crate) strategy: &'a [StrategyItem],
    /// Makes a repetition of the same request harmless.
    pub(crate) client_token: &'a str,
    /// Names the manager, so that its tasks can be listed.
    pub(crate) started_by: &'a str,
    /// Names the job, so that its task can be found among them.
    pub(crate) group: &'a str,
    /// Set in the containers, beside what the task definition sets. Visible in the API: nothing secret.
    pub(crate) environments: &'a [ContainerEnvironment],
    /// In place of what the task definition says.
    pub(crate) changes: &'a TaskOverrides,
    /// Put on the task.
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// What a task has that differs from its definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TaskOverrides {
    pub(crate) cpu: Option<Cpu>,
    pub(crate) memory: Option<Memory>,
    pub(crate) storage: Option<Storage>,
    pub(crate) task_role: Option<String>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum RunTaskAnswer {
    /// There is a task.
    Task(Box<Task>),
    /// There is none, for this reason: no capacity, or a quota.
    Nowhere(String),
}

/// The APIs of one region.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    shared: SdkConfig,
    ecs: aws_sdk_ecs::Client,
}

impl Aws {
    /// Sets up the clients; nothing is called yet.
    pub(crate) async fn connect(region: &str, endpoint: Option<&str>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(Http::new())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts);
        let loader = match endpoint {
            Some(endpoint) => loader.endpoint_url(endpoint),
            None => loader,
        };
        let shared = loader.load().await;
        let ecs = aws_sdk_ecs::Client::new(&shared);
        Self { shared, ecs }
    }

    /// The APIs of another region, with the same credentials; of the same one where none is named.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        if region.is_empty() {
            return self.clone();
        }
        let region = Region::new(region.to_owned());
        let shared = self.shared.to_builder().region(region).build();
        let ecs = aws_sdk_ecs::Client::new(&shared);
        Self { shared, ecs }
    }

    /// Asks for a task, with a single call.
    ///
    /// # Errors
    ///
    /// With AWS's refusal; after one that [may pass](AwsError::may_pass) there may be a task all the same, and
    /// the same request again, with the same token, answers with it.
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
                network(request).map_err(|error| AwsError::senseless(ACTION, error.to_string()))?,
            )
            .overrides(overrides(request))
            .set_tags(Some(tags(request.tags)).filter(|tags| !tags.is_empty()));
        let call = match strategy(request.strategy) {
            Ok(items) if items.is_empty() => call,
            Ok(items) => call.set_capacity_provider_strategy(Some(items)),
            Err(error) => return Err(AwsError::senseless(ACTION, error.to_string())),
        };
        // Once: a repetition is first recorded, and waits for its turn.
        let once = aws_sdk_ecs::Config::builder().retry_config(RetryConfig::disabled());
        let sent = call.customize().config_override(once).send().await;
        let reply = sent.map_err(|error| AwsError::of(ACTION, &error))?;
        match reply.tasks.unwrap_or_default().into_iter().next() {
            Some(task) => convert::task(task)
                .map(|task| RunTaskAnswer::Task(Box::new(task)))
                .ok_or_else(|| AwsError::senseless(ACTION, "the reply names no task")),
            None => Ok(RunTaskAnswer::Nowhere(convert::failures(
                reply.failures.unwrap_or_default(),
            ))),
        }
    }

    /// Looks at a task; nothing when AWS does not know it (yet, or any more).
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn describe_task(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Option<Task>, AwsError> {
        Ok(self.describe_tasks(cluster, &[arn.to_owned()]).await?.pop())
    }

    /// Looks at several tasks; those that AWS does not know are left out.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn describe_tasks(
        &self,
        cluster: &str,
        arns: &[String],
    ) -> Result<Vec<Task>, AwsError> {
        let mut tasks = Vec::new();
        for arns in arns.chunks(DESCRIBE_LIMIT) {
            let call = self
                .ecs
                .describe_tasks()
                .cluster(cluster)
                .set_tasks(Some(arns.to_vec()));
            let reply = call
                .send()
                .await
                .map_err(|error| AwsError::of("ecs:DescribeTasks", &error))?;
            tasks.extend(
                reply
                    .tasks
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(convert::task),
            );
        }
        Ok(tasks)
    }

    /// The tasks that `started_by` started and whose end has not begun.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn tasks_of(
        &self,
        cluster: &str,
        started_by: &str,
    ) -> Result<Vec<Task>, AwsError> {
        let mut arns = Vec::new();
        let mut page = None;
        for _ in 0..PAGE_LIMIT {
            let call = self
                .ecs
                .list_tasks()
                .cluster(cluster)
                .started_by(started_by)
                .set_next_token(page);
            let reply = call
                .send()
                .await
                .map_err(|error| AwsError::of("ecs:ListTasks", &error))?;
            arns.extend(reply.task_arns.unwrap_or_default());
            page = reply.next_token;
            if page.is_none() {
                break;
            }
        }
        self.describe_tasks(cluster, &arns).await
    }

    /// Stops a task.
    ///
    /// # Errors
    ///
    /// With AWS's refusal; also when it does not know the task, which may be over, or too new.
    pub(crate) async fn stop_task(
        &self,
        cluster: &str,
        arn: &str,
        reason: &str,
    ) -> Result<(), AwsError> {
        let call = self
            .ecs
            .stop_task()
            .cluster(cluster)
            .task(arn)
            .reason(reason);
        let stopped = call.send().await;
        stopped
            .map(drop)
            .map_err(|error| AwsError::of("ecs:StopTask", &error))
    }

    /// The public address of a network interface; nothing while it has none.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn public_ip(&self, interface: &str) -> Result<Option<IpAddr>, AwsError> {
        let ec2 = signed::Client::new(&self.shared, &signed::EC2);
        let called = ec2
            .call(
                "ec2:DescribeNetworkInterfaces",
                json!({ "NetworkInterfaceId": [interface] }),
            )
            .await;
        let reply: DescribeNetworkInterfacesResponse = match called {
            Err(refusal) if refusal.is_not_found() => return Ok(None),
            reply => reply?,
        };
        let mut interfaces = reply.network_interface_set.item.into_iter();
        Ok(interfaces.find_map(|interface| interface.association?.public_ip?.parse().ok()))
    }
}

/// What is read of EC2's reply.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeNetworkInterfacesResponse {
    network_interface_set: NetworkInterfaces,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkInterfaces {
    item: Vec<NetworkInterface>,
}

#[derive(Debug, Deserialize)]
struct NetworkInterface {
    association: Option<Association>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    public_ip: Option<String>,
}

type BuildError = aws_sdk_ecs::error::BuildError;

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
