//! The order of a job's calls: attempts, stages, and cleanup in any case.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::cancellation::Cancellation;
use crate::error::Error;
use crate::job_log::JobLog;
use crate::runner::attempt::Attempt;
use crate::runner::cache_folder::CacheFolder;
use crate::runner::driver::{ConfigReply, Driver};
use crate::runner::failure::JobFailure;
use crate::runner::job_files::JobArtifacts;
use crate::runner::job_variables::BuildPaths;
use crate::runner::kept_task::KeptTask;
use crate::runner::limits::Limits;
use crate::runner::received::{JobStatus, ReceivedJob};
use crate::runner::stages::{Prepared, Stages};
use crate::variables::Variables;

const ATTEMPTS: u32 = 3;

/// The pause after a failed attempt, after the last one too.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

/// A job, and what a runner needs to run it.
#[derive(Debug, Clone, Copy)]
pub struct JobRun<'a> {
    /// The driver to call.
    pub driver: &'a Driver,
    /// The job.
    pub job: &'a ReceivedJob,
    /// A private folder of this run alone. The caller removes it, unless it [leaves](KeptTask::leave) a kept task: then
    /// the program that stops the task removes it.
    pub folder: &'a Path,
    /// `builds_dir` of the runner; a driver's `config` may name another.
    pub builds_dir: &'a str,
    /// Leave the job's environment running.
    pub keep: bool,
    /// Where caches are kept; without it, jobs have none.
    pub cache_folder: Option<&'a CacheFolder>,
    /// Requests to cancel the job.
    pub cancellation: &'a Cancellation,
}

/// The end of a job.
#[derive(Debug)]
pub struct JobEnd<'a> {
    /// The job's result, which the log has shown.
    pub result: Result<(), JobFailure>,
    /// What the job has left for later jobs.
    pub artifacts: JobArtifacts,
    /// The job's environment, where it was to be kept and there is one.
    pub kept: Option<KeptTask<'a>>,
}

impl<'a> JobRun<'a> {
    /// Runs the job to its end, and shows the result in the log.
    ///
    /// # Errors
    ///
    /// When the job cannot even be tried. A job that fails is no error.
    pub async fn run(self, log: &mut JobLog) -> Result<JobEnd<'a>, Error> {
        let timeout = self.job.definition.timeout;
        let sequence = Sequence {
            run: self,
            limits: Limits {
                cancellation: self.cancellation,
                deadline: Instant::now() + timeout,
                timeout,
            },
        };
        let end = sequence.run(log).await?;
        match &end.result {
            Ok(()) => log.success("Job succeeded").await,
            Err(JobFailure::System(reason)) => {
                log.error(&format!("Job failed (system failure): {reason}"))
                    .await;
            }
            Err(failure) => log.error(&format!("Job failed: {failure}")).await,
        }
        Ok(end)
    }
}

/// A job on its way through the stages.
#[derive(Debug)]
struct Sequence<'a> {
    run: JobRun<'a>,
    limits: Limits<'a>,
}

impl<'a> Sequence<'a> {
    async fn run(&self, log: &mut JobLog) -> Result<JobEnd<'a>, Error> {
        let prepared = match self.prepare(log).await? {
            Ok(prepared) => prepared,
            Err(failure) => {
                return Ok(JobEnd {
                    result: Err(failure),
                    artifacts: JobArtifacts::default(),
                    kept: None,
                });
            }
        };
        let mut stages = Stages {
            job: self.run.job,
            prepared: &prepared,
            limits: self.limits,
            cache_folder: self.run.cache_folder,
            status: JobStatus::Running,
            kept: JobArtifacts::default(),
        };
        let result = stages.run(log).await;
        let (status, artifacts) = (stages.status, stages.kept);
        let variables = self.run.job.variables(&prepared.paths, status);
        let attempt = prepared.attempt;
        if self.run.keep {
            log.end_section().await;
            let kept = Some(KeptTask {
                attempt,
                run_folder: self.run.folder,
                variables,
                canceled: result == Err(JobFailure::Canceled),
            });
            return Ok(JobEnd {
                result,
                artifacts,
                kept,
            });
        }
        self.cleanup(log, &attempt, &variables).await;
        Ok(JobEnd {
            result,
            artifacts,
            kept: None,
        })
    }

    /// Up to three attempts, with a cleanup after each that failed.
    async fn prepare(&self, log: &mut JobLog) -> Result<Result<Prepared<'a>, JobFailure>, Error> {
        let mut paths = BuildPaths::default();
        let mut attempts_left = ATTEMPTS;
        loop {
            log.section("Preparing the \"custom\" executor").await;
            let JobRun {
                driver,
                job,
                cancellation,
                folder,
                ..
            } = self.run;
            let mut attempt = Attempt::new(driver, job, cancellation, folder)?;
            let failure = match self.attempt(log, &mut attempt, &mut paths).await {
                Ok(reply) => {
                    return Ok(Ok(Prepared {
                        attempt,
                        reply,
                        paths,
                    }));
                }
                Err(failure) => failure,
            };
            let variables = self.run.job.variables(&paths, JobStatus::Running);
            self.cleanup(log, &attempt, &variables).await;
            let JobFailure::System(reason) = &failure else {
                return Ok(Err(failure));
            };
            log.error(&format!("Preparation failed: {reason}")).await;
            attempts_left -= 1;
            if attempts_left > 0 {
                log.plain("Will be retried in 3s ...").await;
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                reason = self.limits.interruption() => return Ok(Err(reason)),
            }
            if attempts_left == 0 {
                return Ok(Err(failure));
            }
        }
    }

    /// Calls `config` and `prepare`. `paths` become known in between, and stay known to the next attempt.
    async fn attempt(
        &self,
        log: &mut JobLog,
        attempt: &mut Attempt<'a>,
        paths: &mut BuildPaths,
    ) -> Result<ConfigReply, JobFailure> {
        let variables = self.run.job.variables(paths, JobStatus::Running);
        let reply = attempt
            .config(log, &variables, self.limits.interruption())
            .await?;
        let driver = format!("{} {}", reply.driver.name, reply.driver.version);
        log.plain(&match driver.trim() {
            "" => "Using Custom executor...".to_owned(),
            driver => format!("Using Custom executor with driver {driver}..."),
        })
        .await;
        let builds = reply.builds_dir.as_deref().unwrap_or(self.run.builds_dir);
        *paths = self.run.job.paths(builds)?;
        let variables = self.run.job.variables(paths, JobStatus::Running);
        attempt
            .prepare(log, &variables, self.limits.interruption())
            .await?;
        Ok(reply)
    }

    async fn cleanup(&self, log: &mut JobLog, attempt: &Attempt<'a>, variables: &Variables) {
        log.section("Cleaning up the task (a runner has this in its own log, not in the job's)")
            .await;
        if let Err(failure) = attempt.cleanup(log, variables).await {
            log.warning(&format!("Cleanup script failed: {failure}"))
                .await;
        }
        log.end_section().await;
    }
}

#[cfg(test)]
mod tests;
