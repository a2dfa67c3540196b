//! The operations of EC2 that look up networks: from the parameters of a Query request to an XML document.
//!
//! Unlike ECS, EC2 refuses parameters that it does not know: an unknown filter is an error.

mod interfaces;
mod item_set;
mod query;
mod records;
mod security_groups;
mod subnets;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::error::ApiError;
use crate::network::Network;
use crate::resources::{Members, Resources, overlay};
use crate::xml;

pub(crate) use query::Query;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// A reply: a list, under the operation's own name for it.
#[derive(Serialize)]
struct Ec2Reply<'a, T> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
    #[serde(flatten)]
    list: T,
}

/// Answers one call. A dry run looks at its parameters and says that the caller may make it.
pub(crate) fn call(
    network: &mut Network,
    resources: &Resources,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    let document = answer(network, resources, operation, query, request_id)?;
    match query.get("DryRun") {
        Some("true") => Err(ApiError::new(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        )),
        _ => Ok(document),
    }
}

fn answer(
    network: &mut Network,
    resources: &Resources,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    match operation {
        "DescribeNetworkInterfaces" => {
            let list = interfaces::describe(network, query)?;
            Ok(document(operation, list, request_id))
        }
        "DescribeRouteTables" => {
            let list = records::route_tables(resources, query)?;
            Ok(document(operation, list, request_id))
        }
        "DescribeSecurityGroups" => {
            let list = security_groups::describe(network, query)?;
            let list = dressed(
                &list,
                "securityGroupInfo",
                "groupId",
                &resources.security_groups,
            );
            Ok(document(operation, list, request_id))
        }
        "DescribeSubnets" => {
            let list = subnets::describe(network, query)?;
            let list = dressed(&list, "subnetSet", "subnetId", &resources.subnets);
            Ok(document(operation, list, request_id))
        }
        "DescribeVpcAttribute" => {
            let attribute = records::vpc_attribute(resources, query)?;
            Ok(document(operation, attribute, request_id))
        }
        "DescribeVpcEndpoints" => {
            let list = records::vpc_endpoints(resources, query)?;
            Ok(document(operation, list, request_id))
        }
        "GetManagedPrefixListEntries" => {
            let list = records::prefix_list(resources, query)?;
            Ok(document(operation, list, request_id))
        }
        _ => {
            let message = format!("The action {operation} is not valid for this web service.");
            Err(ApiError::new(400, "InvalidAction", message))
        }
    }
}

/// The reply with the other members of its elements, by their IDs.
fn dressed(
    list: &impl Serialize,
    set: &str,
    id: &str,
    members: &BTreeMap<String, Members>,
) -> Value {
    // Types of replies can be written as JSON; one that could not would show as an empty reply.
    let mut reply = serde_json::to_value(list).unwrap_or_default();
    let items = reply.get_mut(set).and_then(|set| set.get_mut("item"));
    for item in items.and_then(Value::as_array_mut).into_iter().flatten() {
        let name = item.get(id).and_then(Value::as_str);
        let members = name.and_then(|name| members.get(name)).cloned();
        let members = members.map(|members| records::shown(&Value::Object(members)));
        overlay(item, members.as_ref().and_then(Value::as_object));
    }
    reply
}

fn document(operation: &str, list: impl Serialize, request_id: &str) -> String {
    xml::document(
        &format!("{operation}Response"),
        &Ec2Reply {
            xmlns: NAMESPACE,
            request_id,
            list,
        },
    )
}
