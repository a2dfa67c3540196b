//! The order of a job's calls: attempts, stages, and cleanup in any case.
//!
//! This is GitLab Runner 19.4's custom executor, step by step; where the runner behaves in a way that looks
//! odd (a pause after the third attempt, no after_script after a timeout), so does this.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Result;
use crate::signals::Shutdown;

use super::attempt::{Answer, Attempt, Driver};
use super::failure::Failure;
use super::keep::Kept;
use super::log::Log;
use super::plan::{Plan, Status};
use super::predefined::Paths;
use super::script::Scripts;
use super::variables::Variables;

const ATTEMPTS: u32 = 3;

/// The pause after a failed attempt, after the last one too.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

/// GitLab's limit for an after_script.
pub(super) const AFTER_SCRIPT_TIMEOUT: Duration = Duration::from_secs(300);

/// A job on its way through the stages.
#[derive(Debug)]
pub(super) struct Sequence<'a> {
    pub(super) driver: &'a Driver,
    pub(super) plan: &'a Plan,
    pub(super) stop: &'a Shutdown,
    /// Where tasks have their builds and caches unless the driver says otherwise.
    pub(super) builds_dir: &'a str,
    pub(super) keep: bool,
    /// When the job's timeout is over.
    pub(super) deadline: Instant,
}

/// An attempt that is ready for scripts.
struct Prepared<'a> {
    attempt: Attempt<'a>,
    answer: Answer,
    paths: Paths,
}

impl<'a> Sequence<'a> {
    /// Runs the job to its end. The task, if it was asked for and there is one, is kept.
    ///
    /// # Errors
    ///
    /// When not even a private folder can be made.
    pub(super) async fn run(
        &self,
        log: &mut Log,
    ) -> Result<(Result<(), Failure>, Option<Kept<'a>>)> {
        let prepared = match self.prepare(log).await? {
            Ok(prepared) => prepared,
            Err(failure) => return Ok((Err(failure), None)),
        };
        let mut status = Status::Running;
        let result = self.stages(log, &prepared, &mut status).await;
        let variables = self.plan.variables(&prepared.paths, status);
        let attempt = prepared.attempt;
        if self.keep {
            log.end_section().await;
            let kept = Kept {
                attempt,
                variables,
                canceled: result == Err(Failure::Canceled),
            };
            return Ok((result, Some(kept)));
        }
        self.cleanup(log, &attempt, &variables).await;
        Ok((result, None))
    }

    /// Up to three attempts, with a cleanup after each that failed.
    async fn prepare(&self, log: &mut Log) -> Result<Result<Prepared<'a>, Failure>> {
        let mut paths = Paths::default();
        let mut attempts_left = ATTEMPTS;
        loop {
            log.section("Preparing the \"custom\" executor").await;
            let mut attempt = Attempt::new(self.driver, self.plan, self.stop)?;
            let failure = match self.attempt(log, &mut attempt, &mut paths).await {
                Ok(answer) => {
                    return Ok(Ok(Prepared {
                        attempt,
                        answer,
                        paths,
                    }));
                }
                Err(failure) => failure,
            };
            let variables = self.plan.variables(&paths, Status::Running);
            self.cleanup(log, &attempt, &variables).await;
            let Failure::System(why) = &failure else {
                return Ok(Err(failure));
            };
            log.error(&format!("Preparation failed: {why}")).await;
            attempts_left -= 1;
            if attempts_left > 0 {
                log.plain("Will be retried in 3s ...").await;
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                why = self.interruption() => return Ok(Err(why)),
            }
            if attempts_left == 0 {
                return Ok(Err(failure));
            }
        }
    }

    /// `paths` become known in the midst of it, and stay so for the next attempt.
    async fn attempt(
        &self,
        log: &mut Log,
        attempt: &mut Attempt<'a>,
        paths: &mut Paths,
    ) -> Result<Answer, Failure> {
        let variables = self.plan.variables(paths, Status::Running);
        let answer = attempt.config(log, &variables, self.interruption()).await?;
        let driver = format!("{} {}", answer.driver.name, answer.driver.version);
        log.plain(&match driver.trim() {
            "" => "Using Custom executor...".to_owned(),
            driver => format!("Using Custom executor with driver {driver}..."),
        })
        .await;
        let builds = answer.builds_dir.as_deref().unwrap_or(self.builds_dir);
        *paths = Paths {
            project: format!("{builds}/{}", self.plan.project),
            builds: builds.to_owned(),
        };
        let variables = self.plan.variables(paths, Status::Running);
        attempt
            .prepare(log, &variables, self.interruption())
            .await?;
        Ok(answer)
    }

    /// The scripts, from `prepare_script` to `cleanup_file_variables`.
    async fn stages(
        &self,
        log: &mut Log,
        prepared: &Prepared<'a>,
        status: &mut Status,
    ) -> Result<(), Failure> {
        log.section("Preparing environment").await;
        let hostname = prepared.answer.hostname.clone().unwrap_or_default();
        let script = |scripts: &Scripts<'_>| scripts.prepare(&hostname);
        let name = "prepare_script";
        self.stage(log, prepared, name, *status, script, self.interruption())
            .await
            .map_err(|failure| failure.while_doing("prepare environment"))?;

        log.section("Getting the sources").await;
        let script = |scripts: &Scripts<'_>| scripts.get_sources(self.plan.sources.as_deref());
        let name = "get_sources";
        let mut result = self
            .stage(log, prepared, name, *status, script, self.interruption())
            .await;
        if result.is_ok() {
            result = self.user_scripts(log, prepared, status).await;
        }
        match &result {
            Err(Failure::TimedOut(_)) => return result,
            // Before the user's scripts nothing but cleanup follows.
            Err(Failure::Canceled) if *status == Status::Running => return result,
            _ => {}
        }
        log.section("Cleaning up project directory and file based variables")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.cleanup_file_variables();
        let name = "cleanup_file_variables";
        let last = self
            .stage(log, prepared, name, *status, script, self.insisted())
            .await;
        if let Err(failure) = last {
            log.warning(&format!("cleaning up file variables failed: {failure}"))
                .await;
        }
        result
    }

    /// `build_script`, and `after_script` whatever became of it.
    async fn user_scripts(
        &self,
        log: &mut Log,
        prepared: &Prepared<'a>,
        status: &mut Status,
    ) -> Result<(), Failure> {
        log.section("Executing \"step_script\" stage of the job script")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.build(&self.plan.job.script);
        let name = "build_script";
        let result = self
            .stage(log, prepared, name, *status, script, self.interruption())
            .await;
        *status = match &result {
            Ok(()) => Status::Success,
            Err(Failure::Canceled) => Status::Canceled,
            Err(Failure::TimedOut(_)) => return result,
            Err(_) => Status::Failed,
        };
        if self.plan.job.after_script.is_empty() {
            return result;
        }
        log.section("Running after_script").await;
        let script = |scripts: &Scripts<'_>| scripts.after(&self.plan.job.after_script);
        let limited = async {
            tokio::select! {
                biased;
                why = self.insisted() => why,
                () = tokio::time::sleep(AFTER_SCRIPT_TIMEOUT) => Failure::TimedOut(AFTER_SCRIPT_TIMEOUT),
            }
        };
        let after = self
            .stage(log, prepared, "after_script", *status, script, limited)
            .await;
        match after {
            Ok(()) => result,
            Err(_) if Instant::now() >= self.deadline => {
                result.and(Err(Failure::TimedOut(self.plan.job.timeout)))
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
        log: &mut Log,
        prepared: &Prepared<'a>,
        name: &str,
        status: Status,
        script: impl Fn(&Scripts<'_>) -> String,
        interrupt: impl Future<Output = Failure>,
    ) -> Result<(), Failure> {
        let variables = self.plan.variables(&prepared.paths, status);
        let scripts = Scripts {
            shell: prepared.answer.shell.as_deref().unwrap_or("bash"),
            project: &prepared.paths.project,
            variables: &variables,
            colour: log.colour(),
        };
        let text = script(&scripts);
        let attempt = &prepared.attempt;
        attempt.run(log, &variables, (name, &text), interrupt).await
    }

    async fn cleanup(&self, log: &mut Log, attempt: &Attempt<'a>, variables: &Variables) {
        log.section("Cleaning up the task (a runner has this in its own log, not in the job's)")
            .await;
        if let Err(failure) = attempt.cleanup(log, variables).await {
            log.warning(&format!("Cleanup script failed: {failure}"))
                .await;
        }
        log.end_section().await;
    }

    /// The job is to stop: the person said so, or its time is over.
    async fn interruption(&self) -> Failure {
        self.interrupted_by(self.stop.requested()).await
    }

    /// As [`Self::interruption`], after the user's script: then only a second word of the person counts.
    async fn insisted(&self) -> Failure {
        self.interrupted_by(self.stop.insisted()).await
    }

    async fn interrupted_by(&self, told: impl Future) -> Failure {
        tokio::select! {
            biased;
            _ = told => Failure::Canceled,
            () = tokio::time::sleep_until(self.deadline) => Failure::TimedOut(self.plan.job.timeout),
        }
    }
}

#[cfg(test)]
mod tests;
