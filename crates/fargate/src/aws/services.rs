//! ECS services, as the manager needs them when it is a task of one.

use super::client::Aws;
use super::error::AwsError;

/// What a service wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// How many tasks.
    pub(crate) desired: i32,
    /// Id of its newest deployment.
    pub(crate) primary: Option<String>,
}

impl Aws {
    /// A service by its name; nothing when AWS does not know it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn service(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<Service>, AwsError> {
        let call = self.ecs.describe_services().cluster(cluster).services(name);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:DescribeServices", &error))?;
        let service = reply.services.unwrap_or_default().into_iter().next();
        Ok(service.map(|service| {
            let deployments = service.deployments.unwrap_or_default();
            let primary = deployments
                .into_iter()
                .find(|deployment| deployment.status.as_deref() == Some("PRIMARY"));
            Service {
                desired: service.desired_count,
                primary: primary.and_then(|deployment| deployment.id),
            }
        }))
    }

    /// The mark of a task's starter (AWS: startedBy). For a task of a service it is the id of a deployment.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn starter(
        &self,
        cluster: &str,
        task: &str,
    ) -> Result<Option<String>, AwsError> {
        let call = self.ecs.describe_tasks().cluster(cluster).tasks(task);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:DescribeTasks", &error))?;
        let task = reply.tasks.unwrap_or_default().into_iter().next();
        Ok(task.and_then(|task| task.started_by))
    }
}
