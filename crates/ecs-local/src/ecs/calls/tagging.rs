//! TagResource.

use serde::{Deserialize, Serialize};

use crate::ecs::region::Region;
use crate::error::ApiError;
use crate::ids;
use crate::tags::{self, Tag, TagInput};
use crate::tasks::TaskStatus;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    resource_arn: Option<String>,
    tags: Option<Vec<TagInput>>,
}

/// The reply, which has no members.
#[derive(Debug, Serialize)]
pub(crate) struct TagResourceReply {}

/// Adds tags to a cluster, task or task definition, or replaces their values.
pub(crate) fn tag(region: &mut Region, input: TagResource) -> Result<TagResourceReply, ApiError> {
    let arn = input.resource_arn.unwrap_or_default();
    let tags = input
        .tags
        .ok_or_else(|| ApiError::invalid_parameter("tags must not be null."))?;
    let tags = tags::check(Some(tags))?;
    let invalid = || ApiError::invalid_parameter(format!("Invalid resource ARN: {arn}"));
    let resource = ids::resource(&region.name, &arn).ok_or_else(invalid)?;
    let (kind, name) = resource.split_once('/').ok_or_else(invalid)?;
    match kind {
        "cluster" => tags::merge(&mut region.cluster_mut(Some(name))?.tags, tags)?,
        "task-definition" => {
            let found = region.task_definition_mut(name);
            let definition = found
                .ok_or_else(|| ApiError::client("The specified task definition was not found."))?;
            tags::merge(&mut definition.tags, tags)?;
        }
        "task" => tag_task(region, &arn, tags)?,
        _ => return Err(invalid()),
    }
    Ok(TagResourceReply {})
}

fn tag_task(region: &Region, arn: &str, tags: Vec<Tag>) -> Result<(), ApiError> {
    let not_found = || ApiError::invalid_parameter("The specified task was not found.");
    let id = arn.rsplit('/').next().unwrap_or(arn);
    let mut task = region.tasks.get(id).ok_or_else(not_found)?.lock();
    // An ARN of the old form, without the cluster, names no task of today's accounts.
    if task.description.task_arn != arn || task.is_missing() {
        return Err(not_found());
    }
    if task.description.last_status == TaskStatus::Stopped {
        return Err(ApiError::invalid_parameter(
            "The specified task is stopped. Specify a running task and try again.",
        ));
    }
    tags::merge(&mut task.tags, tags)
}
