//! The operations that show resources of the document: DescribeRouteTables, DescribeVpcEndpoints,
//! DescribeVpcAttribute, GetManagedPrefixListEntries.

use serde_json::{Map, Value, json};

use super::query::{Filter, Query};
use crate::error::ApiError;
use crate::resources::{Members, Resources};

/// A list of resources: how its reply, its parameters and its filters are called.
struct List {
    set: &'static str,
    id: &'static str,
    ids: &'static str,
    missing: &'static str,
    what: &'static str,
    /// Names of filters, and the way to their values.
    filters: &'static [(&'static str, &'static [&'static str])],
}

const ROUTE_TABLES: List = List {
    set: "routeTableSet",
    id: "routeTableId",
    ids: "RouteTableId",
    missing: "InvalidRouteTableID.NotFound",
    what: "routeTable",
    filters: &[
        ("association.main", &["associationSet", "main"]),
        ("association.subnet-id", &["associationSet", "subnetId"]),
        ("route-table-id", &["routeTableId"]),
        ("route.gateway-id", &["routeSet", "gatewayId"]),
        ("vpc-id", &["vpcId"]),
    ],
};

const VPC_ENDPOINTS: List = List {
    set: "vpcEndpointSet",
    id: "vpcEndpointId",
    ids: "VpcEndpointId",
    missing: "InvalidVpcEndpointId.NotFound",
    what: "Vpc Endpoint",
    filters: &[
        ("service-name", &["serviceName"]),
        ("vpc-endpoint-id", &["vpcEndpointId"]),
        ("vpc-endpoint-state", &["state"]),
        ("vpc-endpoint-type", &["vpcEndpointType"]),
        ("vpc-id", &["vpcId"]),
    ],
};

pub(super) fn route_tables(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    describe(&ROUTE_TABLES, &resources.route_tables, query)
}

pub(super) fn vpc_endpoints(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    describe(&VPC_ENDPOINTS, &resources.vpc_endpoints, query)
}

fn describe(list: &List, records: &[Members], query: &Query) -> Result<Value, ApiError> {
    let ids = query.list(list.ids);
    let id_of = |record: &Members| text(record.get(list.id));
    for id in &ids {
        if !records.iter().any(|record| id_of(record) == *id) {
            let message = format!("The {} ID '{id}' does not exist", list.what);
            return Err(ApiError::new(400, list.missing, message));
        }
    }
    let names: Vec<_> = list.filters.iter().map(|(name, _)| *name).collect();
    let filters = query.filters(&names)?;
    let matches = |record: &&Members| {
        (ids.is_empty() || ids.contains(&id_of(record).as_str()))
            && filters.iter().all(|filter| fits(list, filter, record))
    };
    let found = records.iter().filter(matches);
    let items = found.map(|record| shown(&Value::Object(record.clone())));
    let (items, next_token) = query.page(items.collect(), !ids.is_empty())?;
    let mut reply = Map::new();
    reply.insert(list.set.to_owned(), json!({ "item": items }));
    if let Some(token) = next_token {
        reply.insert("nextToken".to_owned(), token.into());
    }
    Ok(Value::Object(reply))
}

fn fits(list: &List, filter: &Filter, record: &Members) -> bool {
    let Some((_, way)) = list.filters.iter().find(|(name, _)| *name == filter.name) else {
        // A tag: the records have none.
        return false;
    };
    let mut reached: Vec<&Value> = Vec::new();
    for (at, name) in way.iter().enumerate() {
        reached = match at {
            0 => record.get(*name).into_iter().collect(),
            _ => reached
                .into_iter()
                .flat_map(|value| match value {
                    Value::Array(elements) => elements.iter().collect(),
                    one => vec![one],
                })
                .filter_map(|value| value.get(*name))
                .collect(),
        };
    }
    let reached: Vec<_> = reached.into_iter().map(|value| text(Some(value))).collect();
    filter.matches(reached.iter().map(String::as_str))
}

/// DescribeVpcAttribute: one attribute of one VPC.
pub(super) fn vpc_attribute(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    let missing = |name: &str| {
        let message = format!("The request must contain the parameter {name}");
        ApiError::new(400, "MissingParameter", message)
    };
    let vpc = query.get("VpcId").ok_or_else(|| missing("vpcId"))?;
    let attribute = query.get("Attribute").ok_or_else(|| missing("attribute"))?;
    let attributes = resources.vpcs.get(vpc).ok_or_else(|| {
        let message = format!("The vpc ID '{vpc}' does not exist");
        ApiError::new(400, "InvalidVpcID.NotFound", message)
    })?;
    let value = attributes.get(attribute).ok_or_else(|| {
        let message =
            format!("Value ({attribute}) for parameter attribute is invalid. Unknown attribute.");
        ApiError::new(400, "InvalidParameterValue", message)
    })?;
    Ok(json!({ "vpcId": vpc, attribute: { "value": value } }))
}

/// GetManagedPrefixListEntries: the ranges of one list.
pub(super) fn prefix_list(resources: &Resources, query: &Query) -> Result<Value, ApiError> {
    let id = query.get("PrefixListId").unwrap_or_default();
    let ranges = resources.prefix_lists.get(id).ok_or_else(|| {
        let message = format!("The prefix list ID '{id}' does not exist");
        ApiError::new(400, "InvalidPrefixListID.NotFound", message)
    })?;
    let entries = ranges.iter().map(|range| json!({ "cidr": range }));
    Ok(json!({ "entrySet": { "item": entries.collect::<Vec<_>>() } }))
}

/// A value as XML needs it: the elements of lists are called `item`.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Array(elements) => json!({ "item": elements.iter().map(shown).collect::<Vec<_>>() }),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), shown(value)));
            Value::Object(members.collect())
        }
        other => Value::String(text(Some(other))),
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
