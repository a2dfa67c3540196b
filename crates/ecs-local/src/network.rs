//! Subnets, security groups and the network interfaces of tasks: the state of EC2.
//!
//! Addresses come from 127.64.0.0/10, which Linux routes to the machine itself, and are given out in turn. So no task
//! gets the address of a task that has just ended, until the subnet's part of the range is used up. A stand-in starts
//! at a random place in it, so that two stand-ins on one machine do not share addresses. A task of real containers has
//! the address that the container engine assigned, and only counts as an address in the subnet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::guarded::Guarded;
use crate::ids;
use crate::options::{SecurityGroup, Seed, Subnet};
use crate::tags::Tag;
use crate::timestamp::Timestamp;

/// The range, 127.64.0.0/10.
const BASE: u32 = u32::from_be_bytes([127, 64, 0, 0]);
const PREFIX: u32 = 10;

/// The range of subnets with IPv6 alone, fd7a:6761:7465::/48.
const IPV6_BASE: u128 = 0xfd7a_6761_7465 << 80;

/// The networks of all regions, each made when it is first used.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    seed: Arc<Seed>,
    regions: Guarded<BTreeMap<String, Guarded<Network>>>,
}

/// The network of a region.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) subnets: Vec<SubnetState>,
    pub(crate) groups: Vec<SecurityGroup>,
    pub(crate) interfaces: BTreeMap<String, Interface>,
}

/// A subnet and its part of the range.
#[derive(Debug)]
pub(crate) struct SubnetState {
    pub(crate) spec: Subnet,
    pub(crate) availability_zone: String,
    base: u32,
    prefix: u32,
    next: u32,
    used: u32,
}

/// A task's network interface.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) attachment_arn: String,
    pub(crate) ec2_attachment_id: String,
    pub(crate) subnet_id: String,
    pub(crate) vpc_id: String,
    pub(crate) availability_zone: String,
    pub(crate) address: IpAddr,
    /// The same address as the private one: both are loopback addresses of this machine.
    pub(crate) public_address: Option<IpAddr>,
    pub(crate) mac: String,
    pub(crate) dns_name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) attached_at: Timestamp,
    /// The number of EC2 reads until the public address shows.
    pub(crate) public_after_reads: u32,
}

/// A request for an interface.
#[derive(Clone, Debug)]
pub(crate) struct InterfaceRequest {
    pub(crate) attachment_arn: String,
    pub(crate) subnet_id: String,
    pub(crate) groups: Vec<String>,
    pub(crate) public: bool,
    pub(crate) tags: Vec<Tag>,
    pub(crate) public_after_reads: u32,
    /// The task's address, if the subnet does not assign it.
    pub(crate) address: Option<IpAddr>,
}

impl Networks {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed: Arc::new(seed),
            regions: Guarded::default(),
        }
    }

    /// The network of a region.
    pub(crate) fn region(&self, name: &str) -> Guarded<Network> {
        let mut regions = self.regions.lock();
        let network = regions
            .entry(name.to_owned())
            .or_insert_with(|| Guarded::new(Network::new(name, &self.seed)));
        network.clone()
    }
}

impl Network {
    fn new(region: &str, seed: &Seed) -> Self {
        let parts = u32::try_from(seed.subnets.len().max(1))
            .unwrap_or(u32::MAX)
            .next_power_of_two();
        let prefix = (PREFIX + parts.trailing_zeros()).min(30);
        let size = 1u32 << (32 - prefix);
        let subnet = |(n, spec): (u32, &Subnet)| SubnetState {
            spec: spec.clone(),
            availability_zone: format!("{region}{}", spec.zone),
            base: BASE.wrapping_add(n.wrapping_mul(size)),
            prefix,
            next: fastrand::u32(1..size - 1),
            used: 0,
        };
        Self {
            subnets: (0u32..).zip(&seed.subnets).map(subnet).collect(),
            groups: seed.security_groups.clone(),
            interfaces: BTreeMap::new(),
        }
    }

    pub(crate) fn subnet(&self, id: &str) -> Option<&SubnetState> {
        self.subnets.iter().find(|subnet| subnet.spec.id == id)
    }

    pub(crate) fn group(&self, id: &str) -> Option<&SecurityGroup> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// Makes an interface, or none if the subnet has no address left.
    pub(crate) fn create(
        &mut self,
        region: &str,
        request: &InterfaceRequest,
        now: Timestamp,
    ) -> Option<Interface> {
        let subnet = self
            .subnets
            .iter_mut()
            .find(|subnet| subnet.spec.id == request.subnet_id)?;
        let address = subnet.take()?;
        let address = request.address.unwrap_or(address);
        let interface = Interface {
            id: ids::ec2("eni"),
            attachment_arn: request.attachment_arn.clone(),
            ec2_attachment_id: ids::ec2("eni-attach"),
            subnet_id: request.subnet_id.clone(),
            vpc_id: subnet.spec.vpc_id.clone(),
            availability_zone: subnet.availability_zone.clone(),
            address,
            public_address: Some(address).filter(|address| request.public && address.is_ipv4()),
            mac: ids::mac(),
            dns_name: format!(
                "ip-{}.{region}.compute.internal",
                address.to_string().replace(['.', ':'], "-")
            ),
            groups: request.groups.clone(),
            tags: request.tags.clone(),
            attached_at: now,
            public_after_reads: request.public_after_reads,
        };
        self.interfaces
            .insert(interface.id.clone(), interface.clone());
        Some(interface)
    }

    /// Deletes an interface and frees its place in the subnet.
    pub(crate) fn delete(&mut self, id: &str) {
        if let Some(interface) = self.interfaces.remove(id)
            && let Some(subnet) = self
                .subnets
                .iter_mut()
                .find(|subnet| subnet.spec.id == interface.subnet_id)
        {
            subnet.used = subnet.used.saturating_sub(1);
        }
    }
}

impl SubnetState {
    /// The number of free addresses.
    pub(crate) fn free(&self) -> u32 {
        self.spec.free_addresses.saturating_sub(self.used)
    }

    /// Its part of the range, in CIDR notation.
    pub(crate) fn cidr(&self) -> String {
        format!("{}/{}", Ipv4Addr::from_bits(self.base), self.prefix)
    }

    fn take(&mut self) -> Option<IpAddr> {
        if self.free() == 0 {
            return None;
        }
        self.used += 1;
        let size = 1u32 << (32 - self.prefix);
        let host = self.next;
        // Neither the network's own address nor its last one.
        self.next = if host + 1 >= size - 1 { 1 } else { host + 1 };
        let address = self.base.wrapping_add(host);
        Some(match self.spec.ipv6_only {
            true => Ipv6Addr::from_bits(IPV6_BASE | u128::from(address)).into(),
            false => Ipv4Addr::from_bits(address).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{SUBNET_A, SUBNET_B};

    fn request(subnet_id: &str) -> InterfaceRequest {
        InterfaceRequest {
            attachment_arn: String::new(),
            subnet_id: subnet_id.into(),
            groups: Vec::new(),
            public: false,
            tags: Vec::new(),
            public_after_reads: 0,
            address: None,
        }
    }

    #[test]
    fn addresses_are_not_reused_soon_and_lie_in_the_subnet() {
        let mut network = Network::new("eu-west-1", &Seed::default());
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..10_000 {
            let id = if n % 2 == 0 { SUBNET_A } else { SUBNET_B };
            let interface = network
                .create("eu-west-1", &request(id), Timestamp::default())
                .unwrap();
            let IpAddr::V4(address) = interface.address else {
                panic!("{}", interface.address)
            };
            let [a, b, ..] = address.octets();
            let expected = if n % 2 == 0 { 64..96 } else { 96..128 };
            assert!(a == 127 && expected.contains(&b), "{}", interface.address);
            assert!(seen.insert(interface.address));
            network.delete(&interface.id);
        }
    }

    #[test]
    fn a_subnet_with_ipv6_alone_has_no_other_addresses() {
        let mut seed = Seed::default();
        seed.subnets[0].ipv6_only = true;
        let mut network = Network::new("eu-west-1", &seed);
        let mut request = request(SUBNET_A);
        request.public = true;
        let made = network
            .create("eu-west-1", &request, Timestamp::default())
            .unwrap();
        assert!(
            made.address.to_string().starts_with("fd7a:6761:7465::"),
            "{}",
            made.address
        );
        assert_eq!(made.public_address, None);
    }

    #[test]
    fn a_full_subnet_has_no_address() {
        let mut seed = Seed::default();
        seed.subnets[0].free_addresses = 1;
        let mut network = Network::new("eu-west-1", &seed);
        let first = network
            .create("eu-west-1", &request(SUBNET_A), Timestamp::default())
            .unwrap();
        assert!(
            network
                .create("eu-west-1", &request(SUBNET_A), Timestamp::default())
                .is_none()
        );
        network.delete(&first.id);
        assert!(
            network
                .create("eu-west-1", &request(SUBNET_A), Timestamp::default())
                .is_some()
        );
    }
}
