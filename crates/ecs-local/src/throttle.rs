//! The published rate limits, as token buckets per region.
//!
//! The numbers are from "Request throttling for the Amazon ECS API", "AWS Fargate throttling quotas" and "CloudWatch
//! Logs quotas". AWS publishes no size of EC2's bucket for describing calls that holds for all accounts; this is the
//! usual one.

use std::collections::HashMap;
use std::time::Instant;

use crate::service::AwsService;

/// A token bucket, which several operations may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    ClusterResourceModify,
    ClusterResourceRead,
    TaskDefinitionModify,
    TaskDefinitionRead,
    ClusterModify,
    ClusterRead,
    TagModify,
    /// `RunTask` calls for Fargate.
    FargateCalls,
    /// Tasks launched on demand.
    OnDemandLaunches,
    /// Tasks launched on Spot.
    SpotLaunches,
    Ec2Describe,
    LogsRead,
}

impl Bucket {
    /// The bucket a call draws from; `None` when no limit is known.
    pub(crate) fn for_call(service: AwsService, operation: &str) -> Option<Self> {
        Some(match (service, operation) {
            (AwsService::Ecs, "RunTask" | "StopTask") => Self::ClusterResourceModify,
            (AwsService::Ecs, "DescribeTasks" | "ListTasks") => Self::ClusterResourceRead,
            (AwsService::Ecs, "RegisterTaskDefinition" | "DeregisterTaskDefinition") => {
                Self::TaskDefinitionModify
            }
            (AwsService::Ecs, "DescribeTaskDefinition" | "ListTaskDefinitions") => {
                Self::TaskDefinitionRead
            }
            (AwsService::Ecs, "CreateCluster" | "PutClusterCapacityProviders") => {
                Self::ClusterModify
            }
            (AwsService::Ecs, "DescribeClusters" | "ListClusters") => Self::ClusterRead,
            (AwsService::Ecs, "TagResource") => Self::TagModify,
            (AwsService::Ec2, _) => Self::Ec2Describe,
            (AwsService::Logs, "GetLogEvents") => Self::LogsRead,
            _ => return None,
        })
    }

    /// Size and refill per second. `large` regions launch faster.
    fn size(self, large: bool) -> (f64, f64) {
        match self {
            Self::ClusterResourceModify => (100.0, 40.0),
            Self::ClusterResourceRead => (100.0, 20.0),
            Self::TaskDefinitionModify | Self::ClusterModify => (20.0, 1.0),
            Self::TaskDefinitionRead | Self::ClusterRead => (50.0, 20.0),
            Self::TagModify => (20.0, 10.0),
            Self::FargateCalls => (20.0, 20.0),
            Self::OnDemandLaunches | Self::SpotLaunches if large => (100.0, 20.0),
            Self::OnDemandLaunches | Self::SpotLaunches => (25.0, 5.0),
            Self::Ec2Describe => (100.0, 20.0),
            Self::LogsRead => (25.0, 25.0),
        }
    }
}

/// Regions with the larger launch rates.
const LARGE: [&str; 16] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
];

/// The buckets of all regions.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// Whether there are limits at all.
    enabled: bool,
    levels: HashMap<(String, Bucket), Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Throttle {
    pub(crate) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            levels: HashMap::new(),
        }
    }

    /// Takes `count` tokens at `now`. False if the bucket has fewer.
    pub(crate) fn take(&mut self, bucket: Bucket, count: u32, region: &str, now: Instant) -> bool {
        if !self.enabled {
            return true;
        }
        let (size, refill) = bucket.size(LARGE.contains(&region));
        let level = self
            .levels
            .entry((region.to_owned(), bucket))
            .or_insert(Level {
                tokens: size,
                at: now,
            });
        let passed = now.saturating_duration_since(level.at).as_secs_f64();
        level.tokens = (level.tokens + passed * refill).min(size);
        level.at = now;
        let count = f64::from(count);
        let enough = level.tokens >= count;
        if enough {
            level.tokens -= count;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut throttle = Throttle::new(true);
        let start = Instant::now();
        let taken = |throttle: &mut Throttle, at: Duration| {
            (0..1000)
                .filter(|_| throttle.take(Bucket::ClusterResourceRead, 1, "eu-west-1", start + at))
                .count()
        };
        assert_eq!(taken(&mut throttle, Duration::ZERO), 100);
        assert_eq!(taken(&mut throttle, Duration::from_secs(2)), 40);
        assert_eq!(taken(&mut throttle, Duration::from_secs(60)), 100);
    }

    #[test]
    fn newer_regions_launch_slower() {
        let now = Instant::now();
        let mut throttle = Throttle::new(true);
        let launches = (0..200)
            .filter(|_| throttle.take(Bucket::OnDemandLaunches, 1, "eu-south-2", now))
            .count();
        assert_eq!(launches, 25);
    }
}
