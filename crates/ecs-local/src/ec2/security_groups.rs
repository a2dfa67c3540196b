//! DescribeSecurityGroups.

use serde::Serialize;

use super::item_set::{ItemSet, TagItem};
use super::query::Query;
use crate::account::ACCOUNT;
use crate::error::ApiError;
use crate::network::Network;
use crate::options::SecurityGroup;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityGroups {
    security_group_info: ItemSet<SecurityGroupItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityGroupItem {
    owner_id: &'static str,
    group_id: String,
    group_name: String,
    group_description: &'static str,
    vpc_id: String,
    ip_permissions: ItemSet<Permission>,
    ip_permissions_egress: ItemSet<Permission>,
    tag_set: ItemSet<TagItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    ip_protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<u16>,
    ip_ranges: ItemSet<IpRange>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IpRange {
    cidr_ip: &'static str,
}

/// Describes the named groups, or all.
pub(super) fn describe(network: &Network, query: &Query) -> Result<SecurityGroups, ApiError> {
    let ids = query.list("GroupId");
    for id in &ids {
        if network.group(id).is_none() {
            return Err(ApiError::new(
                400,
                "InvalidGroup.NotFound",
                format!("The security group '{id}' does not exist"),
            ));
        }
    }
    let filters = query.filters(&["group-id", "group-name", "vpc-id"])?;
    let matches = |group: &&SecurityGroup| {
        (ids.is_empty() || ids.contains(&group.id.as_str()))
            && filters.iter().all(|filter| match filter.name.as_str() {
                "group-id" => filter.matches([group.id.as_str()]),
                "group-name" => filter.matches([group.name.as_str()]),
                "vpc-id" => filter.matches([group.vpc_id.as_str()]),
                // Groups of the seed have no tags.
                _ => false,
            })
    };
    let items = network.groups.iter().filter(matches).map(item).collect();
    let (items, next_token) = query.page(items, !ids.is_empty())?;
    Ok(SecurityGroups {
        security_group_info: ItemSet { item: items },
        next_token,
    })
}

fn item(group: &SecurityGroup) -> SecurityGroupItem {
    let everywhere = || ItemSet {
        item: vec![IpRange {
            cidr_ip: "0.0.0.0/0",
        }],
    };
    let open = |port: &u16| Permission {
        ip_protocol: "tcp",
        from_port: Some(*port),
        to_port: Some(*port),
        ip_ranges: everywhere(),
    };
    SecurityGroupItem {
        owner_id: ACCOUNT,
        group_id: group.id.clone(),
        group_name: group.name.clone(),
        group_description: "Tasks that run jobs",
        vpc_id: group.vpc_id.clone(),
        ip_permissions: group.open_ports.iter().map(open).collect(),
        // The default of a new group: all outgoing traffic is allowed.
        ip_permissions_egress: ItemSet {
            item: vec![Permission {
                ip_protocol: "-1",
                from_port: None,
                to_port: None,
                ip_ranges: everywhere(),
            }],
        },
        tag_set: ItemSet { item: Vec::new() },
    }
}
