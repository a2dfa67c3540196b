//! The task definition of a job: the settings that RunTask cannot override, and nothing secret.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::{Architecture, Cpu, Memory, Storage};

/// Name of the volume with the agent.
pub(crate) const AGENT_VOLUME: &str = "fargate";
/// Name of the volume with the project.
pub(crate) const BUILDS_VOLUME: &str = "builds";
/// Name of the volume with the cache.
pub(crate) const CACHE_VOLUME: &str = "cache";

/// Hexadecimal digits of the hash in a family: enough that two definitions never share one.
const HASH_DIGITS: usize = 40;

/// A task definition. All its containers share the network and the three volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TaskDefinition {
    pub(crate) cpu: Cpu,
    pub(crate) memory: Memory,
    pub(crate) storage: Storage,
    pub(crate) architecture: Architecture,
    pub(crate) execution_role: Option<String>,
    pub(crate) task_role: Option<String>,
    pub(crate) containers: Vec<ContainerDefinition>,
}

/// A container of a task definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ContainerDefinition {
    pub(crate) name: String,
    pub(crate) image: String,
    /// ARN of the secret with the registry's credentials.
    pub(crate) credentials: Option<String>,
    /// Whether the task ends with it.
    pub(crate) essential: bool,
    /// Replaces the image's own; the image's own command is gone then.
    pub(crate) entry_point: Option<Vec<String>>,
    /// Replaces the image's own.
    pub(crate) command: Option<Vec<String>>,
    /// Replaces the image's own.
    pub(crate) user: Option<String>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) after: Option<After>,
    /// Port it listens on.
    pub(crate) port: Option<u16>,
    /// Seconds between SIGTERM and SIGKILL.
    pub(crate) stop_timeout: u32,
    pub(crate) log: Option<LogConfiguration>,
}

/// The condition on another container, named here, for which a container waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) enum After {
    Success(&'static str),
    Start(&'static str),
}

/// A volume in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Mount {
    pub(crate) volume: &'static str,
    pub(crate) path: &'static str,
    pub(crate) read_only: bool,
}

/// Where a container's output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LogConfiguration {
    pub(crate) group: String,
    pub(crate) region: String,
}

impl TaskDefinition {
    /// The family it is registered under. Definitions with the same content have the same one, so that each is
    /// registered once.
    pub(crate) fn family(&self) -> String {
        // The fields in their order, which is the same every time; writing them to memory cannot fail.
        let content = serde_json::to_vec(self).unwrap_or_default();
        // Another version of the driver gets another family for the same content.
        let digest = Sha256::new()
            .chain_update(concat!("fargate ", env!("CARGO_PKG_VERSION"), "\n"))
            .chain_update(content)
            .finalize();
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("fargate-{}", hash.get(..HASH_DIGITS).unwrap_or(&hash))
    }
}
