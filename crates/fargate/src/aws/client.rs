//! The clients of one region, and the ECS calls about tasks that exist.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use super::convert;
use super::error::AwsError;
use super::http::Http;
use crate::task::Task;

/// Most tasks of one DescribeTasks call (AWS: DescribeTasks).
const DESCRIBE_LIMIT: usize = 100;

/// Most pages of a list that are read. With a hundred tasks a page, a manager never runs as many.
const PAGE_LIMIT: usize = 100;

/// Bounds of one attempt of a call, and of a call with its retries. The SDK sets none.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(40);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Attempts that the SDK makes of each call except RunTask.
const ATTEMPTS: u32 = 4;

/// The Region that the environment names, as for other AWS tools.
pub(crate) fn region_of_environment() -> Option<String> {
    let mut names = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
    names.find_map(|name| std::env::var(name).ok())
}

/// The APIs of one region.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    pub(super) shared: SdkConfig,
    pub(super) ecs: aws_sdk_ecs::Client,
}

impl Aws {
    /// Sets up the clients, without a call.
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

    /// The APIs of `region` with the same credentials; of the same region when it is empty.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        if region.is_empty() {
            return self.clone();
        }
        let region = Region::new(region.to_owned());
        let shared = self.shared.to_builder().region(region).build();
        let ecs = aws_sdk_ecs::Client::new(&shared);
        Self { shared, ecs }
    }

    /// The name of the region.
    pub(crate) fn region(&self) -> &str {
        self.shared.region().map_or("", |region| region.as_ref())
    }

    /// Describes a task; nothing when AWS does not know it (yet, or any more).
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

    /// Describes several tasks, except those that AWS does not know.
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
                .map_err(|error| AwsError::from_sdk("ecs:DescribeTasks", &error))?;
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

    /// The tags of a task, keys and values.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn task_tags(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Vec<(String, String)>, AwsError> {
        let call = self
            .ecs
            .describe_tasks()
            .cluster(cluster)
            .tasks(arn)
            .include(aws_sdk_ecs::types::TaskField::Tags);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:DescribeTasks", &error))?;
        let tasks = reply.tasks.unwrap_or_default().into_iter();
        let tags = tasks.flat_map(|task| task.tags.unwrap_or_default());
        let pairs = tags.filter_map(|tag| tag.key.zip(tag.value));
        Ok(pairs.collect())
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
                .map_err(|error| AwsError::from_sdk("ecs:ListTasks", &error))?;
            arns.extend(reply.task_arns.unwrap_or_default());
            page = reply.next_token;
            if page.is_none() {
                break;
            }
        }
        self.describe_tasks(cluster, &arns).await
    }

    /// Stops a task; returns it as AWS's reply shows it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, also when it does not know the task, which may be over or too new.
    pub(crate) async fn stop_task(
        &self,
        cluster: &str,
        arn: &str,
        reason: &str,
    ) -> Result<Option<Task>, AwsError> {
        let call = self
            .ecs
            .stop_task()
            .cluster(cluster)
            .task(arn)
            .reason(reason);
        let stopped = call.send().await;
        stopped
            .map(|reply| reply.task.and_then(convert::task))
            .map_err(|error| AwsError::from_sdk("ecs:StopTask", &error))
    }
}
