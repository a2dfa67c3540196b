//! DescribeSubnets.

use serde::Serialize;

use super::item_set::{ItemSet, TagItem};
use super::query::Query;
use crate::account::ACCOUNT;
use crate::error::ApiError;
use crate::network::{Network, SubnetState};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subnets {
    subnet_set: ItemSet<SubnetItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubnetItem {
    subnet_id: String,
    state: &'static str,
    owner_id: &'static str,
    vpc_id: String,
    cidr_block: String,
    available_ip_address_count: u32,
    availability_zone: String,
    availability_zone_id: String,
    default_for_az: bool,
    map_public_ip_on_launch: bool,
    assign_ipv6_address_on_creation: bool,
    tag_set: ItemSet<TagItem>,
}

/// Describes the named subnets, or all.
pub(super) fn describe(network: &Network, query: &Query) -> Result<Subnets, ApiError> {
    let ids = query.list("SubnetId");
    for id in &ids {
        if network.subnet(id).is_none() {
            return Err(ApiError::new(
                400,
                "InvalidSubnetID.NotFound",
                format!("The subnet ID '{id}' does not exist"),
            ));
        }
    }
    let filters = query.filters(&["subnet-id", "vpc-id", "availability-zone", "state"])?;
    let matches = |subnet: &&SubnetState| {
        let spec = &subnet.spec;
        (ids.is_empty() || ids.contains(&spec.id.as_str()))
            && filters.iter().all(|filter| match filter.name.as_str() {
                "subnet-id" => filter.matches([spec.id.as_str()]),
                "vpc-id" => filter.matches([spec.vpc_id.as_str()]),
                "availability-zone" => filter.matches([subnet.availability_zone.as_str()]),
                "state" => filter.matches(["available"]),
                // Subnets of the seed have no tags.
                _ => false,
            })
    };
    let items = network.subnets.iter().filter(matches).map(item).collect();
    let (items, next_token) = query.page(items, !ids.is_empty())?;
    Ok(Subnets {
        subnet_set: ItemSet { item: items },
        next_token,
    })
}

/// The ID of a zone, which names the same place in all accounts: `euw1-az1` for `eu-west-1a`.
fn zone_id(zone: &str) -> String {
    let mut parts = zone.split('-');
    let (area, direction, rest) = (parts.next(), parts.next(), parts.next());
    let direction = direction.and_then(|word| word.get(..1));
    let rest = rest.unwrap_or_default();
    let number = rest.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let letter = rest.bytes().last().unwrap_or(b'a').saturating_sub(b'a');
    format!(
        "{}{}{number}-az{}",
        area.unwrap_or_default(),
        direction.unwrap_or_default(),
        u32::from(letter) + 1
    )
}

fn item(subnet: &SubnetState) -> SubnetItem {
    SubnetItem {
        subnet_id: subnet.spec.id.clone(),
        state: "available",
        owner_id: ACCOUNT,
        vpc_id: subnet.spec.vpc_id.clone(),
        cidr_block: subnet.cidr(),
        available_ip_address_count: subnet.free(),
        availability_zone: subnet.availability_zone.clone(),
        availability_zone_id: zone_id(&subnet.availability_zone),
        default_for_az: false,
        map_public_ip_on_launch: false,
        assign_ipv6_address_on_creation: false,
        tag_set: ItemSet { item: Vec::new() },
    }
}
