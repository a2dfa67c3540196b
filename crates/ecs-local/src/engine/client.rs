//! The client of one stand-in for its container engine, and the labels of everything it makes.

use std::collections::HashMap;
use std::path::PathBuf;

use bollard::Docker;
use bollard::errors::Error;

/// The label that names the stand-in.
pub(super) const STAND_IN: &str = "fargate.local";
/// The label that names the task.
pub(super) const TASK: &str = "fargate.local.task";
/// The label that names a container of a task. The container that holds the sandbox has none.
pub(super) const CONTAINER: &str = "fargate.local.container";

/// A container engine, as one stand-in uses it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(super) socket: PathBuf,
    pub(super) docker: Docker,
    /// The same client with a long timeout, for calls that wait.
    pub(super) waiting: Docker,
    /// The identity of the stand-in, in the labels of everything it makes.
    pub(super) stand_in: String,
    /// The architecture of the machine, in Docker's spelling.
    pub(super) architecture: String,
    /// The ID of the image of `pause`.
    pub(super) pause_image: String,
}

impl Engine {
    /// The labels of a task's containers and volumes.
    pub(super) fn labels(&self, task: &str) -> HashMap<String, String> {
        HashMap::from([
            (STAND_IN.to_owned(), self.stand_in.clone()),
            (TASK.to_owned(), task.to_owned()),
        ])
    }
}

/// The engine's own message of an error.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    }
}
