//! The stand-in's own paths, for tests and people: what was asked, what the tasks went through and wrote, and the
//! faults.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

use crate::error::Service;
use crate::faults::{Exit, Faults, Injector, Strike};
use crate::task::{Change, TaskStatus};
use crate::world::World;

/// The paths below `/_local/`.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/_local/stats", get(stats))
        .route("/_local/tasks", get(tasks))
        .route("/_local/tasks/{task}/strike", post(strike))
        .route("/_local/logs/{task}/{container}", get(output))
        .route("/_local/faults", get(faults).put(set_faults))
}

/// Calls of each operation there is, error replies by code, and how many of these were for the rate limit.
#[derive(Serialize)]
struct Counts {
    calls: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    throttled: u64,
}

async fn stats(State(world): State<Arc<World>>) -> Json<Counts> {
    let stats = world.lock().stats.clone();
    let mut calls = stats.calls;
    for operation in Service::ALL.map(Service::operations).concat() {
        calls.entry(operation.to_owned()).or_default();
    }
    Json(Counts {
        calls,
        errors: stats.errors,
        throttled: stats.throttled,
    })
}

/// A task and every change that could have been seen of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Story {
    region: String,
    task_arn: String,
    last_status: TaskStatus,
    desired_status: TaskStatus,
    stop_code: Option<String>,
    stopped_reason: Option<String>,
    history: Vec<Change>,
}

async fn tasks(State(world): State<Arc<World>>) -> Json<Vec<Story>> {
    let state = world.lock();
    let mut stories = Vec::new();
    for (name, region) in &state.regions {
        stories.extend(region.tasks.values().map(|task| Story {
            region: name.clone(),
            task_arn: task.record.task_arn.clone(),
            last_status: task.record.last_status,
            desired_status: task.record.desired_status,
            stop_code: task.record.stop_code.clone(),
            stopped_reason: task.record.stopped_reason.clone(),
            history: task.history.clone(),
        }));
    }
    Json(stories)
}

/// Lets something happen to a task that there is. Answers when it has.
async fn strike(
    State(world): State<Arc<World>>,
    Path(task): Path<String>,
    body: String,
) -> Response {
    let strike = match Strike::parse(&body) {
        Ok(strike) => strike,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    };
    let (Strike::Stop(after, ..) | Strike::Exit(_, Exit { after, .. })) = &strike;
    tokio::time::sleep(*after).await;
    let mut state = world.lock();
    let found = state
        .regions
        .values_mut()
        .find_map(|region| region.tasks.get_mut(&task));
    if found.is_some_and(|task| task.strike(strike)) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let message = "There is no such task, or no such container in it.\n";
        (StatusCode::NOT_FOUND, message).into_response()
    }
}

/// The end of what a container wrote to its standard output and error.
async fn output(
    State(world): State<Arc<World>>,
    Path((task, container)): Path<(String, String)>,
) -> Response {
    let state = world.lock();
    let found = state.regions.values().find_map(|region| {
        let task = region.tasks.get(&task)?;
        let at = task
            .record
            .containers
            .iter()
            .position(|one| one.name == container)?;
        task.outputs.get(at)
    });
    match found {
        Some(output) => output.bytes().into_response(),
        None => (
            StatusCode::NOT_FOUND,
            "There is no such task, or no such container in it.\n",
        )
            .into_response(),
    }
}

async fn faults(State(world): State<Arc<World>>) -> Json<Faults> {
    Json(world.lock().faults.document().clone())
}

/// Replaces the fault document; its counts begin anew.
async fn set_faults(State(world): State<Arc<World>>, body: String) -> Response {
    match Faults::parse(&body) {
        Ok(faults) => {
            world.lock().faults = Injector::new(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    }
}
