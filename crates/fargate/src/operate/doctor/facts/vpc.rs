//! The network around the subnets.

use std::collections::BTreeSet;

use super::ask::{Answer, Ask};
use crate::aws::{RouteTable, SecurityGroup, Subnet, VpcEndpoint};

/// The VPC of the first subnet.
#[derive(Debug)]
pub(in super::super) struct Vpc {
    pub(in super::super) id: String,
    pub(in super::super) route_tables: Answer<Vec<RouteTable>>,
    pub(in super::super) endpoints: Answer<Vec<VpcEndpoint>>,
    /// The security groups of these.
    pub(in super::super) endpoint_groups: Answer<Vec<SecurityGroup>>,
    /// Whether names resolve in it, and whether private names do.
    pub(in super::super) dns_support: Answer<bool>,
    pub(in super::super) dns_hostnames: Answer<bool>,
}

impl Vpc {
    pub(super) async fn look(ask: &Ask<'_>, subnets: &[Subnet]) -> Option<Self> {
        let id = &subnets.first()?.vpc_id;
        const ATTRIBUTE: &str = "ec2:DescribeVpcAttribute";
        let (route_tables, (endpoints, endpoint_groups), dns_support, dns_hostnames) = tokio::join!(
            ask.bounded("ec2:DescribeRouteTables", ask.aws.route_tables(id)),
            ask.endpoints(id),
            ask.bounded(ATTRIBUTE, ask.aws.vpc_attribute(id, "enableDnsSupport")),
            ask.bounded(ATTRIBUTE, ask.aws.vpc_attribute(id, "enableDnsHostnames")),
        );
        Some(Self {
            id: id.clone(),
            route_tables,
            endpoints,
            endpoint_groups,
            dns_support,
            dns_hostnames,
        })
    }
}

impl Ask<'_> {
    /// The endpoints of a VPC, and their security groups.
    async fn endpoints(&self, vpc: &str) -> (Answer<Vec<VpcEndpoint>>, Answer<Vec<SecurityGroup>>) {
        let call = self.aws.vpc_endpoints(vpc);
        let endpoints = self.bounded("ec2:DescribeVpcEndpoints", call).await;
        let ids: BTreeSet<_> = endpoints
            .iter()
            .flatten()
            .flat_map(VpcEndpoint::groups)
            .collect();
        let ids: Vec<_> = ids.into_iter().map(str::to_owned).collect();
        // Without a name, AWS would list them all.
        let groups = match ids.is_empty() {
            true => Ok(Vec::new()),
            false => {
                let call = self.aws.security_groups(&ids);
                self.bounded("ec2:DescribeSecurityGroups", call).await
            }
        };
        (endpoints, groups)
    }
}
