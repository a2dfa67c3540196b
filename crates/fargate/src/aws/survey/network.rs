//! EC2: subnets, security groups, routes and endpoints.
//!
//! Filters select, and not lists of IDs: one unknown ID would make the whole call an error.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;

/// A list in EC2's documents.
#[derive(Debug, Clone, Deserialize)]
struct Items<T> {
    #[serde(default = "Vec::new")]
    item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// Reads a list as its elements.
pub(super) fn items<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Items::deserialize(deserializer).map(|items| items.item)
}

/// A subnet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Subnet {
    #[serde(rename = "subnetId")]
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) state: String,
    #[serde(rename = "availabilityZone")]
    pub(crate) zone: String,
    #[serde(rename = "availabilityZoneId")]
    pub(crate) zone_id: String,
    /// Free IPv4 addresses.
    #[serde(rename = "availableIpAddressCount")]
    pub(crate) free_addresses: u64,
    /// Whether it has IPv6 alone.
    pub(crate) ipv6_native: bool,
    pub(crate) owner_id: String,
    /// Its IPv4 range in CIDR notation.
    pub(crate) cidr_block: String,
    #[serde(rename = "tagSet", deserialize_with = "items")]
    tags: Vec<Tag>,
    block_public_access_states: BlockPublicAccessStates,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BlockPublicAccessStates {
    internet_gateway_block_mode: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Tag {
    key: String,
    value: String,
}

impl Subnet {
    /// The name that people gave it, by its tag `Name`.
    pub(crate) fn name(&self) -> Option<&str> {
        let mut tags = self.tags.iter();
        let named = tags.find(|tag| tag.key == "Name")?;
        Some(named.value.as_str())
    }

    /// `block-bidirectional` or `block-ingress` where the account blocks the way to and from the internet.
    pub(crate) fn internet_block(&self) -> Option<&str> {
        let mode = self
            .block_public_access_states
            .internet_gateway_block_mode
            .as_str();
        Some(mode).filter(|mode| mode.starts_with("block-"))
    }
}

/// A security group and its rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SecurityGroup {
    #[serde(rename = "groupId")]
    pub(crate) id: String,
    #[serde(rename = "groupName")]
    pub(crate) name: String,
    pub(crate) vpc_id: String,
    #[serde(rename = "ipPermissions", deserialize_with = "items")]
    pub(crate) incoming: Vec<Rule>,
    #[serde(rename = "ipPermissionsEgress", deserialize_with = "items")]
    pub(crate) outgoing: Vec<Rule>,
}

/// A rule of a security group: a protocol, ports, and the peers that it lets through.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rule {
    /// `tcp`, another protocol, or `-1` for all.
    #[serde(rename = "ipProtocol")]
    pub(crate) protocol: String,
    pub(crate) from_port: Option<i32>,
    pub(crate) to_port: Option<i32>,
    #[serde(deserialize_with = "items")]
    ip_ranges: Vec<IpRange>,
    #[serde(deserialize_with = "items")]
    ipv6_ranges: Vec<IpRange>,
    #[serde(deserialize_with = "items")]
    groups: Vec<GroupReference>,
    #[serde(deserialize_with = "items")]
    prefix_list_ids: Vec<PrefixList>,
}

#[derive(Debug, Clone, Deserialize)]
struct IpRange {
    #[serde(rename = "cidrIp", alias = "cidrIpv6")]
    range: String,
}

#[derive(Debug, Clone, Deserialize)]
struct GroupReference {
    #[serde(rename = "groupId")]
    id: String,
}

#[derive(Debug, Clone, Deserialize)]
struct PrefixList {
    #[serde(rename = "prefixListId")]
    id: String,
}

impl Rule {
    /// The address ranges, in CIDR notation.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = &str> {
        let ranges = self.ip_ranges.iter().chain(&self.ipv6_ranges);
        ranges.map(|range| range.range.as_str())
    }

    /// The IDs of groups whose members it lets through.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.id.as_str())
    }

    /// The IDs of lists of address ranges.
    pub(crate) fn prefix_lists(&self) -> impl Iterator<Item = &str> {
        self.prefix_list_ids.iter().map(|list| list.id.as_str())
    }
}

/// A route table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteTable {
    #[serde(rename = "routeTableId")]
    pub(crate) id: String,
    #[serde(rename = "routeSet", deserialize_with = "items")]
    pub(crate) routes: Vec<Route>,
    #[serde(rename = "associationSet", deserialize_with = "items")]
    associations: Vec<Association>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Association {
    subnet_id: Option<String>,
    main: bool,
}

impl RouteTable {
    /// Whether it is the one of subnets that name none.
    pub(crate) fn is_main(&self) -> bool {
        self.associations.iter().any(|association| association.main)
    }

    /// Whether the subnet names it.
    pub(crate) fn is_of(&self, subnet: &str) -> bool {
        let mut associations = self.associations.iter();
        associations.any(|association| association.subnet_id.as_deref() == Some(subnet))
    }
}

/// A route.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Route {
    pub(crate) destination_cidr_block: Option<String>,
    pub(crate) destination_ipv6_cidr_block: Option<String>,
    pub(crate) gateway_id: Option<String>,
    pub(crate) nat_gateway_id: Option<String>,
    pub(crate) egress_only_internet_gateway_id: Option<String>,
    pub(crate) transit_gateway_id: Option<String>,
    pub(crate) network_interface_id: Option<String>,
    pub(crate) vpc_peering_connection_id: Option<String>,
    pub(crate) core_network_arn: Option<String>,
    /// `active`, or `blackhole` where its target is gone.
    pub(crate) state: String,
}

/// An endpoint of a VPC (PrivateLink).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VpcEndpoint {
    #[serde(rename = "vpcEndpointId")]
    pub(crate) id: String,
    /// `Interface` or `Gateway`.
    #[serde(rename = "vpcEndpointType")]
    pub(crate) kind: String,
    /// Such as `com.amazonaws.eu-west-1.ecr.api`.
    pub(crate) service_name: String,
    pub(crate) state: String,
    pub(crate) private_dns_enabled: bool,
    /// Its policy, in JSON.
    pub(crate) policy_document: String,
    #[serde(rename = "routeTableIdSet", deserialize_with = "items")]
    pub(crate) route_tables: Vec<String>,
    #[serde(rename = "groupSet", deserialize_with = "items")]
    groups: Vec<GroupReference>,
}

impl VpcEndpoint {
    /// The IDs of its security groups; a gateway has none.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.id.as_str())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::aws) struct DescribeSubnetsResponse {
    #[serde(deserialize_with = "items")]
    pub(in crate::aws) subnet_set: Vec<Subnet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::aws) struct DescribeSecurityGroupsResponse {
    #[serde(deserialize_with = "items")]
    pub(in crate::aws) security_group_info: Vec<SecurityGroup>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeRouteTablesResponse {
    #[serde(deserialize_with = "items")]
    route_table_set: Vec<RouteTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeVpcEndpointsResponse {
    #[serde(deserialize_with = "items")]
    vpc_endpoint_set: Vec<VpcEndpoint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeVpcAttributeResponse {
    enable_dns_support: Attribute,
    enable_dns_hostnames: Attribute,
}

#[derive(Debug, Default, Deserialize)]
struct Attribute {
    value: Option<bool>,
}

impl Aws {
    fn ec2(&self) -> signed::Client {
        signed::Client::new(&self.shared, &signed::EC2)
    }

    /// Those of the subnets that exist.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn subnets(&self, ids: &[String]) -> Result<Vec<Subnet>, AwsError> {
        let parameters = filter("subnet-id", ids);
        let reply: DescribeSubnetsResponse =
            self.ec2().call("ec2:DescribeSubnets", parameters).await?;
        Ok(reply.subnet_set)
    }

    /// Those of the groups that exist.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn security_groups(
        &self,
        ids: &[String],
    ) -> Result<Vec<SecurityGroup>, AwsError> {
        let parameters = filter("group-id", ids);
        let reply: DescribeSecurityGroupsResponse = self
            .ec2()
            .call("ec2:DescribeSecurityGroups", parameters)
            .await?;
        Ok(reply.security_group_info)
    }

    /// The route tables of a VPC.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn route_tables(&self, vpc: &str) -> Result<Vec<RouteTable>, AwsError> {
        let parameters = filter("vpc-id", &[vpc.to_owned()]);
        let reply: DescribeRouteTablesResponse = self
            .ec2()
            .call("ec2:DescribeRouteTables", parameters)
            .await?;
        Ok(reply.route_table_set)
    }

    /// The endpoints of a VPC.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn vpc_endpoints(&self, vpc: &str) -> Result<Vec<VpcEndpoint>, AwsError> {
        let parameters = filter("vpc-id", &[vpc.to_owned()]);
        let reply: DescribeVpcEndpointsResponse = self
            .ec2()
            .call("ec2:DescribeVpcEndpoints", parameters)
            .await?;
        Ok(reply.vpc_endpoint_set)
    }

    /// Whether an attribute of a VPC is on: `enableDnsSupport` or `enableDnsHostnames`.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn vpc_attribute(&self, vpc: &str, attribute: &str) -> Result<bool, AwsError> {
        const ACTION: &str = "ec2:DescribeVpcAttribute";
        let parameters = json!({ "VpcId": vpc, "Attribute": attribute });
        let reply: DescribeVpcAttributeResponse = self.ec2().call(ACTION, parameters).await?;
        let value = reply
            .enable_dns_support
            .value
            .or(reply.enable_dns_hostnames.value);
        value.ok_or_else(|| AwsError::unusable_reply(ACTION, "the reply has no value"))
    }
}

/// The parameters of a call that selects by one filter.
pub(in crate::aws) fn filter(name: &str, values: &[String]) -> Value {
    json!({ "Filter": [{ "Name": name, "Value": values }] })
}
