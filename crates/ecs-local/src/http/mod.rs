//! The HTTP server: AWS's calls, the task metadata endpoint, and the stand-in's own paths.

mod auth;
mod calls;
mod control;
mod instance;
mod metadata;
mod reply;
mod reset;
mod signature;
mod web_pages;

use std::sync::Arc;

use axum::Router;

use crate::world::World;

pub(crate) use reset::{ConnectionReset, ResettableListener};
pub(crate) use web_pages::{refuse_names, refuse_pages};

/// All paths of the server.
pub(crate) fn router(world: Arc<World>) -> Router {
    control::routes(world.clone())
        .merge(metadata::routes())
        .merge(instance::routes())
        .fallback(calls::answer)
        .with_state(world)
}
