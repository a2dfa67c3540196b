//! Where a task goes: launch type or capacity provider, subnets, security groups.

use serde::Deserialize;

use super::check_enum;
use super::clusters::{Cluster, StrategyItem, check_strategy};
use crate::error::ApiError;
use crate::network::Network;

/// `networkConfiguration` of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkConfiguration {
    awsvpc_configuration: Option<AwsvpcConfiguration>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AwsvpcConfiguration {
    subnets: Option<Vec<String>>,
    security_groups: Option<Vec<String>>,
    assign_public_ip: Option<String>,
}

/// A checked network configuration.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) subnets: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) public: bool,
}

/// What a task is launched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Launch {
    /// `launchType` was given.
    Fargate,
    /// A strategy was given, or the cluster's applies.
    Strategy(Vec<StrategyItem>),
}

/// What the request and the cluster ask for.
pub(super) fn launch(
    launch_type: Option<&str>,
    strategy: &[StrategyItem],
    cluster: &Cluster,
) -> Result<Launch, ApiError> {
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
        (Some("FARGATE"), []) => return Ok(Launch::Fargate),
        // No instances are ever registered here, which is also what a cluster without a default strategy falls back to.
        (Some(_), []) => return Err(no_instances()),
        (None, []) if cluster.default_strategy.is_empty() => return Err(no_instances()),
        (None, []) => &cluster.default_strategy,
        (None, given) => given,
    };
    check_strategy(strategy, &cluster.capacity_providers)?;
    if strategy.len() > 1 && strategy.iter().all(|item| item.weight == 0) {
        return Err(ApiError::invalid_parameter(
            "A capacity provider strategy with several providers needs a weight above 0 for at least one of them.",
        ));
    }
    Ok(Launch::Strategy(strategy.to_vec()))
}

fn no_instances() -> ApiError {
    ApiError::invalid_parameter("No Container Instances were found in your cluster.")
}

/// The provider of the task `n` of a call: first what has a base, then by weight. `chance` is between 0 and 1.
pub(super) fn provider(strategy: &[StrategyItem], n: i64, chance: f64) -> Option<&str> {
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

/// Checks a request's network configuration against what EC2 knows.
pub(super) fn placement(
    given: Option<NetworkConfiguration>,
    network: &Network,
) -> Result<Placement, ApiError> {
    let refuse = |message: String| Err(ApiError::invalid_parameter(message));
    let Some(given) = given.and_then(|configuration| configuration.awsvpc_configuration) else {
        return refuse(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.".into(),
        );
    };
    let subnets = given.subnets.unwrap_or_default();
    let groups = given.security_groups.unwrap_or_default();
    if subnets.is_empty() {
        return refuse("subnets can not be empty.".into());
    }
    if subnets.len() > 16 {
        return refuse("subnets can have at most 16 items.".into());
    }
    if groups.len() > 5 {
        return refuse("securityGroups can have at most 5 items.".into());
    }
    check_enum(
        "assignPublicIp",
        given.assign_public_ip.as_deref(),
        &["ENABLED", "DISABLED"],
    )?;
    let mut vpcs = Vec::new();
    for id in &subnets {
        let Some(subnet) = network.subnet(id) else {
            return refuse(format!(
                "Error retrieving subnet information for [{}]: The subnet ID '{id}' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
                subnets.join(", ")
            ));
        };
        vpcs.push(subnet.spec.vpc_id.as_str());
    }
    for id in &groups {
        let Some(group) = network.group(id) else {
            return refuse(format!(
                "Error retrieving security group information for [{}]: The security group '{id}' does not exist (ErrorCode: InvalidGroup.NotFound)",
                groups.join(", ")
            ));
        };
        if !vpcs.contains(&group.vpc_id.as_str()) {
            return refuse(format!(
                "Security Group {id} does not appear to belong to the same VPC as the input subnets."
            ));
        }
    }
    vpcs.dedup();
    if vpcs.len() > 1 {
        return refuse("All subnets must belong to the same VPC.".into());
    }
    Ok(Placement {
        subnets,
        groups,
        public: given.assign_public_ip.as_deref() == Some("ENABLED"),
    })
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
