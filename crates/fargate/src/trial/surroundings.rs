//! Where the jobs of a trial run, and with what.

use std::path::PathBuf;

use gitlab_local::{
    CacheFolder, Cancellation, Driver, JobLog, JobRun, Plan, PlanRun, Project, ReceivedJob,
};

use crate::cli::Try;
use crate::error::{Error, Result};
use crate::signals::Shutdown;

use super::blame::{blamed, from_gitlab};
use super::folder::TrialFolder;
use super::wanted::RUNNER;

/// Where the job's task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskLocation {
    /// In the account that the configuration names.
    Aws,
    /// On this machine, without any walls.
    Processes,
    /// On this machine, in containers.
    Containers,
}

/// What all jobs of a trial have in common.
pub(super) struct Surroundings<'a> {
    pub(super) location: TaskLocation,
    /// The folder of the trial.
    pub(super) folder: &'a TrialFolder,
    pub(super) driver: Driver,
    pub(super) builds_dir: String,
    /// Folders of this machine that tasks write to: each job finds them empty.
    pub(super) task_folders: Vec<PathBuf>,
    pub(super) cache_folder: Option<CacheFolder>,
    pub(super) cancellation: Cancellation,
    pub(super) shutdown: &'a Shutdown,
}

impl Surroundings<'_> {
    /// Runs the job and, where its task is kept, says how to use it.
    ///
    /// # Errors
    ///
    /// Without a message when the job failed, because the log has shown why.
    pub(super) async fn run_job(
        &self,
        job: &ReceivedJob,
        keep: bool,
        log: &mut JobLog,
    ) -> Result<()> {
        explain_job(log, job).await;
        let run = JobRun {
            driver: &self.driver,
            job,
            folder: self.folder.path(),
            builds_dir: &self.builds_dir,
            keep,
            cache_folder: self.cache_folder.as_ref(),
            cancellation: &self.cancellation,
        };
        let end = run.run(log).await.map_err(from_gitlab)?;
        if let Some(kept) = end.kept {
            kept.explain(log).await.map_err(from_gitlab)?;
            match self.location {
                TaskLocation::Aws => {
                    self.folder.keep().map_err(|error| {
                        Error::system(format!("could not keep the folder of the trial: {error}"))
                    })?;
                    kept.leave();
                }
                TaskLocation::Processes | TaskLocation::Containers => {
                    kept.stop_on_request(log, &self.cancellation).await;
                }
            }
        }
        blamed(end.result, self.shutdown).await
    }

    /// Runs the jobs of a plan.
    ///
    /// # Errors
    ///
    /// Without a message when a job failed, because the log has shown why.
    pub(super) async fn run_plan(
        &self,
        plan: &Plan,
        project: &Project,
        request: &Try,
        log: &mut JobLog,
    ) -> Result<()> {
        let fixed = request.variables.iter().map(|(key, _)| key.as_str());
        let fixed: Vec<&str> = fixed.collect();
        let run = PlanRun {
            driver: &self.driver,
            plan,
            project,
            runner: RUNNER,
            folder: self.folder.path(),
            builds_dir: &self.builds_dir,
            emptied: &self.task_folders,
            cache_folder: self.cache_folder.as_ref(),
            fixed_variables: &fixed,
            cancellation: &self.cancellation,
        };
        let result = run.run(log).await.map_err(from_gitlab)?;
        blamed(result, self.shutdown).await
    }
}

/// Says whether GitLab would run the job, and which parts of its definition have no effect.
async fn explain_job(log: &mut JobLog, job: &ReceivedJob) {
    let definition = job.definition();
    match definition.decision() {
        Some(decision) if definition.when() == "never" => {
            log.warning(&format!("{decision}. It runs here because you named it."))
                .await;
        }
        Some(decision) => log.plain(&decision).await,
        None => (),
    }
    if let Some(needs) = definition.needs().filter(|needs| !needs.is_empty()) {
        let needs = needs.join(", ");
        let hint = format!(
            "job {} needs {needs}; --needs runs that first",
            definition.name()
        );
        log.warning(&hint).await;
    }
    // The summary of keywords, which is the last of the definition's, comes at the end.
    for warning in job.warnings().iter().chain(definition.warnings()) {
        log.warning(warning).await;
    }
}
