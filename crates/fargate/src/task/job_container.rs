//! The container from the job's image, as the stages after prepare know it.

use fargate_wire::{BOOTSTRAP_CONTAINER, COORDINATOR_CONTAINER, HELPER_CONTAINER};
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

impl JobContainer {
    /// Whether the job, rather than the operator, named the image of this container of its task.
    pub(crate) fn job_names_image_of(&self, container: &str) -> bool {
        match container {
            BOOTSTRAP_CONTAINER | HELPER_CONTAINER => false,
            COORDINATOR_CONTAINER => self.is_jobs,
            _ => true,
        }
    }
}

/// A service of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceContainer {
    /// Name of its container.
    pub(crate) container: String,
    /// Its name in the job log.
    pub(crate) label: String,
    /// Ports that the job's script waits for: those that the job names, or that of a well-known image.
    pub(crate) ports: Vec<u16>,
}

impl ServiceContainer {
    /// The service with some of its ports, for the job log.
    pub(crate) fn on_ports(&self, ports: &[u16]) -> String {
        let word = if ports.len() == 1 { "port" } else { "ports" };
        let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
        format!("{} on {word} {}", self.label, ports.join(", "))
    }
}
