//! The rules for a task's network: subnets, security groups and the public address.

use serde::Deserialize;

use crate::ecs::checks::check_enum;
use crate::error::ApiError;
use crate::network::Network;

/// `networkConfiguration` of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkConfiguration {
    awsvpc_configuration: Option<AwsvpcConfiguration>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AwsvpcConfiguration {
    subnets: Option<Vec<String>>,
    security_groups: Option<Vec<String>>,
    assign_public_ip: Option<String>,
}

impl NetworkConfiguration {
    /// Whether it asks for a public address.
    pub(super) fn is_public(&self) -> bool {
        let vpc = self.awsvpc_configuration.as_ref();
        vpc.is_some_and(|vpc| vpc.assign_public_ip.as_deref() == Some("ENABLED"))
    }
}

/// A valid network configuration.
#[derive(Clone, Debug)]
pub(crate) struct TaskNetwork {
    pub(crate) subnets: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) public: bool,
}

/// Checks a request's network configuration against the subnets and security groups of the region.
pub(super) fn check(
    given: Option<NetworkConfiguration>,
    network: &Network,
) -> Result<TaskNetwork, ApiError> {
    let refuse = |message: String| Err(ApiError::invalid_parameter(message));
    let public = given.as_ref().is_some_and(NetworkConfiguration::is_public);
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
    check_existence(&subnets, &groups, network)?;
    Ok(TaskNetwork {
        subnets,
        groups,
        public,
    })
}

/// Checks that the subnets and security groups exist, in one VPC.
fn check_existence(
    subnets: &[String],
    groups: &[String],
    network: &Network,
) -> Result<(), ApiError> {
    let refuse = |message: String| Err(ApiError::invalid_parameter(message));
    let mut vpcs = Vec::new();
    for id in subnets {
        let Some(subnet) = network.subnet(id) else {
            return refuse(format!(
                "Error retrieving subnet information for [{}]: The subnet ID '{id}' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
                subnets.join(", ")
            ));
        };
        vpcs.push(subnet.spec.vpc_id.as_str());
    }
    for id in groups {
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
    Ok(())
}
