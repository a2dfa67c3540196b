//! The order of a job's calls: attempts, stages, and cleanup in any case.
//!
//! This is GitLab Runner 19.4's custom executor, step by step; where the runner behaves in a way that looks
//! odd (a pause after the third attempt, no after_script after a timeout), so does this.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Result;
use crate::stop::Stop;

use super::attempt::{Answer, Attempt, Driver, Finished};
use super::duration;
use super::keep::Kept;
use super::log::Log;
use super::outcome::Outcome;
use super::plan::{Plan, Status};
use super::predefined::Paths;
use super::response::AFTER_SCRIPT_TIMEOUT;
use super::script::{Scripts, Sources};
use super::variables::Variables;

const ATTEMPTS: u32 = 3;

/// The pause after a failed attempt, after the last one too.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

/// Why a job did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The script, or the driver on the job's account, with this code.
    Build(i64),
    /// Anything else.
    System(String),
    /// The person stopped it.
    Canceled,
    /// The job's timeout, this one, is over.
    TimedOut(Duration),
    /// This limit of the user's script is over.
    StageTimedOut(Duration),
}

/// Why a call was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    Canceled,
    /// The job's timeout is over.
    TimedOut(Duration),
    /// Only this stage's time is over.
    StageTimedOut(Duration),
}

/// A job on its way through the stages.
#[derive(Debug)]
pub(super) struct Sequence<'a> {
    pub(super) driver: &'a Driver,
    pub(super) plan: &'a Plan,
    pub(super) stop: &'a Stop,
    /// Where tasks have their builds and caches unless the driver says otherwise.
    pub(super) builds_dir: &'a str,
    pub(super) keep: bool,
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
        let deadline = Instant::now() + self.plan.job.timeout;
        let prepared = match self.prepare(log, deadline).await? {
            Ok(prepared) => prepared,
            Err(failure) => return Ok((Err(failure), None)),
        };
        let mut status = Status::Running;
        let result = self.stages(log, &prepared, deadline, &mut status).await;
        let Prepared { attempt, paths, .. } = prepared;
        let variables = self.plan.variables(&paths, status);
        if self.keep {
            log.end_section().await;
            let canceled = result == Err(Failure::Canceled);
            return Ok((
                result,
                Some(Kept {
                    attempt,
                    variables,
                    canceled,
                }),
            ));
        }
        self.cleanup(log, &attempt, &variables).await;
        Ok((result, None))
    }

    /// Up to three attempts, with a cleanup after each that failed.
    async fn prepare(
        &self,
        log: &mut Log,
        deadline: Instant,
    ) -> Result<Result<Prepared<'a>, Failure>> {
        log.section("Preparing the \"custom\" executor").await;
        let mut paths = Paths::default();
        let mut last = Failure::Canceled;
        for attempt_left in (0..ATTEMPTS).rev() {
            let mut attempt = Attempt::new(self.driver, self.plan, self.stop)?;
            let (failure, known) = match self.attempt(log, &mut attempt, paths, deadline).await {
                (Ok(answer), paths) => {
                    return Ok(Ok(Prepared {
                        attempt,
                        answer,
                        paths,
                    }));
                }
                (Err(failure), paths) => (failure, paths),
            };
            paths = known;
            self.cleanup(log, &attempt, &self.plan.variables(&paths, Status::Running))
                .await;
            let Failure::System(why) = &failure else {
                return Ok(Err(failure));
            };
            log.error(&format!("Preparation failed: {why}")).await;
            if attempt_left > 0 {
                log.plain("Will be retried in 3s ...").await;
            }
            last = failure;
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                why = self.interruption(deadline) => return Ok(Err(why.into())),
            }
            if attempt_left > 0 {
                log.section("Preparing the \"custom\" executor").await;
            }
        }
        Ok(Err(last))
    }

    async fn attempt(
        &self,
        log: &mut Log,
        attempt: &mut Attempt<'a>,
        paths: Paths,
        deadline: Instant,
    ) -> (Result<Answer, Failure>, Paths) {
        let variables = self.plan.variables(&paths, Status::Running);
        let (finished, answer) = attempt
            .config(log, &variables, self.interruption(deadline))
            .await;
        if let Err(failure) = judge(finished) {
            return (Err(failure), paths);
        }
        let driver = answer.driver.clone().unwrap_or_default();
        let named: Vec<String> = [driver.name, driver.version]
            .into_iter()
            .flatten()
            .collect();
        log.plain(&match named.is_empty() {
            true => "Using Custom executor...".to_owned(),
            false => format!("Using Custom executor with driver {}...", named.join(" ")),
        })
        .await;
        if let Some(shell) = answer
            .shell
            .as_deref()
            .filter(|shell| !["", "bash", "sh"].contains(shell))
        {
            return (
                Err(Failure::System(format!("shell {shell} not found"))),
                paths,
            );
        }
        let paths = self.paths(&answer);
        let variables = self.plan.variables(&paths, Status::Running);
        let finished = attempt
            .prepare(log, &variables, self.interruption(deadline))
            .await;
        (judge(finished).map(|()| answer), paths)
    }

    fn paths(&self, answer: &Answer) -> Paths {
        let given = answer
            .builds_dir
            .as_deref()
            .filter(|folder| !folder.is_empty());
        let builds = given
            .unwrap_or(self.builds_dir)
            .trim_end_matches('/')
            .to_owned();
        let shared = match answer.builds_dir_is_shared {
            Some(true) => format!("/{}/0", super::predefined::SHORT_TOKEN),
            _ => String::new(),
        };
        let empty = if self.plan.sources == Sources::Empty {
            "-empty"
        } else {
            ""
        };
        Paths {
            project: format!("{builds}{shared}/{}{empty}", self.plan.project),
            builds,
        }
    }

    /// The scripts, from `prepare_script` to `cleanup_file_variables`.
    async fn stages(
        &self,
        log: &mut Log,
        prepared: &Prepared<'a>,
        deadline: Instant,
        status: &mut Status,
    ) -> Result<(), Failure> {
        log.section("Preparing environment").await;
        let hostname = prepared.answer.hostname.clone().unwrap_or_default();
        let script = |scripts: &Scripts<'_>| scripts.prepare(&hostname);
        judge(
            self.stage(
                log,
                prepared,
                "prepare_script",
                *status,
                script,
                self.interruption(deadline),
            )
            .await,
        )
        .map_err(|failure| failure.while_doing("prepare environment"))?;

        log.section("Getting the sources").await;
        let script = |scripts: &Scripts<'_>| scripts.get_sources(&self.plan.sources);
        let result = judge(
            self.stage(
                log,
                prepared,
                "get_sources",
                *status,
                script,
                self.interruption(deadline),
            )
            .await,
        );
        let result = match result {
            Ok(()) => self.user_scripts(log, prepared, deadline, status).await,
            Err(failure) => Err(failure),
        };
        match &result {
            Err(Failure::TimedOut(_)) => return result,
            // Before the user's scripts nothing but cleanup follows.
            Err(Failure::Canceled) if *status == Status::Running => return result,
            _ => {}
        }
        log.section("Cleaning up project directory and file based variables")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.cleanup_file_variables();
        let last = self
            .stage(
                log,
                prepared,
                "cleanup_file_variables",
                *status,
                script,
                self.insisted(deadline),
            )
            .await;
        match judge(last) {
            Err(Failure::TimedOut(limit)) => result.and(Err(Failure::TimedOut(limit))),
            Err(failure) => {
                log.warning(&format!("cleaning up file variables failed: {failure}"))
                    .await;
                result
            }
            Ok(()) => result,
        }
    }

    /// `build_script`, and `after_script` whatever became of it.
    async fn user_scripts(
        &self,
        log: &mut Log,
        prepared: &Prepared<'a>,
        deadline: Instant,
        status: &mut Status,
    ) -> Result<(), Failure> {
        log.section("Executing \"step_script\" stage of the job script")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.build(&self.plan.job.script);
        let limit = self.limit("RUNNER_SCRIPT_TIMEOUT", prepared);
        let interrupt = with_limit(self.interruption(deadline), limit);
        let finished = self
            .stage(log, prepared, "build_script", *status, script, interrupt)
            .await;
        let result = judge(finished);
        *status = match &result {
            Ok(()) => Status::Success,
            Err(Failure::Canceled) => Status::Canceled,
            Err(Failure::TimedOut(_)) => return result,
            Err(Failure::StageTimedOut(_)) => Status::TimedOut,
            Err(_) => Status::Failed,
        };
        if self.plan.job.after_script.is_empty() {
            return result;
        }
        log.section("Running after_script").await;
        let script = |scripts: &Scripts<'_>| scripts.after(&self.plan.job.after_script);
        let limit = self.limit("RUNNER_AFTER_SCRIPT_TIMEOUT", prepared);
        let limit = limit.unwrap_or(Duration::from_secs(AFTER_SCRIPT_TIMEOUT));
        let interrupt = with_limit(self.insisted(deadline), Some(limit));
        match judge(
            self.stage(log, prepared, "after_script", *status, script, interrupt)
                .await,
        ) {
            Ok(()) => result,
            Err(Failure::TimedOut(limit)) => result.and(Err(Failure::TimedOut(limit))),
            Err(failure)
                if self
                    .plan
                    .variables(&prepared.paths, *status)
                    .value("AFTER_SCRIPT_IGNORE_ERRORS")
                    == "false" =>
            {
                result.and(Err(failure))
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

    async fn stage<I>(
        &self,
        log: &mut Log,
        prepared: &Prepared<'a>,
        name: &str,
        status: Status,
        script: impl Fn(&Scripts<'_>) -> String,
        interrupt: impl Future<Output = I>,
    ) -> Finished<I> {
        let variables = self.plan.variables(&prepared.paths, status);
        let shell = prepared
            .answer
            .shell
            .as_deref()
            .filter(|shell| !shell.is_empty())
            .unwrap_or("bash");
        let scripts = Scripts {
            shell,
            project: &prepared.paths.project,
            variables: &variables,
            colour: log.colour(),
        };
        let text = script(&scripts);
        prepared
            .attempt
            .run(log, &variables, (name, &text), interrupt)
            .await
    }

    async fn cleanup(&self, log: &mut Log, attempt: &Attempt<'a>, variables: &Variables) {
        log.section("Cleaning up the task (a runner has this in its own log, not in the job's)")
            .await;
        match attempt.cleanup(log, variables).await {
            Outcome::Success => {}
            Outcome::BuildFailure(code) => {
                log.warning(&format!("Cleanup script failed: exit status {code}"))
                    .await
            }
            Outcome::SystemFailure(why) => {
                log.warning(&format!("Cleanup script failed: {why}")).await
            }
        }
        log.end_section().await;
    }

    fn limit(&self, variable: &str, prepared: &Prepared<'a>) -> Option<Duration> {
        duration::parse(
            self.plan
                .variables(&prepared.paths, Status::Running)
                .value(variable),
        )
    }

    /// The job is to stop: the person said so, or its time is over.
    async fn interruption(&self, deadline: Instant) -> Interruption {
        tokio::select! {
            biased;
            _ = self.stop.requested() => Interruption::Canceled,
            () = tokio::time::sleep_until(deadline) => Interruption::TimedOut(self.plan.job.timeout),
        }
    }

    /// As [`Self::interruption`], after the user's script: then only a second word of the person counts.
    async fn insisted(&self, deadline: Instant) -> Interruption {
        tokio::select! {
            biased;
            _ = self.stop.insisted() => Interruption::Canceled,
            () = tokio::time::sleep_until(deadline) => Interruption::TimedOut(self.plan.job.timeout),
        }
    }
}

async fn with_limit(
    interruption: impl Future<Output = Interruption>,
    limit: Option<Duration>,
) -> Interruption {
    let over = async {
        match limit {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                Interruption::StageTimedOut(limit)
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        why = interruption => why,
        why = over => why,
    }
}

/// What a finished call means for the job. One that was told to stop may well have exited with 0, which counts
/// as success of the call; the job is canceled all the same, or its time over.
fn judge(finished: Finished<Interruption>) -> Result<(), Failure> {
    match (finished.interrupted, finished.outcome) {
        (Some(why), _) => Err(why.into()),
        (None, Outcome::Success) => Ok(()),
        (None, Outcome::BuildFailure(code)) => Err(Failure::Build(code)),
        (None, Outcome::SystemFailure(why)) => Err(Failure::System(why)),
    }
}

impl From<Interruption> for Failure {
    fn from(why: Interruption) -> Self {
        match why {
            Interruption::Canceled => Failure::Canceled,
            Interruption::TimedOut(limit) => Failure::TimedOut(limit),
            Interruption::StageTimedOut(limit) => Failure::StageTimedOut(limit),
        }
    }
}

impl Failure {
    fn while_doing(self, what: &str) -> Self {
        match self {
            Failure::System(why) => Failure::System(format!("{what}: {why}")),
            other => other,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Build(code) => write!(f, "exit status {code}"),
            Failure::System(why) => f.write_str(why),
            Failure::Canceled => f.write_str("canceled"),
            Failure::TimedOut(limit) | Failure::StageTimedOut(limit) => {
                write!(f, "execution took longer than {} seconds", limit.as_secs())
            }
        }
    }
}

#[cfg(test)]
mod tests;
