//! The container from the job's image, as the stages after prepare know it.

use serde::{Deserialize, Serialize};

/// The container from the job's image. It shares address, host key and user with the helper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobContainer {
    /// Port of its agent.
    pub(crate) port: u16,
    /// The image.
    pub(crate) image: String,
    /// Whether the job named the image, rather than the operator.
    pub(crate) is_jobs: bool,
    /// The services beside it.
    pub(crate) services: Vec<ServiceContainer>,
}

/// A service of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceContainer {
    /// Name of its container.
    pub(crate) container: String,
    /// Its name in the job log.
    pub(crate) label: String,
    /// Ports it listens on, according to the job.
    pub(crate) ports: Vec<u16>,
}
