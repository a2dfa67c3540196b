//! The way out of a route table.

use crate::aws::Route;

/// Where the default route of a subnet leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// An internet gateway: addresses have to be public.
    Public,
    /// A NAT gateway, or an egress-only gateway for IPv6.
    Nat,
    /// Something of the operator's, which cannot be seen through.
    Via(String),
    /// A target that is gone.
    Blackhole,
    None,
}

/// The way of the default route, by IPv4 or IPv6.
pub(super) fn way(routes: &[Route], ipv6: bool) -> Way {
    let is_default = |route: &&Route| match ipv6 {
        true => route.destination_ipv6_cidr_block.as_deref() == Some("::/0"),
        false => route.destination_cidr_block.as_deref() == Some("0.0.0.0/0"),
    };
    let Some(route) = routes.iter().find(is_default) else {
        return Way::None;
    };
    if route.state == "blackhole" {
        return Way::Blackhole;
    }
    let gateway = route.gateway_id.as_deref().unwrap_or_default();
    if gateway.starts_with("igw-") {
        return Way::Public;
    }
    if route.nat_gateway_id.is_some() || route.egress_only_internet_gateway_id.is_some() {
        return Way::Nat;
    }
    let others = [
        &route.transit_gateway_id,
        &route.network_interface_id,
        &route.vpc_peering_connection_id,
        &route.core_network_arn,
        &route.gateway_id,
    ];
    let via = others.into_iter().flatten().next();
    Way::Via(
        via.cloned()
            .unwrap_or_else(|| "an unknown target".to_owned()),
    )
}
