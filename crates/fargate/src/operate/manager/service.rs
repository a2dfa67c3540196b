//! The ECS service that this task is of, and whether the service still wants it.

use std::time::Duration;

use serde::Deserialize;

use super::settings::Settings;
use crate::aws::{Aws, Service};
use crate::config::Config;
use crate::images::neighbour::client;

/// The variable in tasks that names the endpoint of the task's metadata.
const METADATA: &str = "ECS_CONTAINER_METADATA_URI_V4";

const BOUND: Duration = Duration::from_secs(5);

/// This task's membership in a service.
pub(super) struct Membership {
    /// Name of the service.
    service: Option<String>,
    /// Where the manager runs. Its jobs may run elsewhere.
    region: String,
    cluster: String,
    /// The deployment that started this task, once it is known.
    deployment: Option<String>,
}

/// The members of a task's metadata that are read.
#[derive(Deserialize)]
struct TaskMetadata {
    #[serde(rename = "TaskARN")]
    task_arn: String,
}

impl Membership {
    /// That of these settings.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            service: settings.service.clone(),
            region: settings.region.clone(),
            cluster: settings.cluster.clone(),
            deployment: None,
        }
    }

    /// Whether the service has another deployment by now, or wants no task.
    ///
    /// A look that fails says no. The next one asks again, also for the deployment that started this task.
    pub(super) async fn is_over(&mut self, config: &Config) -> bool {
        let Some(service) = &self.service else {
            return false;
        };
        let aws = Aws::connect(&self.region, config.fargate.endpoint.as_deref()).await;
        if self.deployment.is_none() {
            match deployment(&aws, &self.cluster).await {
                Ok(deployment) => self.deployment = Some(deployment),
                Err(reason) => {
                    tracing::warn!(
                        "which deployment of the service {service} started this task is not known yet: {reason}"
                    );
                    return false;
                }
            }
        }
        match aws.service(&self.cluster, service).await {
            Ok(Some(service)) => self
                .deployment
                .as_deref()
                .is_some_and(|deployment| is_over(&service, deployment)),
            Ok(None) => false,
            Err(refusal) => {
                tracing::warn!("the service {service} cannot be looked at: {refusal}");
                false
            }
        }
    }
}

/// The deployment that started this task, or why it is not known.
async fn deployment(aws: &Aws, cluster: &str) -> Result<String, String> {
    let uri = std::env::var(METADATA).map_err(|_| format!("{METADATA} is not set"))?;
    let unread = |error: &dyn std::fmt::Display| format!("the task's metadata: {error}");
    let client = client(BOUND).map_err(|error| unread(&error))?;
    let reply = client.get(format!("{uri}/task")).send().await;
    let reply = reply.map_err(|error| unread(&error))?;
    let text = reply.text().await.map_err(|error| unread(&error))?;
    let metadata: TaskMetadata = serde_json::from_str(&text).map_err(|error| unread(&error))?;
    let starter = aws.starter(cluster, &metadata.task_arn).await;
    starter
        .map_err(|refusal| refusal.to_string())?
        .ok_or_else(|| "ECS does not say what started the task".to_owned())
}

/// A service starts its tasks under the id of a deployment; the primary one is the newest (AWS: Deployment).
fn is_over(service: &Service, deployment: &str) -> bool {
    service.desired == 0
        || service
            .primary
            .as_deref()
            .is_some_and(|primary| primary != deployment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_over_when_its_service_has_another_deployment_or_wants_none() {
        let service = |desired, primary: Option<&str>| Service {
            desired,
            primary: primary.map(str::to_owned),
        };
        let mine = "ecs-svc/0123456789012345678";
        assert!(!is_over(&service(1, Some(mine)), mine));
        assert!(is_over(
            &service(1, Some("ecs-svc/9876543210987654321")),
            mine
        ));
        assert!(is_over(&service(0, Some(mine)), mine));
        // A reply without deployments says nothing.
        assert!(!is_over(&service(1, None), mine));
    }
}
