//! DescribeTasks and StopTask.

use serde::{Deserialize, Serialize};

use crate::ecs::checks::check_enum;
use crate::ecs::failure::Failure;
use crate::ecs::region::Region;
use crate::error::ApiError;
use crate::ids;
use crate::tasks::{ShownTask, TaskRead};

#[derive(Debug, Deserialize)]
pub(crate) struct DescribeTasks {
    cluster: Option<String>,
    tasks: Option<Vec<String>>,
    include: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StopTask {
    cluster: Option<String>,
    task: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct TasksReply {
    tasks: Vec<ShownTask>,
    failures: Vec<Failure>,
}

#[derive(Serialize)]
pub(crate) struct TaskReply {
    task: ShownTask,
}

/// Describes up to 100 tasks of a cluster.
pub(crate) fn describe(region: &Region, input: DescribeTasks) -> Result<TasksReply, ApiError> {
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
    let cluster = region.cluster(input.cluster.as_deref())?;
    let mut ids = Vec::with_capacity(given.len());
    for name in &given {
        let id = region.task_id(&cluster.name, name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mut reply = TasksReply {
        tasks: Vec::with_capacity(ids.len()),
        failures: Vec::new(),
    };
    for id in ids {
        let read = region.tasks.get(id).and_then(|task| {
            let mut task = task.lock();
            (task.description.cluster_arn == cluster.arn).then(|| task.read(tags))
        });
        match read {
            Some(TaskRead::Found(task)) => reply.tasks.push(task),
            Some(TaskRead::Missing) | None => {
                let arn = ids::arn(&region.name, &format!("task/{}/{id}", cluster.name));
                reply.failures.push(Failure::missing(arn));
            }
        }
    }
    Ok(reply)
}

/// Stops a task. One that is stopping or stopped stays unchanged.
pub(crate) fn stop(region: &Region, input: StopTask) -> Result<TaskReply, ApiError> {
    let Some(given) = input.task.filter(|task| !task.is_empty()) else {
        return Err(ApiError::invalid_parameter("Task can not be blank."));
    };
    let cluster = region.cluster(input.cluster.as_deref())?;
    let id = region.task_id(&cluster.name, &given)?;
    let not_found = || ApiError::invalid_parameter("The referenced task was not found.");
    let mut task = region.tasks.get(id).ok_or_else(not_found)?.lock();
    if task.description.cluster_arn != cluster.arn || task.is_missing() {
        return Err(not_found());
    }
    task.begin_stop(
        "UserInitiated",
        input.reason.as_deref().unwrap_or("Task stopped by user"),
    );
    Ok(TaskReply {
        task: task.show(false),
    })
}
