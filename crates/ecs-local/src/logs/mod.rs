//! CloudWatch Logs, as far as the output of containers goes there: groups that callers make, streams that tasks make,
//! and reading.

mod groups;
mod read;
mod stream;
mod streams;

use std::sync::Arc;

use crate::ecs;
use crate::error::ApiError;
use crate::json::{parse, reply};
use crate::world::World;

pub(crate) use groups::{Destination, Groups};
pub(crate) use stream::Stream;

/// What `X-Amz-Target` begins with.
pub(crate) const TARGET: &str = "Logs_20140328.";

/// Every operation there is.
pub(crate) const OPERATIONS: &[&str] = &["CreateLogGroup", "DescribeLogStreams", "GetLogEvents"];

/// Does one call.
pub(crate) fn call(
    world: &Arc<World>,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<String, ApiError> {
    let mut state = world.lock();
    let groups = &mut ecs::account(world, &mut state, region).logs;
    match operation {
        "CreateLogGroup" => groups::create(groups, parse(body)?),
        "DescribeLogStreams" => reply(&streams::describe(groups, region, parse(body)?)?),
        "GetLogEvents" => reply(&read::get(groups, parse(body)?)?),
        _ => Err(ApiError::new(
            400,
            "UnknownOperationException",
            "The requested operation is not recognized by the service.",
        )),
    }
}

/// A parameter that the model does not allow, in the service's words.
fn invalid(value: &str, member: &str, constraint: &str) -> ApiError {
    ApiError::invalid_parameter(format!(
        "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// A number within the bounds of the model.
fn bounded(
    member: &str,
    given: Option<i64>,
    (least, most): (i64, i64),
) -> Result<Option<usize>, ApiError> {
    let Some(number) = given else {
        return Ok(None);
    };
    let wrong = |constraint: String| {
        invalid(
            &format!("'{number}'"),
            member,
            &format!("Member must {constraint}"),
        )
    };
    if number < least {
        return Err(wrong(format!(
            "have value greater than or equal to {least}"
        )));
    }
    if number > most {
        return Err(wrong(format!("have value less than or equal to {most}")));
    }
    Ok(usize::try_from(number).ok())
}
