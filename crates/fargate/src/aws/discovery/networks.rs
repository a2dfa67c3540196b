//! EC2: subnets and security groups.

use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;
use super::super::survey::{
    DescribeSecurityGroupsResponse, DescribeSubnetsResponse, SecurityGroup, Subnet, filter,
};

impl Aws {
    /// The Region's subnets, as far as AWS's first page has them.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn all_subnets(&self) -> Result<Vec<Subnet>, AwsError> {
        let ec2 = signed::Client::new(&self.shared, &signed::EC2);
        let reply: DescribeSubnetsResponse = ec2.call("ec2:DescribeSubnets", json!({})).await?;
        Ok(reply.subnet_set)
    }

    /// The security groups of a VPC, as far as AWS's first page has them.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn groups_of(&self, vpc: &str) -> Result<Vec<SecurityGroup>, AwsError> {
        let ec2 = signed::Client::new(&self.shared, &signed::EC2);
        let parameters = filter("vpc-id", &[vpc.to_owned()]);
        let reply: DescribeSecurityGroupsResponse =
            ec2.call("ec2:DescribeSecurityGroups", parameters).await?;
        Ok(reply.security_group_info)
    }
}
