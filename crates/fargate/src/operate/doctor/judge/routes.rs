//! The way out of each subnet, and the endpoints that take its place.

use super::super::catalog::{ENDPOINTS, WAY_OUT};
use super::super::check::Check;
use super::super::facts::{Named, Vpc};
use super::answers::read;
use super::configuration::or_pass;
use super::endpoints;
use super::way::{Way, way};
use crate::aws::{RouteTable, Subnet};
use crate::config::Config;

/// Judges the way out, and the endpoints.
pub(super) fn routes(subnets: &[Subnet], vpc: &Vpc, config: &Config, named: &Named) -> Vec<Check> {
    let tables = match read(&vpc.route_tables, &WAY_OUT) {
        Err(skipped) => return vec![skipped],
        Ok(tables) => tables,
    };
    let mut checks = Vec::new();
    let mut isolated = Vec::new();
    for subnet in subnets.iter().filter(|subnet| subnet.vpc_id == vpc.id) {
        let Some(table) = table(subnet, tables) else {
            // Every subnet has one. Those of a shared subnet may be the owner's alone to see.
            checks.push(WAY_OUT.skip(format!(
                "the route table of {}, a subnet of account {}, is not visible here",
                subnet.id, subnet.owner_id
            )));
            continue;
        };
        let way = way(&table.routes, subnet.ipv6_native);
        let needs_endpoints =
            way == Way::None || (way == Way::Public && !has_public_addresses(config, subnet));
        if needs_endpoints {
            isolated.push((subnet, table, way));
        } else {
            checks.extend(out(subnet, table, &way, config));
        }
    }
    let missing: Vec<_> = isolated
        .iter()
        .filter_map(|(subnet, table, way)| {
            endpoints::missing(subnet, table, way, vpc, config, named)
        })
        .collect();
    let judged = endpoints::judged(subnets, vpc, config, !isolated.is_empty());
    let has_failed = !missing.is_empty();
    checks.extend(missing);
    checks = or_pass(checks, || {
        WAY_OUT.pass(match isolated.is_empty() {
            true => "each subnet has one",
            false => "by endpoints of the VPC",
        })
    });
    if !has_failed {
        checks.extend(or_pass(judged, || ENDPOINTS.pass("as they must be")));
    }
    checks
}

/// Whether the default route of a subnet leads to an internet gateway.
pub(in super::super) fn is_public(subnet: &Subnet, vpc: &Vpc) -> bool {
    let tables = vpc.route_tables.as_deref().unwrap_or_default();
    let table = table(subnet, tables);
    table.is_some_and(|table| way(&table.routes, subnet.ipv6_native) == Way::Public)
}

/// Tasks in a subnet with IPv6 alone have addresses that are public where routes make them so.
fn has_public_addresses(config: &Config, subnet: &Subnet) -> bool {
    config.fargate.assign_public_ip || subnet.ipv6_native
}

/// The table of a subnet: the one that names it, else the VPC's main one.
fn table<'a>(subnet: &Subnet, tables: &'a [RouteTable]) -> Option<&'a RouteTable> {
    let own = tables.iter().find(|table| table.is_of(&subnet.id));
    own.or_else(|| tables.iter().find(|table| table.is_main()))
}

/// The faults of a way out.
fn out(subnet: &Subnet, table: &RouteTable, way: &Way, config: &Config) -> Option<Check> {
    let (id, table) = (&subnet.id, &table.id);
    match way {
        Way::Nat if config.fargate.connect_to_public_ip => Some(WAY_OUT.fail(
            format!("{id} goes out by NAT ({table}), so nothing reaches its tasks' public addresses"),
            "Set UsePublicIP = false in [Fargate] if the manager reaches the subnet itself, or name a subnet whose default route \
             leads to an internet gateway.",
        )),
        Way::Blackhole => Some(WAY_OUT.fail(
            format!("the default route of {id} ({table}) leads to a target that is gone"),
            format!(
                "Give it a NAT gateway or an internet gateway:\n$ aws ec2 replace-route --region {} --route-table-id {table} \
                 --destination-cidr-block 0.0.0.0/0 --nat-gateway-id NAT",
                config.fargate.region
            ),
        )),
        Way::Via(target) => Some(WAY_OUT.warn(
            format!("{id} goes out via {target} ({table}), through which doctor cannot see"),
            "Make sure that tasks reach the registry, GitLab and everything that jobs download; fargate try shows it.",
        )),
        Way::Public | Way::Nat | Way::None => None,
    }
}
