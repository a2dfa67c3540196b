//! The HTTP server: AWS's calls, the task metadata endpoint, and the stand-in's own paths.

mod auth;
mod calls;
mod control;
mod host;
mod metadata;
mod reply;
mod reset;

use std::sync::Arc;

use axum::Router;

use crate::world::World;

pub(crate) use host::refuse_names;
pub(crate) use reset::{ConnectionReset, ResettableListener};

/// All paths of the server.
pub(crate) fn router(world: Arc<World>) -> Router {
    control::routes()
        .merge(metadata::routes())
        .fallback(calls::answer)
        .with_state(world)
}
