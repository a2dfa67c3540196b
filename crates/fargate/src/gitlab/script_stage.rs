//! The stages of GitLab Runner whose scripts `custom run` gets, and where each of them runs.

/// Where a script of the job runs in JobImage mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunsIn {
    /// In the job's image: what the job's author wrote.
    JobContainer,
    /// In the helper image: git, cache and artifacts.
    Helper,
}

impl RunsIn {
    /// The side of the runner's stage of this name. The runner calls the job's script `build_script`, and says
    /// that it will be `step_script`.
    pub(crate) fn of(stage: &str) -> Self {
        if matches!(stage, "build_script" | "after_script") || stage.starts_with("step_") {
            Self::JobContainer
        } else {
            Self::Helper
        }
    }
}

/// Whether the runner's stage is the job's own script, the first on the build side.
pub(crate) fn is_job_script(stage: &str) -> bool {
    matches!(stage, "build_script" | "step_script")
}

/// Whether a script's failure in this stage fails the job. GitLab Runner passes over those that follow the job's script
/// however it ended; a job that sets AFTER_SCRIPT_IGNORE_ERRORS to false is not told apart.
pub(crate) fn fails_job(stage: &str) -> bool {
    !(stage == "after_script"
        || stage.starts_with("archive_cache")
        || stage == "cleanup_file_variables")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_author_wrote_runs_in_the_jobs_image() {
        for stage in [
            "build_script",
            "step_script",
            "step_release",
            "after_script",
        ] {
            assert_eq!(RunsIn::of(stage), RunsIn::JobContainer, "{stage}");
        }
        for stage in [
            "prepare_script",
            "get_sources",
            "clear_worktree",
            "restore_cache",
            "download_artifacts",
            "archive_cache_on_failure",
            "upload_artifacts_on_success",
            "cleanup_file_variables",
            "something_new",
        ] {
            assert_eq!(RunsIn::of(stage), RunsIn::Helper, "{stage}");
        }
    }
}
