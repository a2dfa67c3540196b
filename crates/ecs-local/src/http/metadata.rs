//! The task metadata endpoint, version 4, through which containers learn about their own task.
//!
//! It shows changes at once, while DescribeTasks may show them later. Only containers that are processes of this
//! machine reach it. It describes containers, their addresses and their ends, and little else.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Serialize;

use crate::tasks::{Container, ContainerInterface, ContainerStatus, TaskStatus};
use crate::world::World;

/// The length of a task ID, with which the path of a container begins.
const ID_LENGTH: usize = 32;

/// The paths of the endpoint.
pub(super) fn routes() -> Router<Arc<World>> {
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
    availability_zone: String,
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
    networks: Vec<ContainerNetwork>,
}

#[derive(Serialize)]
struct ContainerNetwork {
    #[serde(rename = "NetworkMode")]
    network_mode: &'static str,
    #[serde(rename = "IPv4Addresses", skip_serializing_if = "Vec::is_empty")]
    ipv4_addresses: Vec<String>,
    #[serde(rename = "IPv6Addresses", skip_serializing_if = "Vec::is_empty")]
    ipv6_addresses: Vec<String>,
}

impl From<&ContainerInterface> for ContainerNetwork {
    fn from(interface: &ContainerInterface) -> Self {
        Self {
            network_mode: "awsvpc",
            ipv4_addresses: interface.private_ipv4_address.iter().cloned().collect(),
            ipv6_addresses: interface.ipv6_address.iter().cloned().collect(),
        }
    }
}

impl From<&Container> for ContainerMetadata {
    fn from(container: &Container) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone(),
            known_status: container.last_status,
            exit_code: container.exit_code,
            networks: container
                .network_interfaces
                .iter()
                .map(Into::into)
                .collect(),
        }
    }
}

async fn task(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
) -> Result<Json<TaskMetadata>, StatusCode> {
    let id = path.get(..ID_LENGTH).ok_or(StatusCode::NOT_FOUND)?;
    let task = world.ecs.task(id).ok_or(StatusCode::NOT_FOUND)?;
    let description = &task.lock().description;
    Ok(Json(TaskMetadata {
        cluster: description.cluster_arn.clone(),
        task_arn: description.task_arn.clone(),
        desired_status: description.desired_status,
        known_status: description.last_status,
        availability_zone: description.availability_zone.clone(),
        containers: description.containers.iter().map(Into::into).collect(),
    }))
}

async fn container(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
) -> Result<Json<ContainerMetadata>, StatusCode> {
    let Json(task) = task(State(world), Path(path.clone())).await?;
    let name = path.get(ID_LENGTH + 1..);
    let mut containers = task.containers.into_iter();
    let container = containers.find(|container| Some(container.name.as_str()) == name);
    container.map(Json).ok_or(StatusCode::NOT_FOUND)
}
