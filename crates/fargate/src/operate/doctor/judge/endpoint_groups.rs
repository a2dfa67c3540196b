//! Security groups of endpoints: whether they let tasks in.

use std::net::IpAddr;

use super::super::catalog::ENDPOINTS;
use super::super::check::Check;
use super::super::facts::Vpc;
use super::rule_options::options;
use super::rules::{contains, is_about};
use crate::aws::{Rule, SecurityGroup, Subnet, VpcEndpoint};
use crate::config::Config;

/// The port of AWS's APIs.
const HTTPS: u16 = 443;

/// The finding that an endpoint lets no task of a subnet in. Its private names lead to it also where tasks have a way
/// out.
pub(super) fn shut(
    endpoint: &VpcEndpoint,
    subnets: &[Subnet],
    vpc: &Vpc,
    config: &Config,
) -> Option<Check> {
    let known = vpc.endpoint_groups.as_ref().ok()?;
    let groups: Vec<_> = endpoint
        .groups()
        .filter_map(|id| known.iter().find(|group| group.id == id))
        .collect();
    let first = groups.first()?;
    let shut = subnets
        .iter()
        .filter(|subnet| subnet.vpc_id == vpc.id)
        .find(|subnet| !lets_in(&groups, subnet, config))?;
    let tasks = config.fargate.security_groups.first();
    let tasks = tasks.map_or("GROUP", String::as_str);
    let port = Some(i32::from(HTTPS));
    Some(ENDPOINTS.fail(
        format!(
            "{} for {}: no rule of {} lets tasks of {} in on port {HTTPS}",
            endpoint.id,
            endpoint.service_name,
            endpoint.groups().collect::<Vec<_>>().join(", "),
            shut.id
        ),
        format!(
            "Let the tasks in:\n$ aws ec2 authorize-security-group-ingress --region {} --group-id {} {} --source-group {tasks}",
            config.fargate.region,
            first.id,
            options("tcp", port, port)
        ),
    ))
}

fn lets_in(groups: &[&SecurityGroup], subnet: &Subnet, config: &Config) -> bool {
    let rules = groups.iter().flat_map(|group| &group.incoming);
    rules
        .filter(|rule| is_about(rule, HTTPS))
        .any(|rule| rule_lets_in(rule, subnet, config))
}

/// A list of ranges is taken for one that lets tasks in: doctor does not look into those of endpoints.
fn rule_lets_in(rule: &Rule, subnet: &Subnet, config: &Config) -> bool {
    let of_tasks = |group: &str| {
        let mut own = config.fargate.security_groups.iter();
        own.any(|one| one == group)
    };
    let first = subnet.cidr_block.split('/').next().unwrap_or_default();
    let first = first.parse::<IpAddr>();
    rule.groups().any(of_tasks)
        || rule.prefix_lists().next().is_some()
        || rule
            .ranges()
            .any(|range| first.as_ref().map_or(true, |first| contains(range, *first)))
}
