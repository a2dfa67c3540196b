//! CreateLogGroup.

use serde::Deserialize;

use super::checks::{check_name, invalid};
use crate::error::ApiError;
use crate::log_groups::{LogGroup, RegionLogGroups};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateLogGroup {
    log_group_name: Option<String>,
    log_group_class: Option<String>,
}

/// Makes a group. The reply has no body.
pub(super) fn create(
    groups: &mut RegionLogGroups,
    input: CreateLogGroup,
) -> Result<String, ApiError> {
    const CLASSES: [&str; 3] = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];
    let name = input
        .log_group_name
        .ok_or_else(|| invalid("null", "logGroupName", "Member must not be null"))?;
    check_name(&name)?;
    if let Some(class) = input
        .log_group_class
        .filter(|class| !CLASSES.contains(&class.as_str()))
    {
        let known = format!(
            "Member must satisfy enum value set: [{}]",
            CLASSES.join(", ")
        );
        return Err(invalid(&format!("'{class}'"), "logGroupClass", &known));
    }
    if groups.contains_key(&name) {
        return Err(ApiError::new(
            400,
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    groups.insert(name, LogGroup::default());
    Ok(String::new())
}
