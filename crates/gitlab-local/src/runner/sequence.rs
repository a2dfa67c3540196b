//! The order of a job's calls: attempts, stages, and cleanup in any case.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::cancellation::Cancellation;
use crate::error::Error;
use crate::job_log::JobLog;
use crate::runner::attempt::Attempt;
use crate::runner::driver::{ConfigReply, Driver};
use crate::runner::failure::JobFailure;
use crate::runner::job_variables::BuildPaths;
use crate::runner::kept_task::KeptTask;
use crate::runner::received::{JobStatus, ReceivedJob};
use crate::script::{Script, Scripts};
use crate::server::AFTER_SCRIPT_TIMEOUT;
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
    /// Requests to cancel the job.
    pub cancellation: &'a Cancellation,
}

/// The end of a job.
#[derive(Debug)]
pub struct JobEnd<'a> {
    /// The job's result, which the log has shown.
    pub result: Result<(), JobFailure>,
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
            deadline: Instant::now() + timeout,
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
    /// The end of the job's timeout.
    deadline: Instant,
}

/// An attempt that is ready for scripts.
struct Prepared<'a> {
    attempt: Attempt<'a>,
    reply: ConfigReply,
    paths: BuildPaths,
}

impl<'a> Sequence<'a> {
    async fn run(&self, log: &mut JobLog) -> Result<JobEnd<'a>, Error> {
        let prepared = match self.prepare(log).await? {
            Ok(prepared) => prepared,
            Err(failure) => {
                return Ok(JobEnd {
                    result: Err(failure),
                    kept: None,
                });
            }
        };
        let mut status = JobStatus::Running;
        let result = self.stages(log, &prepared, &mut status).await;
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
            return Ok(JobEnd { result, kept });
        }
        self.cleanup(log, &attempt, &variables).await;
        Ok(JobEnd { result, kept: None })
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
                reason = self.interruption() => return Ok(Err(reason)),
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
        let reply = attempt.config(log, &variables, self.interruption()).await?;
        let driver = format!("{} {}", reply.driver.name, reply.driver.version);
        log.plain(&match driver.trim() {
            "" => "Using Custom executor...".to_owned(),
            driver => format!("Using Custom executor with driver {driver}..."),
        })
        .await;
        let builds = reply.builds_dir.as_deref().unwrap_or(self.run.builds_dir);
        *paths = BuildPaths {
            project: format!("{builds}/{}", self.run.job.project),
            builds: builds.to_owned(),
        };
        let variables = self.run.job.variables(paths, JobStatus::Running);
        attempt
            .prepare(log, &variables, self.interruption())
            .await?;
        Ok(reply)
    }

    /// The scripts, from `prepare_script` to `cleanup_file_variables`.
    async fn stages(
        &self,
        log: &mut JobLog,
        prepared: &Prepared<'a>,
        status: &mut JobStatus,
    ) -> Result<(), JobFailure> {
        log.section("Preparing environment").await;
        let hostname = prepared.reply.hostname.clone().unwrap_or_default();
        let script = |scripts: &Scripts<'_>| scripts.prepare(&hostname);
        let name = "prepare_script";
        self.stage(log, prepared, name, *status, script, self.interruption())
            .await
            .map_err(|failure| failure.context("prepare environment"))?;

        log.section("Getting the sources").await;
        let script = |scripts: &Scripts<'_>| scripts.get_sources(self.run.job.sources.as_ref());
        let name = "get_sources";
        let mut result = self
            .stage(log, prepared, name, *status, script, self.interruption())
            .await;
        if result.is_ok() {
            result = self.user_scripts(log, prepared, status).await;
        }
        match &result {
            Err(JobFailure::TimedOut(_)) => return result,
            // Before the user's scripts nothing but cleanup follows.
            Err(JobFailure::Canceled) if *status == JobStatus::Running => return result,
            _ => {}
        }
        log.section("Cleaning up project directory and file based variables")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.cleanup_file_variables();
        let name = "cleanup_file_variables";
        let last = self
            .stage(log, prepared, name, *status, script, self.abort())
            .await;
        if let Err(failure) = last {
            log.warning(&format!("cleaning up file variables failed: {failure}"))
                .await;
        }
        result
    }

    /// `build_script`, and `after_script` also when it failed.
    async fn user_scripts(
        &self,
        log: &mut JobLog,
        prepared: &Prepared<'a>,
        status: &mut JobStatus,
    ) -> Result<(), JobFailure> {
        log.section("Executing \"step_script\" stage of the job script")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.build(&self.run.job.definition.script);
        let name = "build_script";
        let result = self
            .stage(log, prepared, name, *status, script, self.interruption())
            .await;
        *status = match &result {
            Ok(()) => JobStatus::Success,
            Err(JobFailure::Canceled) => JobStatus::Canceled,
            Err(JobFailure::TimedOut(_)) => return result,
            Err(_) => JobStatus::Failed,
        };
        if self.run.job.definition.after_script.is_empty() {
            return result;
        }
        log.section("Running after_script").await;
        let script = |scripts: &Scripts<'_>| scripts.after(&self.run.job.definition.after_script);
        let limited = async {
            tokio::select! {
                biased;
                reason = self.abort() => reason,
                () = tokio::time::sleep(AFTER_SCRIPT_TIMEOUT) => JobFailure::TimedOut(AFTER_SCRIPT_TIMEOUT),
            }
        };
        let after = self
            .stage(log, prepared, "after_script", *status, script, limited)
            .await;
        match after {
            Ok(()) => result,
            Err(_) if Instant::now() >= self.deadline => {
                result.and(Err(JobFailure::TimedOut(self.run.job.definition.timeout)))
            }
            Err(failure) => {
                log.warning(&format!(
                    "after_script failed, but job will continue unaffected: {failure}"
                ))
                .await;
                result
            }
        }
    }

    async fn stage(
        &self,
        log: &mut JobLog,
        prepared: &Prepared<'a>,
        name: &str,
        status: JobStatus,
        script: impl Fn(&Scripts<'_>) -> Script<'a>,
        interrupt: impl Future<Output = JobFailure>,
    ) -> Result<(), JobFailure> {
        let variables = self.run.job.variables(&prepared.paths, status);
        let scripts = Scripts {
            shell: prepared.reply.shell.as_deref().unwrap_or("bash"),
            project: &prepared.paths.project,
            variables: &variables,
            colour: log.colour(),
        };
        let script = script(&scripts);
        let attempt = &prepared.attempt;
        attempt
            .run(log, &variables, (name, &script), interrupt)
            .await
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

    /// Returns when the job is cancelled, or its time is over.
    async fn interruption(&self) -> JobFailure {
        self.interrupted_by(self.run.cancellation.canceling()).await
    }

    /// As [`Self::interruption`], after the user's script: then only a second request counts.
    async fn abort(&self) -> JobFailure {
        self.interrupted_by(self.run.cancellation.aborted()).await
    }

    async fn interrupted_by(&self, request: impl Future) -> JobFailure {
        tokio::select! {
            biased;
            _ = request => JobFailure::Canceled,
            () = tokio::time::sleep_until(self.deadline) => JobFailure::TimedOut(self.run.job.definition.timeout),
        }
    }
}

#[cfg(test)]
mod tests;
