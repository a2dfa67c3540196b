//! Subnets and their VPC.

use super::super::catalog::{ADDRESSES, INTERNET_BLOCK, SUBNETS, SUBNETS_VPC, VPC_DNS, ZONES};
use super::super::check::Check;
use super::super::facts::{Account, Facts, Named, Vpc};
use super::answers::read;
use super::configuration::or_pass;
use super::prerequisite::named;
use super::{endpoints, groups, routes};
use crate::aws::Subnet;
use crate::config::{Config, Fargate};

/// Zones with Fargate in Regions where not all have it, by their IDs (AWS: Fargate Regions).
const ZONES_WITH_FARGATE: [(&str, &[&str]); 3] = [
    ("usw1-", &["usw1-az1", "usw1-az3"]),
    ("cac1-", &["cac1-az1", "cac1-az2"]),
    ("apne1-", &["apne1-az1", "apne1-az2", "apne1-az4"]),
];

/// Judges the network of tasks.
pub(in super::super) fn network(facts: &Facts, account: &Account) -> Vec<Check> {
    let (config, named) = match named(facts, account, &SUBNETS) {
        Ok(known) => known,
        Err(skipped) => return vec![skipped],
    };
    let mut checks = match read(&named.subnets, &SUBNETS) {
        Err(skipped) => vec![skipped],
        Ok(subnets) => of_subnets(subnets, facts, config, named),
    };
    checks.extend(groups::groups(config, account, named));
    checks
}

fn of_subnets(subnets: &[Subnet], facts: &Facts, config: &Config, named: &Named) -> Vec<Check> {
    let fargate = &config.fargate;
    let mut checks = or_pass(missing(subnets, fargate), || {
        SUBNETS.pass(fargate.subnets.join(", "))
    });
    let Some(first) = subnets.first() else {
        return checks;
    };
    let others = subnets
        .iter()
        .filter(|subnet| subnet.vpc_id != first.vpc_id);
    let others =
        others.map(|subnet| {
            SUBNETS_VPC.fail(
            format!("{} is of {}, and {} of {}", first.id, first.vpc_id, subnet.id, subnet.vpc_id),
            "Name subnets of one VPC in [Fargate] Subnets: the security groups can only be of one.",
        )
        });
    checks.extend(or_pass(others.collect(), || {
        SUBNETS_VPC.pass(first.vpc_id.as_str())
    }));
    checks.extend(or_pass(subnets.iter().filter_map(zone).collect(), || {
        let zones: Vec<_> = subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
        ZONES.pass(zones.join(", "))
    }));
    checks.extend(addresses(subnets, facts));
    checks.extend(or_pass(
        subnets
            .iter()
            .filter_map(|subnet| block(subnet, fargate))
            .collect(),
        || INTERNET_BLOCK.pass("none"),
    ));
    if let Some(vpc) = &named.vpc {
        checks.extend(dns(vpc, fargate, named));
        checks.extend(routes::routes(subnets, vpc, config, named));
    }
    checks
}

fn missing(subnets: &[Subnet], fargate: &Fargate) -> Vec<Check> {
    let named = fargate.subnets.iter();
    let wrong = named.filter_map(|id| {
        let state = match subnets.iter().find(|subnet| subnet.id == *id) {
            None => format!("there is no {id} in {}", fargate.region),
            Some(subnet) if subnet.state != "available" => format!("{id} is {}", subnet.state),
            Some(_) => return None,
        };
        Some(SUBNETS.fail(
            state,
            format!(
                "Correct [Fargate] Subnets or Region; these are there:\n$ aws ec2 describe-subnets --region {} --query \
                 Subnets[].[SubnetId,VpcId,AvailabilityZone] --output table",
                fargate.region
            ),
        ))
    });
    wrong.collect()
}

fn zone(subnet: &Subnet) -> Option<Check> {
    let mut regions = ZONES_WITH_FARGATE.iter();
    let (_, zones) = regions.find(|(prefix, _)| subnet.zone_id.starts_with(prefix))?;
    (!zones.contains(&subnet.zone_id.as_str())).then(|| {
        ZONES.fail(
            format!(
                "{} is in {} ({}), where there is no Fargate",
                subnet.id, subnet.zone, subnet.zone_id
            ),
            format!(
                "Use a subnet in one of the zones {} in [Fargate] Subnets.",
                zones.join(", ")
            ),
        )
    })
}

/// The addresses that tasks can get. A subnet with IPv6 alone has enough, but ECS also picks the ones beside it.
fn addresses(subnets: &[Subnet], facts: &Facts) -> Option<Check> {
    let ipv4: Vec<_> = subnets.iter().filter(|one| !one.ipv6_native).collect();
    let free: u64 = ipv4.iter().map(|subnet| subnet.free_addresses).sum();
    if ipv4.len() < subnets.len() {
        let full: Vec<_> = ipv4
            .iter()
            .filter(|subnet| subnet.free_addresses == 0)
            .map(|subnet| subnet.id.as_str())
            .collect();
        return Some(match full.as_slice() {
            [] => ADDRESSES.pass("IPv6"),
            full => ADDRESSES.warn(
                format!("none is free in {}; the subnets with IPv6 alone have enough", full.join(", ")),
                "Remove the full subnets from [Fargate] Subnets, or end what holds addresses in them.",
            ),
        });
    }
    if free == 0 {
        return Some(ADDRESSES.fail(
            "none is free",
            "Add subnets in [Fargate] Subnets, or end what holds addresses in these.",
        ));
    }
    let Some(jobs) = facts.runner.jobs_at_once() else {
        return Some(ADDRESSES.pass(format!("{free} free")));
    };
    let whole = facts.configuration.whole.as_ref().ok();
    let waiting = whole.map_or(0, |config| config.warm.sizes().count() as u64);
    let (and_waiting, or_fewer) = match waiting {
        0 => (String::new(), ""),
        _ => (
            format!(" and {waiting} waiting tasks"),
            ", or [Warm] MaxTasks",
        ),
    };
    let found = format!("{free} free; {jobs} jobs at once{and_waiting} take one each");
    Some(match free {
        _ if free < jobs.saturating_add(waiting) => ADDRESSES.warn(
            found,
            format!(
                "Add subnets in [Fargate] Subnets, or lower concurrent in config.toml{or_fewer}."
            ),
        ),
        _ => ADDRESSES.pass(found),
    })
}

fn block(subnet: &Subnet, fargate: &Fargate) -> Option<Check> {
    let mode = subnet.internet_block()?;
    let found = format!("{}: VPC Block Public Access is {mode}", subnet.id);
    let fix = format!(
        "Exclude the subnet from it, or use private addresses and a way out without the internet:\n$ aws ec2 \
         create-vpc-block-public-access-exclusion --region {} --subnet-id {} --internet-gateway-exclusion-mode \
         allow-bidirectional",
        fargate.region, subnet.id
    );
    match mode {
        "block-ingress" if !fargate.connect_to_public_ip => None,
        _ => Some(INTERNET_BLOCK.fail(found, fix)),
    }
}

fn dns(vpc: &Vpc, fargate: &Fargate, named: &Named) -> Vec<Check> {
    let (support, hostnames) = (&vpc.dns_support, &vpc.dns_hostnames);
    let on = |attribute: &str| {
        format!(
            "Turn it on:\n$ aws ec2 modify-vpc-attribute --region {} --vpc-id {} --enable-dns-{attribute} \
             '{{\"Value\":true}}'",
            fargate.region, vpc.id
        )
    };
    match read(support, &VPC_DNS) {
        Err(skipped) => return vec![skipped],
        Ok(false) => {
            return vec![VPC_DNS.fail(
                format!(
                    "enableDnsSupport of {} is false: no name resolves in tasks",
                    vpc.id
                ),
                on("support"),
            )];
        }
        Ok(true) => {}
    }
    let mut endpoints = vpc.endpoints.iter().flatten();
    let has_interfaces =
        endpoints.any(|one| endpoints::has_names_for_tasks(one, &fargate.region, named));
    match hostnames {
        Ok(false) if has_interfaces => vec![VPC_DNS.fail(
            format!(
                "enableDnsHostnames of {} is false: its endpoints have no private names",
                vpc.id
            ),
            on("hostnames"),
        )],
        _ => vec![VPC_DNS.pass("names resolve")],
    }
}
