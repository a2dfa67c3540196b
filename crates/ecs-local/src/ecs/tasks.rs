//! DescribeTasks and StopTask.

use serde::{Deserialize, Serialize};

use super::check_enum;
use super::clusters::Failure;
use crate::account::Region;
use crate::error::ApiError;
use crate::ids;
use crate::task::{Read, Shown};

#[derive(Debug, Deserialize)]
pub(super) struct DescribeTasks {
    cluster: Option<String>,
    tasks: Option<Vec<String>>,
    include: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StopTask {
    cluster: Option<String>,
    task: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize)]
pub(super) struct TasksReply<'a> {
    tasks: Vec<Shown<'a>>,
    failures: Vec<Failure>,
}

#[derive(Serialize)]
pub(super) struct TaskReply<'a> {
    task: Shown<'a>,
}

/// Describes up to 100 tasks of a cluster.
pub(super) fn describe(
    region: &mut Region,
    input: DescribeTasks,
) -> Result<TasksReply<'_>, ApiError> {
    let given = input.tasks.unwrap_or_default();
    if given.is_empty() {
        return Err(ApiError::invalid_parameter("Tasks cannot be empty."));
    }
    if given.len() > 100 {
        return Err(ApiError::invalid_parameter(
            "Tasks can have at most 100 items.",
        ));
    }
    for value in input.include.iter().flatten() {
        check_enum("include", Some(value), &["TAGS"])?;
    }
    let tags = input.include.is_some_and(|include| !include.is_empty());
    let cluster = region.cluster(input.cluster.as_deref())?.clone();
    let mut wanted = Vec::with_capacity(given.len());
    for name in &given {
        let id = region.task_id(&cluster.name, name)?.to_owned();
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    // In the order asked for: the map lends them all at once.
    let mut found: std::collections::HashMap<&str, _> = region
        .tasks
        .iter_mut()
        .filter(|(id, task)| wanted.contains(id) && task.record.cluster_arn == cluster.arn)
        .map(|(id, task)| (id.as_str(), task.read(tags)))
        .collect();
    let mut reply = TasksReply {
        tasks: Vec::with_capacity(wanted.len()),
        failures: Vec::new(),
    };
    for id in &wanted {
        match found.remove(id.as_str()) {
            Some(Read::Found(task)) => reply.tasks.push(task),
            Some(Read::Missing) | None => reply.failures.push(Failure {
                arn: Some(ids::arn(
                    &region.name,
                    &format!("task/{}/{id}", cluster.name),
                )),
                reason: "MISSING".into(),
            }),
        }
    }
    Ok(reply)
}

/// Stops a task; one that is stopping or stopped stays as it is.
pub(super) fn stop(region: &mut Region, input: StopTask) -> Result<TaskReply<'_>, ApiError> {
    let Some(given) = input.task.filter(|task| !task.is_empty()) else {
        return Err(ApiError::invalid_parameter("Task can not be blank."));
    };
    let cluster = region.cluster(input.cluster.as_deref())?.clone();
    let id = region.task_id(&cluster.name, &given)?.to_owned();
    let task = region
        .tasks
        .get_mut(&id)
        .filter(|task| task.record.cluster_arn == cluster.arn)
        .and_then(|task| (!task.is_missing()).then_some(task))
        .ok_or_else(|| ApiError::invalid_parameter("The referenced task was not found."))?;
    task.begin_stop(
        "UserInitiated",
        input.reason.as_deref().unwrap_or("Task stopped by user"),
    );
    Ok(TaskReply {
        task: task.show(false),
    })
}
