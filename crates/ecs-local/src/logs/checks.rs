//! The checks that the operations of CloudWatch Logs share.

use crate::error::ApiError;
use crate::log_groups::{LogGroup, RegionLogGroups};

/// A parameter that the model does not allow, in the service's words.
pub(super) fn invalid(value: &str, member: &str, constraint: &str) -> ApiError {
    ApiError::invalid_parameter(format!(
        "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// A number within the bounds of the model.
pub(super) fn bounded(
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

/// The group that a request names, by its name, or by its name or ARN as the identifier.
pub(super) fn find<'a>(
    groups: &'a RegionLogGroups,
    name: Option<&str>,
    identifier: Option<&str>,
) -> Result<(&'a str, &'a LogGroup), ApiError> {
    let name = match (name, identifier) {
        (Some(name), None) => name,
        (None, Some(arn)) => match arn.split_once(":log-group:") {
            Some((_, name)) => name.trim_end_matches(":*"),
            None => arn,
        },
        _ => {
            return Err(ApiError::invalid_parameter(
                "You must specify either a log group name or a log group identifier, but not both.",
            ));
        }
    };
    check_name(name)?;
    let found = groups.get_key_value(name);
    found
        .map(|(name, group)| (name.as_str(), group))
        .ok_or_else(|| not_found("group"))
}

/// The error for a missing log group or stream.
pub(super) fn not_found(what: &str) -> ApiError {
    let message = format!("The specified log {what} does not exist.");
    ApiError::new(400, "ResourceNotFoundException", message)
}

pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
    if !(1..=512).contains(&name.len()) {
        let length = "Member must have length between 1 and 512";
        return Err(invalid(&format!("'{name}'"), "logGroupName", length));
    }
    if !name.bytes().all(allowed) {
        let pattern = r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+";
        return Err(invalid(&format!("'{name}'"), "logGroupName", pattern));
    }
    Ok(())
}
