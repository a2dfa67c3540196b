//! The scripts of a job in their order, from `prepare_script` to `cleanup_file_variables`.

use std::time::Duration;

use crate::job_log::JobLog;
use crate::runner::attempt::Attempt;
use crate::runner::cache_folder::CacheFolder;
use crate::runner::driver::ConfigReply;
use crate::runner::failure::JobFailure;
use crate::runner::job_files::JobArtifacts;
use crate::runner::job_variables::BuildPaths;
use crate::runner::limits::{Limits, after};
use crate::runner::received::{JobStatus, ReceivedJob};
use crate::runner::settings;
use crate::script::{Script, Scripts};
use crate::server::AFTER_SCRIPT_TIMEOUT;
use crate::transfer::{Markers, Received};
use crate::variables::Variables;

/// The runner's pauses between tries of a stage: the first and the longest, each twice the one before.
const EXPONENTIAL_PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];
/// The same with `FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY` off.
const SHORT_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// An attempt that is ready for scripts.
pub(crate) struct Prepared<'a> {
    pub(crate) attempt: Attempt<'a>,
    pub(crate) reply: ConfigReply,
    pub(crate) paths: BuildPaths,
}

/// A job on its way through the stages.
pub(crate) struct Stages<'s, 'a> {
    pub(crate) job: &'a ReceivedJob,
    pub(crate) prepared: &'s Prepared<'a>,
    pub(crate) limits: Limits<'a>,
    pub(crate) cache_folder: Option<&'a CacheFolder>,
    pub(crate) status: JobStatus,
    /// What the job leaves for later jobs.
    pub(crate) kept: JobArtifacts,
}

impl<'a> Stages<'_, 'a> {
    /// Runs all of them. The status is the one in the end.
    pub(crate) async fn run(&mut self, log: &mut JobLog) -> Result<(), JobFailure> {
        log.section("Preparing environment").await;
        let hostname = self.prepared.reply.hostname.clone().unwrap_or_default();
        let script = |scripts: &Scripts<'_>| scripts.prepare(&hostname);
        let interruption = self.limits.interruption();
        self.stage(log, "prepare_script", script, interruption)
            .await
            .map_err(|failure| failure.context("prepare environment"))?;

        let mut result = self.files(log).await;
        if result.is_ok() {
            result = self.user_scripts(log).await;
        }
        match &result {
            Err(_) if self.limits.are_over() => return result,
            // Before the user's scripts nothing but cleanup follows.
            Err(JobFailure::Canceled) if self.status == JobStatus::Running => return result,
            _ => {}
        }
        let succeeded = result.is_ok();
        let cached = self.archive_cache(log, succeeded).await;
        let uploaded = self
            .upload_artifacts(log, succeeded && cached.is_ok())
            .await;
        result = result.and(cached).and(uploaded);
        log.section("Cleaning up project directory and file based variables")
            .await;
        let script = |scripts: &Scripts<'_>| scripts.cleanup_file_variables();
        let name = "cleanup_file_variables";
        let last = self.stage(log, name, script, self.limits.abort()).await;
        if let Err(failure) = last {
            log.warning(&format!("cleaning up file variables failed: {failure}"))
                .await;
        }
        result
    }

    /// The files that the job begins with.
    async fn files(&self, log: &mut JobLog) -> Result<(), JobFailure> {
        log.section("Getting the sources").await;
        settings::check_sources(&self.variables())?;
        let hook = &self.job.definition.pre_get_sources_script;
        let script = |scripts: &Scripts<'_>| scripts.get_sources(&self.job.sources, hook);
        self.tried(log, "get_sources", "GET_SOURCES_ATTEMPTS", script)
            .await?;
        self.restore_cache(log).await?;
        self.download_artifacts(log).await
    }

    /// Runs a stage until it succeeds, as often as variable `key` says. `clear_worktree` comes before the second try
    /// of `get_sources`.
    pub(crate) async fn tried<'f>(
        &self,
        log: &mut JobLog,
        name: &str,
        key: &str,
        script: impl Fn(&Scripts<'_>) -> Script<'f>,
    ) -> Result<(), JobFailure> {
        let mut tries = Tries::new(&self.variables(), key);
        loop {
            let interruption = self.limits.interruption();
            let failure = match self.stage(log, name, &script, interruption).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            self.pause(log, name, failure, &mut tries).await?;
            if name == "get_sources" && tries.made == 1 {
                let script = |scripts: &Scripts<'_>| scripts.clear_worktree();
                let interruption = self.limits.interruption();
                self.stage(log, "clear_worktree", script, interruption)
                    .await?;
            }
        }
    }

    /// Waits for the next try of a stage that failed.
    ///
    /// # Errors
    ///
    /// With the failure itself when no try is left.
    async fn pause(
        &self,
        log: &mut JobLog,
        name: &str,
        failure: JobFailure,
        tries: &mut Tries,
    ) -> Result<(), JobFailure> {
        let Some(pause) = tries.pause() else {
            return Err(failure);
        };
        if matches!(failure, JobFailure::Canceled) || self.limits.are_over() {
            return Err(failure);
        }
        let seconds = pause.as_secs();
        log.warning(&format!(
            "{name} failed: {failure}. Next try in {seconds} s"
        ))
        .await;
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            reason = self.limits.interruption() => Err(reason),
        }
    }

    /// `build_script`, and `after_script` also when it failed.
    async fn user_scripts(&mut self, log: &mut JobLog) -> Result<(), JobFailure> {
        log.section("Executing \"step_script\" stage of the job script")
            .await;
        let limit = self.limit(log, "RUNNER_SCRIPT_TIMEOUT", None).await;
        let after_limit = Some(AFTER_SCRIPT_TIMEOUT);
        let after_limit = self
            .limit(log, "RUNNER_AFTER_SCRIPT_TIMEOUT", after_limit)
            .await;
        let script = |scripts: &Scripts<'_>| scripts.build(&self.job.definition.script);
        let interruption = async {
            tokio::select! {
                biased;
                reason = self.limits.interruption() => reason,
                reason = after(limit) => reason,
            }
        };
        let result = self.stage(log, "build_script", script, interruption).await;
        self.status = match &result {
            Ok(()) => JobStatus::Success,
            Err(_) if self.limits.are_over() => return result,
            Err(JobFailure::Canceled) => JobStatus::Canceled,
            Err(JobFailure::TimedOut(_)) => JobStatus::TimedOut,
            Err(_) => JobStatus::Failed,
        };
        self.after_script(log, result, after_limit).await
    }

    async fn after_script(
        &self,
        log: &mut JobLog,
        result: Result<(), JobFailure>,
        limit: Option<Duration>,
    ) -> Result<(), JobFailure> {
        if self.job.definition.after_script.is_empty() {
            return result;
        }
        log.section("Running after_script").await;
        let script = |scripts: &Scripts<'_>| scripts.after(&self.job.definition.after_script);
        let interruption = async {
            tokio::select! {
                biased;
                reason = self.limits.abort() => reason,
                reason = after(limit) => reason,
            }
        };
        let failure = match self.stage(log, "after_script", script, interruption).await {
            Ok(()) => return result,
            Err(_) if self.limits.are_over() => JobFailure::TimedOut(self.limits.timeout),
            Err(failure) if self.variables().switch("AFTER_SCRIPT_IGNORE_ERRORS", true) => {
                log.warning(&format!(
                    "after_script failed, but job will continue unaffected: {failure}"
                ))
                .await;
                return result;
            }
            Err(failure) => failure,
        };
        result.and(Err(failure))
    }

    /// The limit of a script, after a warning where its variable is not followed.
    async fn limit(
        &self,
        log: &mut JobLog,
        key: &str,
        default: Option<Duration>,
    ) -> Option<Duration> {
        let (limit, words) = self.limits.of_script(&self.variables(), key, default);
        if let Some(words) = words {
            log.warning(&words).await;
        }
        limit
    }

    async fn stage<'f>(
        &self,
        log: &mut JobLog,
        name: &str,
        script: impl Fn(&Scripts<'_>) -> Script<'f>,
        interruption: impl Future<Output = JobFailure>,
    ) -> Result<(), JobFailure> {
        let variables = self.variables();
        let script = script(&self.scripts(log, &variables));
        let attempt = &self.prepared.attempt;
        attempt
            .run(log, &variables, (name, &script), interruption)
            .await
    }

    /// Runs a stage whose script prints files, each of at most `limit` bytes, between `markers`.
    pub(crate) async fn received<'f>(
        &self,
        log: &mut JobLog,
        name: &str,
        script: impl Fn(&Scripts<'_>) -> Script<'f>,
        (markers, limit): (&Markers, u64),
    ) -> Result<Vec<Received>, JobFailure> {
        let variables = self.variables();
        let script = script(&self.scripts(log, &variables));
        let files = (markers.clone(), limit);
        let attempt = &self.prepared.attempt;
        attempt
            .receive(log, &variables, (name, &script), files, self.limits.abort())
            .await
    }

    fn scripts<'v>(&'v self, log: &JobLog, variables: &'v Variables) -> Scripts<'v> {
        Scripts {
            shell: self.prepared.reply.shell.as_deref().unwrap_or("bash"),
            project: &self.prepared.paths.project,
            variables,
            colour: log.colour(),
        }
    }

    pub(crate) fn variables(&self) -> Variables {
        self.job.variables(&self.prepared.paths, self.status)
    }
}

/// The tries of a stage, and the pauses between them.
struct Tries {
    most: i64,
    made: u32,
    pauses: [Duration; 2],
}

impl Tries {
    /// As many as variable `key` says: one without a number.
    fn new(variables: &Variables, key: &str) -> Self {
        let exponential = variables.switch("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", true);
        Self {
            most: settings::attempts(variables, key),
            made: 0,
            pauses: match exponential {
                true => EXPONENTIAL_PAUSES,
                false => SHORT_PAUSES,
            },
        }
    }

    /// The pause after a try that failed; none when it was the last.
    fn pause(&mut self) -> Option<Duration> {
        self.made += 1;
        let [first, longest] = self.pauses;
        (i64::from(self.made) < self.most).then(|| {
            let factor = 2_u32.saturating_pow(self.made - 1);
            first.saturating_mul(factor).min(longest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(pairs: &[(&str, &str)]) -> Vec<u64> {
        let mut variables = Variables::default();
        for (key, value) in pairs {
            variables.put(key, *value);
        }
        let mut tries = Tries::new(&variables, "N");
        let pauses = std::iter::from_fn(|| tries.pause());
        pauses.map(|pause| pause.as_secs()).collect()
    }

    #[test]
    fn a_stage_is_tried_as_often_as_its_variable_says() {
        let none = Vec::<u64>::new();
        assert_eq!(pauses(&[]), none);
        assert_eq!(pauses(&[("N", "three")]), none);
        let ten = [5, 10, 20, 40, 80, 160, 300, 300, 300];
        assert_eq!(pauses(&[("N", "10")]), ten);
        let short = ("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", "false");
        assert_eq!(pauses(&[("N", "5"), short]), [1, 2, 4, 5]);
    }
}
