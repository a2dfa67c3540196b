//! The input of a composition.

use crate::config::{Architecture, Cpu, JobImage, Memory};
use crate::gitlab::JobPayload;

/// The input from which a job's task is composed.
pub(crate) struct CompositionInput<'a> {
    pub(crate) settings: &'a JobImage,
    pub(crate) asked: &'a JobPayload,
    /// Region of the cluster, for logs.
    pub(crate) region: &'a str,
    /// Size before the job's own changes, as Fargate has it.
    pub(crate) size: (Cpu, Memory),
    pub(crate) architecture: Architecture,
    /// The project's folder in the task, once the runner knows it.
    pub(crate) project_folder: Option<&'a str>,
    /// Whether people may open terminals in it.
    pub(crate) is_interactive: bool,
    /// Public key that may log in.
    pub(crate) public_key: &'a str,
    /// Time at which the task ends by itself, in seconds since 1970.
    pub(crate) deadline: u64,
}
