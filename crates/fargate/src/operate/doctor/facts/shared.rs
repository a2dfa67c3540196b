//! Questions of several categories, each asked once.

use super::ask::{Answer, Ask};
use crate::aws::{Cluster, Definition, Identity, Instance};
use crate::config::Config;

/// Actions that several categories call.
pub(super) const DESCRIBE_CLUSTERS: &str = "ecs:DescribeClusters";
pub(super) const DESCRIBE_TASK_DEFINITION: &str = "ecs:DescribeTaskDefinition";

/// The cluster of an account that named none (AWS: DescribeClusters).
const DEFAULT_CLUSTER: &str = "default";

impl Ask<'_> {
    /// The caller.
    pub(super) async fn identity(&self) -> Answer<Identity> {
        let call = || self.bounded("sts:GetCallerIdentity", self.aws.identity());
        self.once.identity.get_or_init(call).await.clone()
    }

    /// The configuration's cluster, or the usual one: its answer also shows that ECS answers.
    pub(super) async fn any_cluster(&self, config: Option<&Config>) -> Answer<Option<Cluster>> {
        let name = config.map_or(DEFAULT_CLUSTER, |config| config.fargate.cluster.as_str());
        let call = || self.bounded(DESCRIBE_CLUSTERS, self.aws.cluster(name));
        self.once.cluster.get_or_init(call).await.clone()
    }

    /// The task definition.
    pub(super) async fn task_definition(&self, name: &str) -> Answer<Option<Definition>> {
        let call = || self.bounded(DESCRIBE_TASK_DEFINITION, self.aws.definition(name));
        self.once.definition.get_or_init(call).await.clone()
    }

    /// The machine or the task of the manager.
    pub(super) async fn own_machine(&self) -> Option<Instance> {
        let manager = self.once.manager.get_or_init(|| self.manager());
        manager.await.clone()
    }
}
