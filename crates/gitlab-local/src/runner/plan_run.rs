//! The jobs of a plan, one after the other, each with its own log; then a table of how they ended.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cancellation::Cancellation;
use crate::error::Error;
use crate::job_log::JobLog;
use crate::plan::{Plan, PlannedJob, Standing};
use crate::removal::remove_folder;
use crate::runner::cache_folder::CacheFolder;
use crate::runner::driver::Driver;
use crate::runner::failure::JobFailure;
use crate::runner::job_files::JobArtifacts;
use crate::runner::project::Project;
use crate::runner::received::ReceivedJob;
use crate::runner::sequence::JobRun;
use crate::server::RunnerIdentity;

/// A plan, and what a runner needs to run its jobs.
#[derive(Debug, Clone, Copy)]
pub struct PlanRun<'a> {
    /// The driver to call.
    pub driver: &'a Driver,
    /// The jobs.
    pub plan: &'a Plan,
    /// Where they come from.
    pub project: &'a Project,
    /// The runner that they see.
    pub runner: RunnerIdentity<'a>,
    /// A private folder of this run alone, which the caller removes.
    pub folder: &'a Path,
    /// `builds_dir` of the runner; a driver's `config` may name another.
    pub builds_dir: &'a str,
    /// Folders of this machine, private to this run, that each job finds empty, as in a fresh environment.
    pub emptied: &'a [PathBuf],
    /// Where caches are kept; without it, jobs have none.
    pub cache_folder: Option<&'a CacheFolder>,
    /// Names of variables that were set from outside: they win over a report's.
    pub fixed_variables: &'a [&'a str],
    /// Requests to cancel the job that runs, and all after it.
    pub cancellation: &'a Cancellation,
}

/// A job that has ended, or does not run.
struct Ended {
    standing: Standing,
    artifacts: JobArtifacts,
    /// For the table.
    words: String,
}

impl PlanRun<'_> {
    /// Runs the jobs, and shows how they ended.
    ///
    /// # Errors
    ///
    /// When a job cannot even be tried. Jobs that fail are no error: the first whose failure counts is returned.
    pub async fn run(self, log: &mut JobLog) -> Result<Result<(), JobFailure>, Error> {
        let jobs = self.plan.jobs();
        for job in jobs {
            ReceivedJob::check(&job.definition, self.project, self.runner)?;
        }
        let mut ended: Vec<Ended> = Vec::new();
        let mut result = Ok(());
        for (place, job) in jobs.iter().enumerate() {
            if result == Err(JobFailure::Canceled) {
                ended.push(not_run(
                    Standing::Skipped,
                    "not run: the trial was canceled",
                ));
                continue;
            }
            let name = |place: usize| jobs.get(place).map(|job| job.definition.name.as_str());
            let standing = |place| Some((name(place)?, ended.get(place)?.standing));
            if let Some((reason, standing)) = job.not_run(standing) {
                ended.push(not_run(standing, &format!("not run: {reason}")));
                continue;
            }
            let (name, stage) = (&job.definition.name, &job.definition.stage);
            log.success(&format!(
                "\nJob {} of {}: {name} (stage {stage})",
                place + 1,
                jobs.len()
            ))
            .await;
            let (this, failure) = self.job(log, job, &ended).await?;
            let is_allowed = this.standing == Standing::Failed { is_allowed: true };
            ended.push(this);
            let counts = failure == Some(JobFailure::Canceled) || !is_allowed;
            if let (Some(failure), Ok(()), true) = (failure, &result, counts) {
                result = Err(failure);
            }
        }
        show(log, jobs, &ended).await;
        Ok(result)
    }

    /// Runs one job.
    async fn job(
        &self,
        log: &mut JobLog,
        job: &PlannedJob,
        ended: &[Ended],
    ) -> Result<(Ended, Option<JobFailure>), Error> {
        let jobs = self.plan.jobs();
        let given: Vec<(&str, &JobArtifacts)> = job
            .artifacts_from
            .iter()
            .filter_map(|place| {
                Some((
                    jobs.get(*place)?.definition.name.as_str(),
                    &ended.get(*place)?.artifacts,
                ))
            })
            .collect();
        let received = ReceivedJob::new(job.definition.clone(), self.project, self.runner, &given)?;
        if let Some(decision) = job.definition.decision() {
            log.plain(&decision).await;
        }
        for warning in received.warnings().iter().chain(&job.definition.warnings) {
            log.warning(warning).await;
        }
        for folder in self.emptied {
            empty(folder).map_err(|source| Error::System {
                action: format!("empty the folder {}", folder.display()),
                source,
            })?;
        }
        let started = Instant::now();
        let run = JobRun {
            driver: self.driver,
            job: &received,
            folder: self.folder,
            builds_dir: self.builds_dir,
            keep: false,
            cache_folder: self.cache_folder,
            cancellation: self.cancellation,
        };
        let end = run.run(log).await?;
        let mut artifacts = end.artifacts;
        artifacts
            .variables
            .retain(|variable| !self.fixed_variables.contains(&variable.key.as_str()));
        let seconds = started.elapsed().as_secs_f64();
        let failure = end.result.err();
        let is_allowed = failure
            .as_ref()
            .is_some_and(|failure| is_allowed(job, failure));
        let words = match &failure {
            None => format!("succeeded in {seconds:.1} s"),
            Some(failure) => {
                let allowed = if is_allowed { " (allowed)" } else { "" };
                format!("failed{allowed} after {seconds:.1} s: {failure}")
            }
        };
        let this = Ended {
            standing: match &failure {
                None => Standing::Succeeded,
                Some(_) => Standing::Failed { is_allowed },
            },
            artifacts,
            words,
        };
        Ok((this, failure))
    }
}

/// Whether the pipeline goes on after the job failed so.
fn is_allowed(job: &PlannedJob, failure: &JobFailure) -> bool {
    let allowed = &job.definition.allow_failure;
    allowed.always
        || matches!(failure, JobFailure::Build(code) if allowed.exit_codes.contains(code))
}

fn empty(folder: &Path) -> io::Result<()> {
    remove_folder(folder)?;
    DirBuilder::new().mode(0o700).create(folder)
}

fn not_run(standing: Standing, words: &str) -> Ended {
    Ended {
        standing,
        artifacts: JobArtifacts::default(),
        words: words.to_owned(),
    }
}

/// The table of the jobs.
async fn show(log: &mut JobLog, jobs: &[PlannedJob], ended: &[Ended]) {
    let width = jobs
        .iter()
        .map(|job| job.definition.name.chars().count())
        .max();
    let width = width.unwrap_or_default();
    log.success("\nThe jobs of this trial").await;
    for (job, ended) in jobs.iter().zip(ended) {
        log.plain(&format!(
            "  {:width$}  {}",
            job.definition.name, ended.words
        ))
        .await;
    }
}
