//! The network around the subnets.

use super::ask::{Answer, Ask};
use crate::aws::{RouteTable, Subnet, VpcEndpoint};

/// The VPC of the first subnet.
#[derive(Debug)]
pub(in super::super) struct Vpc {
    pub(in super::super) id: String,
    pub(in super::super) route_tables: Answer<Vec<RouteTable>>,
    pub(in super::super) endpoints: Answer<Vec<VpcEndpoint>>,
    /// Whether names resolve in it, and whether private names do.
    pub(in super::super) dns_support: Answer<bool>,
    pub(in super::super) dns_hostnames: Answer<bool>,
}

impl Vpc {
    pub(super) async fn look(ask: &Ask<'_>, subnets: &[Subnet]) -> Option<Self> {
        let id = &subnets.first()?.vpc_id;
        const ATTRIBUTE: &str = "ec2:DescribeVpcAttribute";
        let (route_tables, endpoints, dns_support, dns_hostnames) = tokio::join!(
            ask.bounded("ec2:DescribeRouteTables", ask.aws.route_tables(id)),
            ask.bounded("ec2:DescribeVpcEndpoints", ask.aws.vpc_endpoints(id)),
            ask.bounded(ATTRIBUTE, ask.aws.vpc_attribute(id, "enableDnsSupport")),
            ask.bounded(ATTRIBUTE, ask.aws.vpc_attribute(id, "enableDnsHostnames")),
        );
        Some(Self {
            id: id.clone(),
            route_tables,
            endpoints,
            dns_support,
            dns_hostnames,
        })
    }
}
