//! Looks at the task that a connection is sought to: its state and its address.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;

use crate::aws::{Aws, AwsError};
use crate::context::Context;
use crate::state::record::Record;
use crate::state::watch::TaskWatcher;
use crate::task::Task;

/// AWS's answer to one look.
#[derive(Debug)]
pub(crate) struct TaskPoll {
    /// Nothing when AWS does not know the task.
    pub(crate) task: Option<Task>,
    /// Its address, once it has one.
    pub(crate) address: Option<IpAddr>,
    /// Why EC2 did not show the public address.
    pub(crate) address_refused: Option<AwsError>,
}

/// The AWS clients for a job's task, where it was started: the configuration may name another Region by now.
pub(crate) async fn aws_of(context: &Context<'_>, record: &Record) -> Aws {
    let fargate = &context.config.fargate;
    let region = Some(record.region.as_str()).filter(|region| !region.is_empty());
    let region = region.unwrap_or(&fargate.region);
    Aws::connect(region, fargate.endpoint.as_deref()).await
}

/// The means to look at one task. Nothing of AWS is set up before the first look.
#[derive(Debug)]
pub(crate) struct TaskPoller {
    aws: Option<Aws>,
    watcher: Option<TaskWatcher>,
    region: String,
    endpoint: Option<String>,
    directory: PathBuf,
    cluster: String,
    arn: String,
}

impl TaskPoller {
    /// Looks at the task of this record, with `aws` where that is set up already.
    pub(crate) fn new(context: &Context<'_>, record: &Record, aws: Option<Aws>) -> Self {
        let fargate = &context.config.fargate;
        let region = Some(&record.region).filter(|region| !region.is_empty());
        Self {
            aws,
            watcher: None,
            region: region.unwrap_or(&fargate.region).clone(),
            endpoint: fargate.endpoint.clone(),
            directory: context.records.directory().to_owned(),
            cluster: record.cluster.clone(),
            arn: record.task().unwrap_or_default().to_owned(),
        }
    }

    /// Looks at the task. The answer was asked for no longer ago than `pause`. The `public` address is asked for apart,
    /// and does not change.
    pub(crate) async fn look(
        &mut self,
        pause: Duration,
        public: bool,
    ) -> Result<TaskPoll, AwsError> {
        let aws = match &mut self.aws {
            Some(aws) => aws,
            none => none.insert(Aws::connect(&self.region, self.endpoint.as_deref()).await),
        };
        if self.watcher.is_none() {
            let watcher = TaskWatcher::new(&self.directory, &self.cluster, &self.arn);
            // A look that is not shared costs AWS a call, and the job nothing.
            self.watcher = watcher
                .inspect_err(|error| tracing::debug!("looks are not shared: {error}"))
                .ok();
        }
        tracing::debug!("looking at task {}", self.arn);
        let task = match &mut self.watcher {
            Some(watcher) => watcher.look(aws, pause).await?,
            None => aws.describe_task(&self.cluster, &self.arn).await?,
        };
        if let Some(task) = &task {
            let (phase, status) = (task.phase(), &task.last_status);
            tracing::debug!("the task is {status}: {}", phase.doing());
        }
        let answer = match &task {
            // The address of a task that ends is of no interest.
            Some(task) if task.is_ending() => Ok(None),
            Some(task) if public => match &task.interface.id {
                Some(interface) => aws.public_ip(interface).await,
                None => Ok(None),
            },
            Some(task) => Ok(task.private_ip(COORDINATOR_CONTAINER)),
            None => Ok(None),
        };
        let (address, address_refused) = match answer {
            Ok(address) => (address, None),
            Err(refusal) => (None, Some(refusal)),
        };
        Ok(TaskPoll {
            task,
            address,
            address_refused,
        })
    }
}
