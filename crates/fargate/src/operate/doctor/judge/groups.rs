//! Security groups: whether they let the manager in, and tasks out.

use std::net::IpAddr;

use super::super::catalog::{DEFAULT_GROUP, GROUPS, OPEN_TO_ALL, OUTGOING, SSH_IN};
use super::super::check::Check;
use super::super::facts::{Account, Named};
use super::answers::read;
use super::configuration::or_pass;
use crate::aws::{Instance, Rule, SecurityGroup};
use crate::config::{Config, Mode};
use fargate_wire::{AGENT_PORT, HELPER_PORT};

/// Judges the security groups of tasks.
pub(super) fn groups(config: &Config, account: &Account, named: &Named) -> Vec<Check> {
    let groups = match read(&named.groups, &GROUPS) {
        Err(skipped) => return vec![skipped],
        Ok(groups) => groups,
    };
    let mut wrong = missing(groups, config);
    if let Some(vpc) = &named.vpc {
        let others = groups.iter().filter(|group| group.vpc_id != vpc.id);
        wrong.extend(others.map(|group| {
            GROUPS.fail(
                format!(
                    "{} is of {}, and the subnets are of {}",
                    group.id, group.vpc_id, vpc.id
                ),
                "Name a group of the subnets' VPC in [Fargate] SecurityGroups.",
            )
        }));
    }
    let is_whole = wrong.is_empty();
    let mut checks = or_pass(wrong, || {
        GROUPS.pass(config.fargate.security_groups.join(", "))
    });
    if !is_whole {
        return checks;
    }
    checks.push(incoming(groups, config, account.instance.as_ref()));
    checks.extend(or_pass(
        groups
            .iter()
            .filter_map(|group| open_to_all(group, config))
            .collect(),
        || OPEN_TO_ALL.pass("no"),
    ));
    let default = groups.iter().filter(|group| group.name == "default");
    let default = default.map(|group| {
        DEFAULT_GROUP.warn(
            format!(
                "{} is the VPC's default group, whose members reach each other: jobs reach jobs",
                group.id
            ),
            "Give tasks a group of their own in [Fargate] SecurityGroups.",
        )
    });
    checks.extend(or_pass(default.collect(), || {
        DEFAULT_GROUP.pass("not used")
    }));
    checks.push(outgoing(groups));
    checks
}

fn missing(groups: &[SecurityGroup], config: &Config) -> Vec<Check> {
    let region = &config.fargate.region;
    let named = config.fargate.security_groups.iter();
    let missing = named.filter(|id| !groups.iter().any(|group| group.id == **id));
    missing
        .map(|id| {
            GROUPS.fail(
                format!("there is no {id} in {region}"),
                format!(
                    "Correct [Fargate] SecurityGroups; these are there:\n$ aws ec2 describe-security-groups --region {region} --query \
                     SecurityGroups[].[GroupId,GroupName,VpcId] --output table"
                ),
            )
        })
        .collect()
}

/// The ports that the manager connects to.
fn ports(config: &Config) -> Vec<u16> {
    match config.mode {
        Mode::TaskDefinition(_) => vec![config.ssh.port],
        Mode::JobImage(_) => vec![AGENT_PORT, HELPER_PORT],
    }
}

/// Whether a rule is about TCP and this port.
fn is_about(rule: &Rule, port: u16) -> bool {
    let port = i32::from(port);
    match rule.protocol.as_str() {
        "-1" => true,
        "tcp" | "6" => {
            rule.from_port.is_none_or(|from| from <= port)
                && rule.to_port.is_none_or(|to| port <= to)
        }
        _ => false,
    }
}

fn incoming(groups: &[SecurityGroup], config: &Config, instance: Option<&Instance>) -> Check {
    let public = config.fargate.connect_to_public_ip;
    let ports = ports(config);
    let told: Vec<_> = ports.iter().map(u16::to_string).collect();
    let told = told.join(" and ");
    let rules = |port: u16| {
        let rules = groups.iter().flat_map(|group| &group.incoming);
        rules
            .filter(move |rule| is_about(rule, port))
            .collect::<Vec<_>>()
    };
    let shut: Vec<_> = ports
        .iter()
        .copied()
        .filter(|port| rules(*port).is_empty())
        .collect();
    if let Some(port) = shut.first() {
        return SSH_IN.fail(
            format!("no rule lets anybody in on port {port}; the manager connects to {told}"),
            open(groups, &ports, config, instance),
        );
    }
    let address = instance.and_then(|instance| match public {
        true => instance.public_ip,
        false => instance.private_ip,
    });
    let is_known = address.is_some();
    let (mut by_group, mut by_list) = (false, false);
    for port in &ports {
        let rules = rules(*port);
        let everyone = |rule: &&&Rule| rule.ranges().any(is_everyone);
        let lets_in = rules
            .iter()
            .any(|rule| lets_in(rule, address, public, instance))
            || rules.iter().find(everyone).is_some();
        if !lets_in {
            by_group |= rules.iter().any(|rule| rule.groups().next().is_some());
            by_list |= rules
                .iter()
                .any(|rule| rule.prefix_lists().next().is_some());
            if by_list {
                return SSH_IN.skip(format!(
                    "port {port} is open to a prefix list, into which doctor does not look"
                ));
            }
            if public && by_group {
                return SSH_IN.fail(
                    format!(
                        "port {port} is open to a group, and by public addresses no group counts: it stands for private addresses"
                    ),
                    format!(
                        "Set UsePublicIP = false in [Fargate] if the manager reaches the subnets itself, or let its public address \
                         in.\n{}",
                        open(groups, &ports, config, instance)
                    ),
                );
            }
            if !is_known {
                return SSH_IN.skip("the manager's address is unknown here, outside of EC2");
            }
            let address = address.map_or_else(String::new, |address| address.to_string());
            return SSH_IN.fail(
                format!("no rule lets the manager in on port {port}, from {address}"),
                open(groups, &ports, config, instance),
            );
        }
    }
    SSH_IN.pass(format!("the manager, on {told}"))
}

fn lets_in(
    rule: &Rule,
    address: Option<IpAddr>,
    public: bool,
    instance: Option<&Instance>,
) -> bool {
    let by_address =
        address.is_some_and(|address| rule.ranges().any(|range| contains(range, address)));
    let own = instance
        .map(|instance| instance.groups.as_slice())
        .unwrap_or_default();
    let by_group = !public
        && rule
            .groups()
            .any(|group| own.iter().any(|one| one == group));
    by_address || by_group
}

fn is_everyone(range: &str) -> bool {
    matches!(range, "0.0.0.0/0" | "::/0")
}

/// Whether a range in CIDR notation contains the address.
fn contains(range: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = range.split_once('/') else {
        return false;
    };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(bits))
                .unwrap_or_default();
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(bits))
                .unwrap_or_default();
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

/// The command that lets the manager in.
fn open(
    groups: &[SecurityGroup],
    ports: &[u16],
    config: &Config,
    instance: Option<&Instance>,
) -> String {
    let group = groups.first().map_or("GROUP", |group| group.id.as_str());
    let ports = match ports {
        [one] => one.to_string(),
        _ => {
            let range = (ports.iter().min(), ports.iter().max());
            format!("{}-{}", range.0.unwrap_or(&0), range.1.unwrap_or(&0))
        }
    };
    let own = instance.and_then(|instance| instance.groups.first());
    let from = match (
        config.fargate.connect_to_public_ip,
        own,
        instance.and_then(|one| one.public_ip),
    ) {
        (false, Some(own), _) => format!("--source-group {own}"),
        (true, _, Some(address)) => format!("--cidr {address}/32"),
        _ => "--cidr ADDRESS_OF_THE_MANAGER/32".to_owned(),
    };
    format!(
        "$ aws ec2 authorize-security-group-ingress --region {} --group-id {group} --protocol tcp --port {ports} {from}",
        config.fargate.region
    )
}

fn open_to_all(group: &SecurityGroup, config: &Config) -> Option<Check> {
    let ports = ports(config);
    let about = |rule: &&Rule| ports.iter().any(|port| is_about(rule, *port));
    let mut wide = group.incoming.iter().filter(about);
    let range = wide.find_map(|rule| rule.ranges().find(|range| is_everyone(range)))?;
    Some(OPEN_TO_ALL.warn(
        format!("{} lets {range} in on an SSH port", group.id),
        format!(
            "Let only the manager in, and take this rule away:\n$ aws ec2 revoke-security-group-ingress --region {} --group-id {} \
             --protocol tcp --port {} --cidr {range}",
            config.fargate.region,
            group.id,
            ports.first().copied().unwrap_or_default()
        ),
    ))
}

fn outgoing(groups: &[SecurityGroup]) -> Check {
    const HTTPS: u16 = 443;
    let mut rules = groups.iter().flat_map(|group| &group.outgoing);
    let group = groups.first().map_or("GROUP", |group| group.id.as_str());
    match rules.any(|rule| is_about(rule, HTTPS)) {
        true => OUTGOING.pass("HTTPS"),
        false => OUTGOING.fail(
            "no rule lets tasks out on port 443: to the registry, GitLab or endpoints",
            format!(
                "Let them out:\n$ aws ec2 authorize-security-group-egress --group-id {group} --protocol tcp --port 443 --cidr 0.0.0.0/0"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_addresses() {
        for (range, address, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("2001:db8::/32", "2001:db8::7", true),
            ("2001:db8::/32", "2001:db9::7", false),
            ("10.0.0.0/8", "2001:db8::7", false),
            ("nonsense", "10.1.2.3", false),
        ] {
            assert_eq!(
                contains(range, address.parse().unwrap()),
                expected,
                "{range} {address}"
            );
        }
    }
}
