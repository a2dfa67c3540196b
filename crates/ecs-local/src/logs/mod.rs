//! The operations of CloudWatch Logs that make log groups and read the streams that tasks write.

mod checks;
mod create;
mod describe;
mod groups;
mod read;

use crate::error::ApiError;
use crate::json::{parse, reply};
use crate::log_groups::LogGroups;
use crate::resources::Resources;

/// The prefix of `X-Amz-Target`.
pub(crate) const TARGET: &str = "Logs_20140328.";

/// Answers one call.
pub(crate) fn call(
    groups: &LogGroups,
    resources: &Resources,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<String, ApiError> {
    groups.in_region(region, |groups| match operation {
        "CreateLogGroup" => create::create(groups, parse(body)?),
        "DescribeLogGroups" => reply(&groups::describe(groups, resources, region, parse(body)?)?),
        "DescribeLogStreams" => reply(&describe::describe(groups, region, parse(body)?)?),
        "GetLogEvents" => reply(&read::get(groups, parse(body)?)?),
        _ => Err(ApiError::new(
            400,
            "UnknownOperationException",
            "The requested operation is not recognized by the service.",
        )),
    })
}
