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
    /// Name of the service, and the deployment that started this task.
    of: Option<(String, String)>,
}

/// The members of a task's metadata that are read.
#[derive(Deserialize)]
struct TaskMetadata {
    #[serde(rename = "TaskARN")]
    task_arn: String,
}

impl Membership {
    /// Finds out which deployment started this task.
    pub(super) async fn find(settings: &Settings) -> Self {
        let Some(service) = &settings.service else {
            return Self { of: None };
        };
        let deployment = deployment(settings).await;
        if deployment.is_none() {
            tracing::warn!(
                "which deployment of the service {service} started this task is not known, so a newer one goes unseen"
            );
        }
        Self {
            of: deployment.map(|deployment| (service.clone(), deployment)),
        }
    }

    /// Whether the service has another deployment by now, or wants no task.
    pub(super) async fn is_over(&self, config: &Config) -> bool {
        let Some((service, deployment)) = &self.of else {
            return false;
        };
        let fargate = &config.fargate;
        let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
        match aws.service(&fargate.cluster, service).await {
            Ok(Some(service)) => is_over(&service, deployment),
            Ok(None) => false,
            Err(refusal) => {
                tracing::warn!("the service {service} cannot be looked at: {refusal}");
                false
            }
        }
    }
}

async fn deployment(settings: &Settings) -> Option<String> {
    let uri = std::env::var(METADATA).ok()?;
    let reply = client(BOUND).ok()?.get(format!("{uri}/task")).send();
    let text = reply.await.ok()?.text().await.ok()?;
    let metadata: TaskMetadata = serde_json::from_str(&text).ok()?;
    let aws = Aws::connect(&settings.region, None).await;
    let starter = aws.starter(&settings.cluster, &metadata.task_arn).await;
    starter
        .inspect_err(|refusal| tracing::warn!("this task cannot be looked at: {refusal}"))
        .ok()?
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
