//! TagResource.

use serde::{Deserialize, Serialize};

use crate::account::Region;
use crate::error::ApiError;
use crate::ids;
use crate::tags::{self, TagInput};
use crate::task::TaskStatus;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagResource {
    resource_arn: Option<String>,
    tags: Option<Vec<TagInput>>,
}

/// The reply has no members.
#[derive(Debug, Serialize)]
pub(super) struct Tagged {}

/// Adds tags to a cluster, task or task definition, or replaces their values.
pub(super) fn tag(region: &mut Region, input: TagResource) -> Result<Tagged, ApiError> {
    let arn = input.resource_arn.unwrap_or_default();
    let tags = input
        .tags
        .ok_or_else(|| ApiError::invalid_parameter("tags must not be null."))?;
    let tags = tags::check(Some(tags))?;
    let invalid = || ApiError::invalid_parameter(format!("Invalid resource ARN: {arn}"));
    let resource = ids::resource(&region.name, &arn).ok_or_else(invalid)?;
    let (kind, name) = resource.split_once('/').ok_or_else(invalid)?;
    let have = match kind {
        "cluster" => &mut region.cluster_mut(Some(name))?.tags,
        "task-definition" => {
            let found = region.task_definition_mut(name);
            &mut found
                .ok_or_else(|| ApiError::client("The specified task definition was not found."))?
                .tags
        }
        "task" => {
            let id = name.rsplit('/').next().unwrap_or(name);
            let found = region
                .tasks
                .get_mut(id)
                .filter(|task| task.record.task_arn == arn);
            let task = found
                .ok_or_else(|| ApiError::invalid_parameter("The specified task was not found."))?;
            if task.record.last_status == TaskStatus::Stopped {
                return Err(ApiError::invalid_parameter(
                    "The specified task is stopped. Specify a running task and try again.",
                ));
            }
            &mut task.tags
        }
        _ => return Err(invalid()),
    };
    tags::merge(have, tags)?;
    Ok(Tagged {})
}
