//! The operations of EC2 that look up networks: from the parameters of a Query request to an XML document.
//!
//! Unlike ECS, EC2 refuses parameters that it does not know: an unknown filter is an error.

mod interfaces;
mod item_set;
mod query;
mod security_groups;
mod subnets;

use serde::Serialize;

use crate::error::ApiError;
use crate::network::Network;
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

/// Answers one call.
pub(crate) fn call(
    network: &mut Network,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    match operation {
        "DescribeNetworkInterfaces" => {
            let list = interfaces::describe(network, query)?;
            Ok(document(operation, list, request_id))
        }
        "DescribeSecurityGroups" => {
            let list = security_groups::describe(network, query)?;
            Ok(document(operation, list, request_id))
        }
        "DescribeSubnets" => {
            let list = subnets::describe(network, query)?;
            Ok(document(operation, list, request_id))
        }
        _ => {
            let message = format!("The action {operation} is not valid for this web service.");
            Err(ApiError::new(400, "InvalidAction", message))
        }
    }
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
