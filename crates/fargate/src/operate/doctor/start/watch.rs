//! AWS's view of the job's task, beside the stages.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::observed::Observed;
use crate::aws::Aws;
use crate::config::Config;
use crate::state::records::Records;
use crate::task::Task;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Bound of one call.
const CALL: Duration = Duration::from_secs(5);

/// How long a task may take to stop. Fargate needs about half a minute.
const STOP: Duration = Duration::from_secs(120);

/// Looks at one job's task.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    config: &'a Config,
    aws: &'a Aws,
    id: u64,
    arn: Option<String>,
    missing: Option<(Duration, usize)>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(config: &'a Config, aws: &'a Aws, id: u64) -> Self {
        Self {
            config,
            aws,
            id,
            arn: None,
            missing: None,
        }
    }

    /// The result of `work`. Meanwhile it is seen how long AWS does not know the new task.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => Some(result),
            () = self.until_described() => None,
        };
        match result {
            Some(result) => result,
            None => work.await,
        }
    }

    async fn until_described(&mut self) {
        let arn = loop {
            if let Some(arn) = self.recorded() {
                break arn;
            }
            sleep(PAUSE).await;
        };
        self.arn = Some(arn);
        let begun = Instant::now();
        let mut misses = 0;
        while self.described().await.is_none() {
            misses += 1;
            sleep(PAUSE).await;
        }
        let took = if misses == 0 {
            Duration::ZERO
        } else {
            begun.elapsed()
        };
        self.missing = Some((took, misses));
    }

    /// The ARN in the job's record.
    fn recorded(&self) -> Option<String> {
        let config = self.config;
        let records = Records::open(&config.metadata_directory, config.ledger_months).ok()?;
        let entries = records.all().ok()?;
        let mut ours = entries
            .iter()
            .filter_map(|entry| entry.record.as_ref().ok());
        let record = ours.find(|record| record.job.id == self.id)?;
        let mut tasks = record
            .starts()
            .iter()
            .filter_map(|start| start.task.clone());
        tasks.next_back()
    }

    async fn described(&self) -> Option<Task> {
        let arn = self.arn.as_deref()?;
        let call = self.aws.describe_task(&self.config.fargate.cluster, arn);
        timeout(CALL, call).await.ok()?.ok()?
    }

    /// Notes what AWS shows of the running task.
    pub(super) async fn look(&mut self, observed: &mut Observed) {
        // The task that won, which need not be the first.
        self.arn = self.recorded().or(self.arn.take());
        observed.missing = self.missing;
        observed.running = self.described().await;
        if let Some(arn) = &self.arn {
            let call = self.aws.task_tags(&self.config.fargate.cluster, arn);
            observed.tags = match timeout(CALL, call).await {
                Ok(tags) => Some(tags.map_err(|refusal| refusal.to_string())),
                Err(_) => None,
            };
        }
    }

    /// Waits for the end of the task.
    pub(super) async fn until_stopped(&self, observed: &mut Observed) {
        if self.arn.is_none() {
            return;
        }
        let stopped = async {
            loop {
                if let Some(task) = self.described().await
                    && task.last_status == "STOPPED"
                {
                    return task;
                }
                sleep(PAUSE * 4).await;
            }
        };
        observed.stopped = timeout(STOP, stopped).await.ok();
    }
}
