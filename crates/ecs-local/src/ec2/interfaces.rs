//! DescribeNetworkInterfaces: the interfaces of tasks, in the form that Fargate gives them.

use serde::Serialize;

use super::item_set::{ItemSet, TagItem, tag_set};
use super::query::{Filter, Query};
use crate::account::ACCOUNT;
use crate::error::ApiError;
use crate::network::{Interface, Network};

/// The account that makes the interfaces on ECS's behalf.
const REQUESTER: &str = "000000000001";

/// The account of the machines that the interfaces are attached to.
const INSTANCE_OWNER: &str = "000000000002";

const FILTERS: [&str; 11] = [
    "addresses.association.public-ip",
    "association.public-ip",
    "availability-zone",
    "description",
    "group-id",
    "network-interface-id",
    "private-ip-address",
    "requester-managed",
    "status",
    "subnet-id",
    "vpc-id",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interfaces {
    network_interface_set: ItemSet<InterfaceItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceItem {
    network_interface_id: String,
    subnet_id: String,
    vpc_id: String,
    availability_zone: String,
    description: String,
    owner_id: &'static str,
    requester_id: &'static str,
    requester_managed: bool,
    status: &'static str,
    mac_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address: Option<String>,
    private_dns_name: String,
    source_dest_check: bool,
    group_set: ItemSet<GroupIdentifier>,
    attachment: InterfaceAttachment,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<Association>,
    tag_set: ItemSet<TagItem>,
    private_ip_addresses_set: ItemSet<PrivateAddress>,
    ipv6_addresses_set: ItemSet<Ipv6Address>,
    interface_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupIdentifier {
    group_id: String,
    group_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceAttachment {
    attachment_id: String,
    instance_owner_id: &'static str,
    device_index: u32,
    network_card_index: u32,
    status: &'static str,
    attach_time: String,
    delete_on_termination: bool,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    public_ip: String,
    public_dns_name: String,
    ip_owner_id: &'static str,
}

/// As EC2's model has it: NetworkInterfaceIpv6Address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ipv6Address {
    ipv6_address: String,
    is_primary_ipv6: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateAddress {
    private_ip_address: String,
    private_dns_name: String,
    primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<Association>,
}

/// Describes the named interfaces, or all. Each read counts for a public address that shows late.
pub(super) fn describe(network: &mut Network, query: &Query) -> Result<Interfaces, ApiError> {
    let ids = query.list("NetworkInterfaceId");
    for id in &ids {
        if !id.starts_with("eni-") {
            let message = format!("Invalid id: \"{id}\" (expecting \"eni-...\")");
            return Err(ApiError::new(
                400,
                "InvalidNetworkInterfaceId.Malformed",
                message,
            ));
        }
        if !network.interfaces.contains_key(*id) {
            let message = format!("The networkInterface ID '{id}' does not exist");
            return Err(ApiError::new(
                400,
                "InvalidNetworkInterfaceID.NotFound",
                message,
            ));
        }
    }
    let filters = query.filters(&FILTERS)?;
    let mut items = Vec::new();
    let groups = &network.groups;
    for interface in network.interfaces.values_mut() {
        if (ids.is_empty() || ids.contains(&interface.id.as_str()))
            && filters.iter().all(|filter| matches(filter, interface))
        {
            let group = |id: &String| GroupIdentifier {
                group_name: groups
                    .iter()
                    .find(|group| group.id == *id)
                    .map(|group| group.name.clone())
                    .unwrap_or_default(),
                group_id: id.clone(),
            };
            items.push(item(
                interface,
                interface.groups.iter().map(group).collect(),
            ));
            interface.public_after_reads = interface.public_after_reads.saturating_sub(1);
        }
    }
    let (items, next_token) = query.page(items, !ids.is_empty())?;
    Ok(Interfaces {
        network_interface_set: ItemSet { item: items },
        next_token,
    })
}

fn matches(filter: &Filter, interface: &Interface) -> bool {
    let public = interface
        .public_address
        .filter(|_| interface.public_after_reads == 0)
        .map(|address| address.to_string());
    let private = interface.address.to_string();
    match filter.name.as_str() {
        "addresses.association.public-ip" | "association.public-ip" => {
            filter.matches(public.as_deref())
        }
        "availability-zone" => filter.matches([interface.availability_zone.as_str()]),
        "description" => filter.matches([interface.attachment_arn.as_str()]),
        "group-id" => filter.matches(interface.groups.iter().map(String::as_str)),
        "network-interface-id" => filter.matches([interface.id.as_str()]),
        "private-ip-address" => filter.matches([private.as_str()]),
        "requester-managed" => filter.matches(["true"]),
        "status" => filter.matches(["in-use"]),
        "subnet-id" => filter.matches([interface.subnet_id.as_str()]),
        "vpc-id" => filter.matches([interface.vpc_id.as_str()]),
        tag => {
            let key = tag.strip_prefix("tag:").unwrap_or_default();
            filter.matches(
                interface
                    .tags
                    .iter()
                    .filter(|tag| tag.key == key)
                    .map(|tag| tag.value.as_str()),
            )
        }
    }
}

fn item(interface: &Interface, groups: ItemSet<GroupIdentifier>) -> InterfaceItem {
    let public = interface
        .public_address
        .filter(|_| interface.public_after_reads == 0);
    let region = interface
        .availability_zone
        .trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let association = public.map(|address| Association {
        public_ip: address.to_string(),
        public_dns_name: format!(
            "ec2-{}.{region}.compute.amazonaws.com",
            address.to_string().replace('.', "-")
        ),
        ip_owner_id: "amazon",
    });
    let of_family = |is_ipv4| {
        let address = Some(interface.address).filter(|address| address.is_ipv4() == is_ipv4);
        address.map(|address| address.to_string())
    };
    InterfaceItem {
        network_interface_id: interface.id.clone(),
        subnet_id: interface.subnet_id.clone(),
        vpc_id: interface.vpc_id.clone(),
        availability_zone: interface.availability_zone.clone(),
        description: interface.attachment_arn.clone(),
        owner_id: ACCOUNT,
        requester_id: REQUESTER,
        requester_managed: true,
        status: "in-use",
        mac_address: interface.mac.clone(),
        private_ip_address: of_family(true),
        ipv6_address: of_family(false),
        private_dns_name: interface.dns_name.clone(),
        source_dest_check: true,
        group_set: groups,
        attachment: InterfaceAttachment {
            attachment_id: interface.ec2_attachment_id.clone(),
            instance_owner_id: INSTANCE_OWNER,
            device_index: 1,
            network_card_index: 0,
            status: "attached",
            attach_time: interface.attached_at.iso(),
            delete_on_termination: false,
        },
        association: association.clone(),
        tag_set: tag_set(&interface.tags),
        private_ip_addresses_set: ItemSet {
            item: Vec::from_iter(of_family(true).map(|address| PrivateAddress {
                private_ip_address: address,
                private_dns_name: interface.dns_name.clone(),
                primary: true,
                association,
            })),
        },
        ipv6_addresses_set: ItemSet {
            item: Vec::from_iter(of_family(false).map(|address| Ipv6Address {
                ipv6_address: address,
                is_primary_ipv6: true,
            })),
        },
        interface_type: "interface",
    }
}
