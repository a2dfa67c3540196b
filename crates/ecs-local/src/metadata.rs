//! What containers of a task can ask about it: version 4 of the task metadata endpoint, as far as it is about containers.
//!
//! It says at once what DescribeTasks may say a while later. Only tasks whose containers are processes of this machine
//! reach it.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Serialize;

use crate::task::{Container, ContainerStatus, TaskStatus};
use crate::world::World;

/// Where ECS has it.
pub(crate) const LINK_LOCAL: &str = "http://169.254.170.2";

/// Characters of a task's id, which a container's name here begins with.
const ID_LENGTH: usize = 32;

/// The paths below which containers ask.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v4/{container}", get(container))
        .route("/v4/{container}/task", get(task))
}

/// A task, as its containers see it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TaskMetadata {
    cluster: String,
    #[serde(rename = "TaskARN")]
    task_arn: String,
    desired_status: TaskStatus,
    known_status: TaskStatus,
    containers: Vec<ContainerMetadata>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerMetadata {
    name: String,
    image: String,
    known_status: ContainerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
}

impl From<&Container> for ContainerMetadata {
    fn from(container: &Container) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone(),
            known_status: container.last_status,
            exit_code: container.exit_code,
        }
    }
}

async fn task(
    State(world): State<Arc<World>>,
    Path(asking): Path<String>,
) -> Result<Json<TaskMetadata>, StatusCode> {
    let state = world.lock();
    let id = asking.get(..ID_LENGTH).ok_or(StatusCode::NOT_FOUND)?;
    let mut regions = state.regions.values();
    let task = regions.find_map(|region| region.tasks.get(id));
    let record = &task.ok_or(StatusCode::NOT_FOUND)?.record;
    Ok(Json(TaskMetadata {
        cluster: record.cluster_arn.clone(),
        task_arn: record.task_arn.clone(),
        desired_status: record.desired_status,
        known_status: record.last_status,
        containers: record.containers.iter().map(Into::into).collect(),
    }))
}

async fn container(
    State(world): State<Arc<World>>,
    Path(asking): Path<String>,
) -> Result<Json<ContainerMetadata>, StatusCode> {
    let Json(task) = task(State(world), Path(asking.clone())).await?;
    let name = asking.get(ID_LENGTH + 1..);
    let mut containers = task.containers.into_iter();
    let container = containers.find(|container| Some(container.name.as_str()) == name);
    container.map(Json).ok_or(StatusCode::NOT_FOUND)
}
