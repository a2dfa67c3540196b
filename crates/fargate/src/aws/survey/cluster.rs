//! ECS: a cluster.

use super::super::client::Aws;
use super::super::error::AwsError;

/// A cluster.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) arn: String,
    /// `ACTIVE` where tasks can start.
    pub(crate) status: String,
    /// Names of its capacity providers.
    pub(crate) providers: Vec<String>,
    /// Whether AWS could not change its capacity providers as it was asked to.
    pub(crate) is_update_failed: bool,
    /// The strategy of tasks that bring none.
    pub(crate) default_strategy: Vec<DefaultProvider>,
}

/// One entry of a cluster's default strategy (AWS: CapacityProviderStrategyItem).
#[derive(Debug, Clone)]
pub(crate) struct DefaultProvider {
    pub(crate) name: String,
    /// Share of tasks, 0 to 1000.
    pub(crate) weight: i32,
    /// Tasks that go there before weights count, 0 to 100000.
    pub(crate) base: i32,
}

impl Aws {
    /// A cluster by name or ARN; nothing where AWS does not know it.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn cluster(&self, name: &str) -> Result<Option<Cluster>, AwsError> {
        let call = self.ecs.describe_clusters().clusters(name);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:DescribeClusters", &error))?;
        let cluster = reply.clusters.unwrap_or_default().pop();
        Ok(cluster.map(|cluster| {
            let strategy = cluster.default_capacity_provider_strategy;
            let strategy = strategy.unwrap_or_default().into_iter();
            Cluster {
                arn: cluster.cluster_arn.unwrap_or_default(),
                status: cluster.status.unwrap_or_default(),
                providers: cluster.capacity_providers.unwrap_or_default(),
                is_update_failed: cluster.attachments_status.as_deref() == Some("UPDATE_FAILED"),
                default_strategy: strategy
                    .map(|item| DefaultProvider {
                        name: item.capacity_provider,
                        weight: item.weight,
                        base: item.base,
                    })
                    .collect(),
            }
        }))
    }
}
