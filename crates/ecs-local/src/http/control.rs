//! The stand-in's own paths, for tests and people: the counts of calls, the histories and output of tasks, and the
//! faults.
//!
//! A stand-in with an access key takes only requests that are signed like calls of ECS, which clients can do:
//! `curl --aws-sigv4 aws:amz:us-east-1:ecs`.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

use super::auth;
use super::signature::SignedParts;
use crate::access_key::AccessKeys;
use crate::faults::{Faults, Injector, LateFault};
use crate::resources::Resources;
use crate::service::AwsService;
use crate::statistics::CallStatistics;
use crate::tasks::{HistoryEntry, TaskStatus};
use crate::world::World;

/// The body of a reply about a task or container that does not exist.
const NOT_FOUND: &str = "There is no such task, or no such container in it.\n";

/// The largest body of a request, as for AWS's calls (axum's default).
const LARGEST_BODY: usize = 2 << 20;

/// The paths below `/_local/`.
pub(super) fn routes(world: Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route("/_local/stats", get(statistics))
        .route("/_local/tasks", get(tasks))
        .route("/_local/tasks/{task}/strike", post(inject))
        .route("/_local/logs/{task}/{container}", get(output))
        .route("/_local/faults", get(faults).put(set_faults))
        .route("/_local/resources", get(resources).put(set_resources))
        .route_layer(from_fn_with_state(world, refuse_strangers))
}

/// Refuses requests that no access key of the stand-in has signed.
async fn refuse_strangers(
    State(world): State<Arc<World>>,
    request: Request,
    next: Next,
) -> Response {
    if matches!(*world.keys.lock(), AccessKeys::Any) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let signed = SignedParts {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        body: &body,
    };
    let admitted = auth::region(&world.keys.lock(), AwsService::Ecs, signed);
    match admitted {
        Ok(_region) => next.run(Request::from_parts(parts, body.into())).await,
        Err(error) => {
            let text = format!(
                "This stand-in answers requests that its access key signs for ECS. {}\n",
                error.message
            );
            (StatusCode::FORBIDDEN, text).into_response()
        }
    }
}

async fn statistics(State(world): State<Arc<World>>) -> Json<CallStatistics> {
    Json(world.statistics.lock().clone())
}

/// A task and its history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskHistory {
    region: String,
    task_arn: String,
    last_status: TaskStatus,
    desired_status: TaskStatus,
    stop_code: Option<String>,
    stopped_reason: Option<String>,
    history: Vec<HistoryEntry>,
}

async fn tasks(State(world): State<Arc<World>>) -> Json<Vec<TaskHistory>> {
    let tasks = world.ecs.tasks().into_iter();
    let histories = tasks.map(|(region, task)| {
        let task = task.lock();
        let description = &task.description;
        TaskHistory {
            region,
            task_arn: description.task_arn.clone(),
            last_status: description.last_status,
            desired_status: description.desired_status,
            stop_code: description.stop_code.clone(),
            stopped_reason: description.stopped_reason.clone(),
            history: task.history.clone(),
        }
    });
    Json(histories.collect())
}

/// Injects a late fault into a task. Answers after the fault.
async fn inject(State(world): State<Arc<World>>, Path(id): Path<String>, body: String) -> Response {
    let fault = match LateFault::parse(&body) {
        Ok(fault) => fault,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    };
    tokio::time::sleep(fault.delay()).await;
    let task = world.ecs.task(&id);
    if task.is_some_and(|task| task.lock().inject(fault)) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        (StatusCode::NOT_FOUND, NOT_FOUND).into_response()
    }
}

/// The end of a container's output.
async fn output(
    State(world): State<Arc<World>>,
    Path((id, container)): Path<(String, String)>,
) -> Response {
    let output = world.ecs.task(&id).and_then(|task| {
        let task = task.lock();
        let mut containers = task.description.containers.iter();
        let at = containers.position(|one| one.name == container)?;
        task.outputs.get(at).cloned()
    });
    match output {
        Some(output) => output.bytes().into_response(),
        None => (StatusCode::NOT_FOUND, NOT_FOUND).into_response(),
    }
}

async fn faults(State(world): State<Arc<World>>) -> Json<Faults> {
    Json(world.faults.lock().document().clone())
}

async fn resources(State(world): State<Arc<World>>) -> Json<Resources> {
    Json(Resources::clone(&world.resources.lock()))
}

/// Replaces the document of resources.
async fn set_resources(State(world): State<Arc<World>>, body: String) -> Response {
    match Resources::parse(&body) {
        Ok(resources) => {
            *world.resources.lock() = Arc::new(resources);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    }
}

/// Replaces the fault document. Its counts start at 0.
async fn set_faults(State(world): State<Arc<World>>, body: String) -> Response {
    match Faults::parse(&body) {
        Ok(faults) => {
            *world.faults.lock() = Injector::new(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    }
}
