//! The input of a composition.

use crate::config::{Architecture, Cpu, JobImage, Memory};
use crate::gitlab::JobPayload;

/// What a task is composed of.
pub(crate) struct CompositionInput<'a> {
    pub(crate) settings: &'a JobImage,
    pub(crate) asked: &'a JobPayload,
    /// Region of the cluster, for logs.
    pub(crate) region: &'a str,
    /// Size before the job's own changes, as Fargate has it.
    pub(crate) size: (Cpu, Memory),
    pub(crate) architecture: Architecture,
    /// Where the project will be, once the runner knows.
    pub(crate) project_folder: Option<&'a str>,
    /// The key that may log in.
    pub(crate) public_key: &'a str,
    /// When the task ends by itself, in seconds since 1970.
    pub(crate) deadline: u64,
}
