//! What an account offers: clusters, subnets, security groups.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::aws::{Aws, AwsError, Cluster, SecurityGroup, Subnet, instance};

/// Bound of one call. What does not answer is typed instead.
const BOUND: Duration = Duration::from_secs(5);

/// Most clusters that are looked at.
const CLUSTERS: usize = 20;

/// What is there to choose from.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// Clusters by their names.
    pub(super) clusters: Vec<(String, Cluster)>,
    pub(super) subnets: Vec<Subnet>,
    /// The groups of the VPC that was kept.
    pub(super) groups: Vec<SecurityGroup>,
    /// The VPC of this machine.
    pub(super) own_vpc: Option<String>,
    /// Why something is missing.
    pub(super) refusals: Vec<String>,
}

impl Offer {
    /// Asks AWS.
    pub(super) async fn of(aws: &Aws) -> Self {
        let (names, subnets, machine) = tokio::join!(
            bounded(aws.cluster_names()),
            bounded(aws.all_subnets()),
            instance()
        );
        let mut offer = Self {
            own_vpc: machine.map(|machine| machine.vpc),
            ..Self::default()
        };
        let names = offer.or_refusal(names);
        offer.subnets = offer.or_refusal(subnets);
        let calls = names.iter().take(CLUSTERS).map(async |name| {
            let found = bounded(aws.cluster(name)).await.ok()?.ok()??;
            Some((name.clone(), found))
        });
        let found = join_all(calls).await.into_iter().flatten();
        offer.clusters = found
            .filter(|(_, cluster)| cluster.status != "INACTIVE")
            .collect();
        offer
    }

    /// The VPCs of the subnets, each once.
    pub(super) fn vpcs(&self) -> Vec<String> {
        let mut vpcs: Vec<_> = self
            .subnets
            .iter()
            .map(|subnet| subnet.vpc_id.clone())
            .collect();
        vpcs.sort_unstable();
        vpcs.dedup();
        vpcs
    }

    /// Keeps the subnets of one VPC, and finds its groups.
    pub(super) async fn keep(&mut self, vpc: &str, aws: &Aws) {
        self.subnets.retain(|subnet| subnet.vpc_id == vpc);
        let groups = bounded(aws.groups_of(vpc)).await;
        self.groups = self.or_refusal(groups);
    }

    fn or_refusal<T: Default>(&mut self, answer: Bounded<T>) -> T {
        match answer {
            Ok(Ok(found)) => return found,
            Ok(Err(refusal)) => self.refusals.push(refusal.to_string()),
            Err(_) => self.refusals.push("AWS did not answer in time".to_owned()),
        }
        T::default()
    }
}

type Bounded<T> = Result<Result<T, AwsError>, tokio::time::error::Elapsed>;

async fn bounded<T>(call: impl Future<Output = Result<T, AwsError>>) -> Bounded<T> {
    timeout(BOUND, call).await
}
