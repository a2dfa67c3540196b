//! The operations of ECS: from a JSON body to a JSON reply.
//!
//! Members no operation knows are ignored, as AWS does. Members of a wrong type are a `SerializationException`; what
//! the value may be is checked by each operation in its own words.

pub(crate) mod clusters;
mod definition_rules;
mod fargate_rules;
pub(crate) mod idempotency;
mod list_tasks;
mod order;
mod overrides;
mod placement;
mod run_task;
pub(crate) mod shapes;
mod tagging;
pub(crate) mod task_definitions;
mod tasks;

pub(crate) use overrides::Overrides;

use std::sync::Arc;
use std::time::Instant;

use crate::account::Region;
use crate::error::ApiError;
use crate::json::{parse, reply};
use crate::world::{State, World};

/// What `X-Amz-Target` begins with.
pub(crate) const TARGET: &str = "AmazonEC2ContainerServiceV20141113.";

/// Every operation there is.
pub(crate) const OPERATIONS: &[&str] = &[
    "CreateCluster",
    "DeregisterTaskDefinition",
    "DescribeClusters",
    "DescribeTaskDefinition",
    "DescribeTasks",
    "ListTaskDefinitions",
    "ListTasks",
    "PutClusterCapacityProviders",
    "RegisterTaskDefinition",
    "RunTask",
    "StopTask",
    "TagResource",
];

/// Does one call.
pub(crate) fn call(
    world: &Arc<World>,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<String, ApiError> {
    let mut guard = world.lock();
    let state = &mut *guard;
    if operation == "RunTask" {
        return reply(&run_task::run(world, state, region, parse(body)?)?);
    }
    let account = account(world, state, region);
    match operation {
        "CreateCluster" => reply(&clusters::create(account, parse(body)?)?),
        "DescribeClusters" => reply(&clusters::describe(account, parse(body)?)?),
        "PutClusterCapacityProviders" => {
            reply(&clusters::put_capacity_providers(account, parse(body)?)?)
        }
        "RegisterTaskDefinition" => reply(&task_definitions::register(account, parse(body)?)?),
        "DescribeTaskDefinition" => reply(&task_definitions::describe(account, parse(body)?)?),
        "DeregisterTaskDefinition" => reply(&task_definitions::deregister(account, parse(body)?)?),
        "ListTaskDefinitions" => reply(&task_definitions::list(account, parse(body)?)?),
        "DescribeTasks" => reply(&tasks::describe(account, parse(body)?)?),
        "StopTask" => reply(&tasks::stop(account, parse(body)?)?),
        "ListTasks" => reply(&list_tasks::list(account, parse(body)?)?),
        "TagResource" => reply(&tagging::tag(account, parse(body)?)?),
        // AWS documents 404 for it.
        _ => Err(ApiError::new(
            404,
            "UnknownOperationException",
            "The requested operation is not recognized by the service.",
        )),
    }
}

/// The region's part of the state, made when it is first asked for and without what has expired.
pub(crate) fn account<'a>(world: &World, state: &'a mut State, region: &str) -> &'a mut Region {
    let account = state
        .regions
        .entry(region.to_owned())
        .or_insert_with(|| Region::new(region, world.seed()));
    account.expire(Instant::now());
    account
}

/// Whether `value` is one of the model's enum values.
fn check_enum(member: &str, value: Option<&str>, values: &[&str]) -> Result<(), ApiError> {
    match value {
        Some(value) if !values.contains(&value) => Err(ApiError::invalid_parameter(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            values.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// The alphabet of names of clusters, families, containers and volumes: up to 255 letters, digits, `-` and `_`.
fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The page of a list that a request asks for, and the token of the next one.
///
/// A token is the position after the last item shown, so items that appear meanwhile are not shown twice.
fn page(
    mut items: Vec<String>,
    max_results: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let most = match max_results {
        None => 100,
        Some(n @ 1..=100) => usize::try_from(n).unwrap_or(100),
        Some(_) => {
            return Err(ApiError::invalid_parameter(
                "maxResults must be between 1 and 100.",
            ));
        }
    };
    if let Some(token) = token {
        let after = token
            .strip_prefix("after:")
            .ok_or_else(|| ApiError::invalid_parameter("Invalid token"))?;
        let start = items
            .iter()
            .position(|item| item == after)
            .map_or(items.len(), |at| at + 1);
        items.drain(..start);
    }
    let more = items.len() > most;
    items.truncate(most);
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| format!("after:{last}"));
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once() {
        let items: Vec<String> = (0..250).map(|n| format!("{n:03}")).collect();
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let (mut some, next) = page(items.clone(), None, token.as_deref()).unwrap();
            seen.append(&mut some);
            if next.is_none() {
                break;
            }
            token = next;
        }
        assert_eq!(seen, items);
        assert!(page(items.clone(), Some(0), None).is_err());
        assert!(page(items, None, Some("forged")).is_err());
    }
}
