//! DescribeSecurityGroups.

use serde::Serialize;

use super::query::Query;
use super::{Set, TagItem};
use crate::ACCOUNT;
use crate::error::ApiError;
use crate::network::Network;
use crate::options::SecurityGroup;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityGroups {
    security_group_info: Set<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    owner_id: &'static str,
    group_id: String,
    group_name: String,
    group_description: &'static str,
    vpc_id: String,
    ip_permissions: Set<Permission>,
    ip_permissions_egress: Set<Permission>,
    tag_set: Set<TagItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    ip_protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<u16>,
    ip_ranges: Set<Range>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    cidr_ip: &'static str,
}

/// Describes the groups that are named, or all.
pub(super) fn describe(network: &Network, query: &Query) -> Result<SecurityGroups, ApiError> {
    let wanted = query.list("GroupId");
    for id in &wanted {
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
        (wanted.is_empty() || wanted.contains(&group.id.as_str()))
            && filters.iter().all(|filter| match filter.name.as_str() {
                "group-id" => filter.matches([group.id.as_str()]),
                "group-name" => filter.matches([group.name.as_str()]),
                "vpc-id" => filter.matches([group.vpc_id.as_str()]),
                // Groups of the seed have no tags.
                _ => false,
            })
    };
    let items = network.groups.iter().filter(matches).map(item).collect();
    let (items, next_token) = query.page(items, !wanted.is_empty())?;
    Ok(SecurityGroups {
        security_group_info: Set { item: items },
        next_token,
    })
}

fn item(group: &SecurityGroup) -> Item {
    let everywhere = || Set {
        item: vec![Range {
            cidr_ip: "0.0.0.0/0",
        }],
    };
    let open = |port: &u16| Permission {
        ip_protocol: "tcp",
        from_port: Some(*port),
        to_port: Some(*port),
        ip_ranges: everywhere(),
    };
    Item {
        owner_id: ACCOUNT,
        group_id: group.id.clone(),
        group_name: group.name.clone(),
        group_description: "Tasks that run jobs",
        vpc_id: group.vpc_id.clone(),
        ip_permissions: group.open_ports.iter().map(open).collect(),
        // What a new group has: everything may leave.
        ip_permissions_egress: Set {
            item: vec![Permission {
                ip_protocol: "-1",
                from_port: None,
                to_port: None,
                ip_ranges: everywhere(),
            }],
        },
        tag_set: Set { item: Vec::new() },
    }
}
