//! The job variables by which a job changes its task.

use serde::{Deserialize, Serialize};

use super::environment::variable;

/// The job's variables for the driver. An empty one counts as absent, as in GitLab's driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct JobOverrides {
    /// `FARGATE_TASK_DEFINITION`.
    pub(crate) task_definition: Option<String>,
    /// `FARGATE_PLATFORM_VERSION`.
    pub(crate) platform_version: Option<String>,
    /// `FARGATE_CPU`.
    pub(crate) cpu: Option<String>,
    /// `FARGATE_MEMORY`.
    pub(crate) memory: Option<String>,
    /// `FARGATE_EPHEMERAL_STORAGE`.
    pub(crate) storage: Option<String>,
    /// `FARGATE_TASK_ROLE`.
    pub(crate) task_role: Option<String>,
    /// `FARGATE_CAPACITY_PROVIDER`.
    pub(crate) capacity_provider: Option<String>,
    /// `FARGATE_CPU_ARCHITECTURE`.
    pub(crate) architecture: Option<String>,
    /// `FARGATE_WARM`.
    pub(crate) warm: Option<String>,
    /// `FARGATE_HEDGE`.
    pub(crate) hedge: Option<String>,
}

impl JobOverrides {
    /// The job's variables of this call.
    pub(crate) fn from_environment() -> Self {
        let value = |name: &str| variable(&format!("CUSTOM_ENV_{name}"));
        Self {
            task_definition: value("FARGATE_TASK_DEFINITION"),
            platform_version: value("FARGATE_PLATFORM_VERSION"),
            cpu: value("FARGATE_CPU"),
            memory: value("FARGATE_MEMORY"),
            storage: value("FARGATE_EPHEMERAL_STORAGE"),
            task_role: value("FARGATE_TASK_ROLE"),
            capacity_provider: value("FARGATE_CAPACITY_PROVIDER"),
            architecture: value("FARGATE_CPU_ARCHITECTURE"),
            warm: value("FARGATE_WARM"),
            hedge: value("FARGATE_HEDGE"),
        }
    }
}
