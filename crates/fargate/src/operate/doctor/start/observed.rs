//! What a job showed.

use std::time::Duration;

use crate::task::Task;

/// How a stage ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) is_success: bool,
    /// What it wrote, on both streams.
    pub(super) text: String,
}

/// The findings of a job. A member is absent where nothing could be seen.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Whether the job brought its own image.
    pub(super) is_job_image: bool,
    pub(super) prepare: Outcome,
    /// From the call of config until prepare was over.
    pub(super) took: Duration,
    /// Scripts by the runner's stages.
    pub(super) scripts: Vec<(&'static str, Outcome)>,
    pub(super) cleanup: Outcome,
    /// From the time when AWS named the task until AWS described it, and how often it did not.
    pub(super) missing: Option<(Duration, usize)>,
    /// The task, as AWS showed it last before cleanup, and in its end.
    pub(super) running: Option<Task>,
    pub(super) stopped: Option<Task>,
    /// The tags of the task, or why AWS shows none.
    pub(super) tags: Option<Result<Vec<(String, String)>, String>>,
    /// The numbers of the files `/etc/hosts`, of the helper and of the job's container.
    pub(super) hosts_files: Vec<String>,
    /// Whether a program ran from a volume of the task.
    pub(super) volume_runs_programs: Option<bool>,
    /// Whether a variable that ECS gives to containers was in a script.
    pub(super) has_environment: Option<bool>,
    /// The end of the pulls, and the begin of the first container, as the task's metadata has them.
    pub(super) pulls: Option<(String, String)>,
}
