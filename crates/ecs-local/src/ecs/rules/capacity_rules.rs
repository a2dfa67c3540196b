//! The rules for a task's capacity: launch type, or capacity provider strategy.

use crate::ecs::checks::check_enum;
use crate::ecs::cluster::{Cluster, StrategyItem, check_strategy};
use crate::error::ApiError;

/// AWS's refusal of a task that needs container instances.
const NO_INSTANCES: &str = "No Container Instances were found in your cluster.";

/// The capacity that a task is launched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// The request has a `launchType`.
    Fargate,
    /// The request has a strategy, or the cluster's applies.
    Strategy(Vec<StrategyItem>),
}

impl Capacity {
    /// Whether the task may run on Spot.
    pub(crate) fn is_spot(&self) -> bool {
        match self {
            Self::Fargate => false,
            Self::Strategy(items) => items
                .iter()
                .any(|item| item.capacity_provider == "FARGATE_SPOT"),
        }
    }
}

/// The members of a request that EC2 instances do not have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FargateMembers {
    /// The request has a `platformVersion`.
    pub(super) platform_version: bool,
    /// The request has `assignPublicIp: ENABLED`.
    pub(super) public_ip: bool,
}

/// The capacity for a request in a cluster.
pub(super) fn capacity(
    launch_type: Option<&str>,
    strategy: &[StrategyItem],
    cluster: &Cluster,
    members: FargateMembers,
) -> Result<Capacity, ApiError> {
    check_enum(
        "launchType",
        launch_type,
        &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"],
    )?;
    let strategy = match (launch_type, strategy) {
        (Some(_), [_, ..]) => {
            return Err(ApiError::invalid_parameter(
                "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
            ));
        }
        (Some("FARGATE"), []) => return Ok(Capacity::Fargate),
        // The stand-in has no container instances. A cluster without a default strategy falls back to them, too.
        (Some("EC2"), []) => return Err(no_ec2(members)),
        (None, []) if cluster.default_strategy.is_empty() => return Err(no_ec2(members)),
        (Some(_), []) => return Err(ApiError::invalid_parameter(NO_INSTANCES)),
        (None, []) => &cluster.default_strategy,
        (None, given) => given,
    };
    check_strategy(strategy, &cluster.capacity_providers)?;
    if strategy.len() > 1 && strategy.iter().all(|item| item.weight == 0) {
        return Err(ApiError::invalid_parameter(
            "A capacity provider strategy with several providers needs a weight above 0 for at least one of them.",
        ));
    }
    Ok(Capacity::Strategy(strategy.to_vec()))
}

/// The refusal of launch type EC2, in AWS's words. Their order is a guess: reports show each of them alone.
fn no_ec2(members: FargateMembers) -> ApiError {
    ApiError::invalid_parameter(match members {
        // Reported in ansible-collections/community.aws#770 and aws/amazon-ecs-cli#1040.
        FargateMembers {
            platform_version: true,
            ..
        } => "The platform version must be null when specifying an EC2 launch type.",
        // Quoted in the documentation of several tools.
        FargateMembers {
            public_ip: true, ..
        } => "Assign public IP is not supported for this launch type.",
        _ => NO_INSTANCES,
    })
}

/// The provider of task `n` of a call: first the one with a base, then by weight. `chance` is between 0 and 1.
pub(crate) fn provider(strategy: &[StrategyItem], n: i64, chance: f64) -> Option<&str> {
    if let [only] = strategy {
        return Some(&only.capacity_provider);
    }
    if let Some(based) = strategy.iter().find(|item| item.base > n) {
        return Some(&based.capacity_provider);
    }
    let total: i64 = strategy.iter().map(|item| item.weight).sum();
    // Weights go up to 1000, so nothing is lost.
    let mut at = chance * total as f64;
    let chosen = strategy.iter().filter(|item| item.weight > 0).find(|item| {
        at -= item.weight as f64;
        at < 0.0
    });
    chosen
        .or(strategy.last())
        .map(|item| item.capacity_provider.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, weight: i64, base: i64) -> StrategyItem {
        StrategyItem {
            capacity_provider: name.into(),
            weight,
            base,
        }
    }

    #[test]
    fn base_comes_first_and_weights_share_the_rest() {
        let strategy = [item("FARGATE", 1, 2), item("FARGATE_SPOT", 3, 0)];
        assert_eq!(provider(&strategy, 0, 0.9), Some("FARGATE"));
        assert_eq!(provider(&strategy, 1, 0.9), Some("FARGATE"));
        assert_eq!(provider(&strategy, 2, 0.24), Some("FARGATE"));
        assert_eq!(provider(&strategy, 2, 0.26), Some("FARGATE_SPOT"));
        assert_eq!(provider(&strategy, 2, 0.99), Some("FARGATE_SPOT"));
        assert_eq!(provider(&[item("FARGATE", 0, 0)], 5, 0.5), Some("FARGATE"));
    }
}
