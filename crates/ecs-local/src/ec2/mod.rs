//! The operations of EC2 that look up networks: from the parameters of a Query request to an XML document.
//!
//! Unlike ECS, EC2 refuses what it does not know: an unknown filter is an error.

mod interfaces;
mod query;
mod security_groups;
mod subnets;

use std::sync::Arc;

use serde::Serialize;

use crate::ecs::account;
use crate::error::{ApiError, to_xml};
use crate::tags::Tag;
use crate::world::World;

pub(crate) use query::Query;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Every operation there is.
pub(crate) const OPERATIONS: &[&str] = &[
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSubnets",
];

/// A reply: a list under the operation's own name for it.
#[derive(Serialize)]
struct Response<'a, T> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
    #[serde(flatten)]
    list: T,
}

/// A list of EC2: its elements are all called `item`.
#[derive(Debug, Serialize)]
struct Set<T> {
    item: Vec<T>,
}

impl<T> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self {
            item: items.into_iter().collect(),
        }
    }
}

/// A tag as EC2 shows it.
#[derive(Debug, Serialize)]
struct TagItem {
    key: String,
    value: String,
}

fn tag_set(tags: &[Tag]) -> Set<TagItem> {
    tags.iter()
        .map(|Tag { key, value }| TagItem {
            key: key.clone(),
            value: value.clone(),
        })
        .collect()
}

/// Does one call.
pub(crate) fn call(
    world: &Arc<World>,
    region: &str,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    let mut guard = world.lock();
    let network = &mut account(world, &mut guard, region).network;
    let document = match operation {
        "DescribeNetworkInterfaces" => {
            respond(operation, interfaces::describe(network, query)?, request_id)
        }
        "DescribeSecurityGroups" => respond(
            operation,
            security_groups::describe(network, query)?,
            request_id,
        ),
        "DescribeSubnets" => respond(operation, subnets::describe(network, query)?, request_id),
        _ => {
            let message = format!("The action {operation} is not valid for this web service.");
            return Err(ApiError::new(400, "InvalidAction", message));
        }
    };
    Ok(document)
}

fn respond(operation: &str, list: impl Serialize, request_id: &str) -> String {
    to_xml(
        &format!("{operation}Response"),
        &Response {
            xmlns: NAMESPACE,
            request_id,
            list,
        },
    )
}
