//! Security groups: whether they let the manager in, and tasks out.

use std::net::IpAddr;

use super::super::catalog::{DEFAULT_GROUP, GROUPS, OPEN_TO_ALL, OUTGOING, SSH_IN};
use super::super::check::Check;
use super::super::facts::{Account, Answer, Named, PrefixLists};
use super::answers::{read, skipped};
use super::configuration::or_pass;
use super::rule_options::{of_range, options};
use super::rules::{contains, is_about, is_everyone};
use crate::aws::{AwsError, Instance, Rule, SecurityGroup};
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
    // Tasks in such subnets have IPv6 addresses alone.
    let subnets = named.subnets.as_deref().unwrap_or_default();
    let ipv6 = !subnets.is_empty() && subnets.iter().all(|subnet| subnet.ipv6_native);
    let manager = Manager {
        instance: account.instance.as_ref(),
        public: config.fargate.connect_to_public_ip,
        ipv6,
        lists: &named.prefix_lists,
    };
    checks.push(incoming(groups, config, &manager));
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
    checks.push(outgoing(groups, config));
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

/// The manager, as security groups see it.
struct Manager<'a> {
    instance: Option<&'a Instance>,
    /// Whether it connects to public addresses.
    public: bool,
    /// Whether it connects by IPv6.
    ipv6: bool,
    /// The prefix lists that rules name.
    lists: &'a PrefixLists,
}

impl Manager<'_> {
    /// The address that it connects from, if doctor knows it. EC2's metadata tells of IPv4 alone.
    fn address(&self) -> Option<IpAddr> {
        let instance = self.instance.filter(|_| !self.ipv6)?;
        match self.public {
            true => instance.public_ip,
            false => instance.private_ip,
        }
    }

    /// Its own groups, as far as AWS tells them.
    fn own_groups(&self) -> Option<&[String]> {
        let groups = self.instance?.groups.as_ref().ok()?;
        Some(groups.as_slice())
    }

    /// Why its own groups are not known, where a rule names groups.
    fn unseen(&self, rules: &[&Rule]) -> Option<&AwsError> {
        let names_groups = rules.iter().any(|rule| rule.groups().next().is_some());
        let refusal = self.instance?.groups.as_ref().err()?;
        (names_groups && !self.public).then_some(refusal)
    }

    /// The ranges of a prefix list, as AWS answered.
    fn list(&self, id: &str) -> Option<&Answer<Vec<String>>> {
        let mut lists = self.lists.iter();
        lists.find(|(one, _)| one == id).map(|(_, answer)| answer)
    }

    fn is_let_in_by(&self, rule: &Rule) -> bool {
        let everybody = match self.ipv6 {
            true => "::/0",
            false => "0.0.0.0/0",
        };
        let of_lists = rule
            .prefix_lists()
            .filter_map(|list| self.list(list)?.as_ref().ok());
        let of_lists = of_lists.flatten().map(String::as_str);
        let by_address = rule.ranges().chain(of_lists).any(|range| {
            range == everybody
                || self
                    .address()
                    .is_some_and(|address| contains(range, address))
        });
        let by_group = || {
            let own = self.own_groups().unwrap_or_default();
            rule.groups()
                .any(|group| own.iter().any(|one| one == group))
        };
        by_address || (!self.public && by_group())
    }
}

/// The ports that the manager connects to.
fn ports(config: &Config) -> Vec<u16> {
    match config.mode {
        Mode::TaskDefinition(_) => vec![config.ssh.port],
        Mode::JobImage(_) => vec![AGENT_PORT, HELPER_PORT],
    }
}

fn incoming(groups: &[SecurityGroup], config: &Config, manager: &Manager<'_>) -> Check {
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
            open(groups, &ports, config, manager),
        );
    }
    let mut by_group = false;
    for port in &ports {
        let rules = rules(*port);
        if !rules.iter().any(|rule| manager.is_let_in_by(rule)) {
            by_group |= rules.iter().any(|rule| rule.groups().next().is_some());
            let mut lists = rules.iter().flat_map(|rule| rule.prefix_lists());
            let unread = lists.find_map(|list| manager.list(list)?.as_ref().err());
            if let Some(refusal) = unread.or_else(|| manager.unseen(&rules)) {
                return skipped(refusal, &SSH_IN);
            }
            // One of the ranges may be the manager's own.
            let has_ranges = rules.iter().any(|rule| rule.ranges().next().is_some());
            let is_unknown = manager.address().is_none() && has_ranges;
            if manager.public && by_group && !is_unknown {
                return SSH_IN.fail(
                    format!(
                        "port {port} is open to a group, and by public addresses no group counts: it stands for private addresses"
                    ),
                    format!(
                        "Set UsePublicIP = false in [Fargate] if the manager reaches the subnets itself, or let its public address \
                         in.\n{}",
                        open(groups, &ports, config, manager)
                    ),
                );
            }
            let Some(address) = manager.address() else {
                return SSH_IN.skip(match manager.ipv6 {
                    true => {
                        "tasks have IPv6 addresses alone, and doctor does not know the manager's"
                    }
                    false => "the manager's address is unknown here",
                });
            };
            return SSH_IN.fail(
                format!("no rule lets the manager in on port {port}, from {address}"),
                open(groups, &ports, config, manager),
            );
        }
    }
    SSH_IN.pass(format!("the manager, on {told}"))
}

/// The command that lets the manager in.
fn open(groups: &[SecurityGroup], ports: &[u16], config: &Config, manager: &Manager<'_>) -> String {
    let group = groups.first().map_or("GROUP", |group| group.id.as_str());
    let first = ports.iter().copied().min().map(i32::from);
    let last = ports.iter().copied().max().map(i32::from);
    let own = manager.own_groups().and_then(<[String]>::first);
    let rule = match (manager.public, own, manager.address(), manager.ipv6) {
        (false, Some(own), ..) => format!("{} --source-group {own}", options("tcp", first, last)),
        (true, _, Some(address), _) => of_range("tcp", first, last, &format!("{address}/32")),
        (.., true) => of_range("tcp", first, last, "ADDRESS_OF_THE_MANAGER::/128"),
        _ => of_range("tcp", first, last, "ADDRESS_OF_THE_MANAGER/32"),
    };
    format!(
        "$ aws ec2 authorize-security-group-ingress --region {} --group-id {group} {rule}",
        config.fargate.region
    )
}

fn open_to_all(group: &SecurityGroup, config: &Config) -> Option<Check> {
    let ports = ports(config);
    let about = |rule: &&Rule| ports.iter().any(|port| is_about(rule, *port));
    let wide = group.incoming.iter().filter(about);
    let wide: Vec<_> = wide
        .flat_map(|rule| rule.ranges().map(move |range| (rule, range)))
        .filter(|(_, range)| is_everyone(range))
        .collect();
    let (_, first) = wide.first()?;
    // AWS takes a rule away only by its own protocol, ports and range.
    let revoke = |(rule, range): &(&Rule, &str)| {
        format!(
            "\n$ aws ec2 revoke-security-group-ingress --region {} --group-id {} {}",
            config.fargate.region,
            group.id,
            of_range(&rule.protocol, rule.from_port, rule.to_port, range)
        )
    };
    let commands: String = wide.iter().map(revoke).collect();
    Some(OPEN_TO_ALL.warn(
        format!("{} lets {first} in on an SSH port", group.id),
        format!("Let only the manager in, and take away what lets everybody in:{commands}"),
    ))
}

fn outgoing(groups: &[SecurityGroup], config: &Config) -> Check {
    const HTTPS: u16 = 443;
    let mut rules = groups.iter().flat_map(|group| &group.outgoing);
    let group = groups.first().map_or("GROUP", |group| group.id.as_str());
    match rules.any(|rule| is_about(rule, HTTPS)) {
        true => OUTGOING.pass("HTTPS"),
        false => OUTGOING.fail(
            "no rule lets tasks out on port 443: to the registry, GitLab or endpoints",
            format!(
                "Let them out:\n$ aws ec2 authorize-security-group-egress --region {} --group-id {group} --protocol tcp \
                 --port 443 --cidr 0.0.0.0/0",
                config.fargate.region
            ),
        ),
    }
}
