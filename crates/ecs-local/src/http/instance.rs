//! The metadata of the EC2 instance that callers run on, if the document of resources has one (EC2: IMDSv2).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};

use crate::world::World;

/// The token of every session.
const TOKEN: &str = "AQAEAHh4LXRva2VuLW9mLXRoZS1zdGFuZC1pbg==";

/// The paths below `/latest/`.
pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/latest/api/token", put(token))
        .route("/latest/{*path}", get(metadata))
}

async fn token(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    if world.resources.lock().instance.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    match headers.get(TTL) {
        Some(ttl) => ([(TTL, ttl.clone())], TOKEN).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn metadata(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token = headers.get("x-aws-ec2-metadata-token");
    if token.is_none_or(|token| token != TOKEN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match world.resources.lock().instance.get(&path) {
        Some(text) => text.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
