//! `fargate try`: runs one job of a `.gitlab-ci.yml` as GitLab Runner would, without GitLab or a runner.
//!
//! Whoever writes a job, a task definition or a configuration sees in a minute what would happen in CI. The
//! driver is executed exactly as the runner does it, so what is tried is what will run; without a
//! configuration its tasks are made by the stand-in for AWS on this machine.

mod attempt;
mod call;
mod checkout;
mod duration;
mod image;
mod keep;
mod log;
mod node;
mod outcome;
mod pipeline;
mod plan;
mod predefined;
mod private;
mod quote;
mod response;
mod script;
mod sequence;
mod sources;
mod standin;
mod variables;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Config;
use crate::error::{Blame, Error, Result};
use crate::stop::Stop;

use self::attempt::Driver;
use self::checkout::Checkout;
use self::image::Image;
use self::log::Log;
use self::plan::Plan;
use self::script::Sources;
use self::sequence::{Failure, Sequence};
use self::standin::Standin;
use self::variables::{Variable, Variables};

/// Where tasks on AWS have their builds; containers there have nothing else at this place.
const BUILDS_DIR: &str = "/builds";

/// What to try.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The `.gitlab-ci.yml`. Its folder is the job's project.
    pub(crate) file: PathBuf,
    /// The job; none: the file's only one.
    pub(crate) job: Option<String>,
    /// An image in place of the job's.
    pub(crate) image: Option<String>,
    /// Variables that win over those of the file.
    pub(crate) variables: Vec<(String, String)>,
    /// Variables of type file, with the files that hold their values.
    pub(crate) file_variables: Vec<(String, PathBuf)>,
    /// The driver's configuration; none: the stand-in on this machine.
    pub(crate) config: Option<PathBuf>,
    /// Leaves the task running.
    pub(crate) keep: bool,
}

/// Runs the job and prints its log to standard output.
///
/// # Errors
///
/// [`Blame::Usage`] before anything has run; without a message, because the log has said it, when the job
/// failed; anything else when the trial itself could not be made.
pub(crate) async fn run(trial: Trial, stop: &Stop) -> Result<()> {
    let plan = trial.plan()?;
    let mut log = Log::on_stdout()?;
    log.success(&format!(
        "Running job {} of {} with fargate {} as GitLab Runner {} would",
        plan.job.name,
        trial.file.display(),
        env!("CARGO_PKG_VERSION"),
        predefined::RUNNER_VERSION,
    ))
    .await;
    let standin = match &trial.config {
        Some(_) => None,
        None => Some(Standin::start().await?),
    };
    let result = trial.run_in(standin.as_ref(), &plan, &mut log, stop).await;
    if let Some(standin) = standin {
        standin.stop().await?;
    }
    result
}

impl Trial {
    async fn run_in(
        &self,
        standin: Option<&Standin>,
        plan: &Plan,
        log: &mut Log,
        stop: &Stop,
    ) -> Result<()> {
        let program = std::env::current_exe().map_err(|error| {
            Error::system(format!("could not find this program's own file: {error}"))
        })?;
        let (config, environment, builds_dir) = match (standin, &self.config) {
            (Some(standin), _) => (
                standin.config(),
                standin.environment(),
                standin.builds_dir(),
            ),
            (None, config) => (
                checked_config(config.as_deref())?,
                Vec::new(),
                BUILDS_DIR.to_owned(),
            ),
        };
        if standin.is_some() {
            log.plain("It runs on this machine, in a task of a local stand-in for AWS; --config FILE takes the real one.").await;
        }
        if plan.job.image.is_some() || !plan.job.services.is_empty() {
            let what =
                "the job's image and services are not used: the task definition decides what runs";
            log.warning(what).await;
        }
        for warning in &plan.job.warnings {
            log.warning(warning).await;
        }
        let driver = Driver {
            program,
            config,
            environment,
        };
        let sequence = Sequence {
            driver: &driver,
            plan,
            stop,
            builds_dir: &builds_dir,
            keep: self.keep,
        };
        let (result, kept) = sequence.run(log).await?;
        match &result {
            Ok(()) => log.success("Job succeeded").await,
            Err(Failure::System(why)) => {
                log.error(&format!("Job failed (system failure): {why}"))
                    .await
            }
            Err(failure) => log.error(&format!("Job failed: {failure}")).await,
        }
        if let Some(kept) = kept {
            kept.explain(log, &driver).await?;
            if standin.is_some() {
                kept.stop_when_told(log, stop).await;
            } else {
                kept.leave();
            }
        }
        match result {
            Ok(()) => Ok(()),
            Err(Failure::Build(code)) => {
                Err(silent(Blame::Script(i32::try_from(code).unwrap_or(1))))
            }
            Err(Failure::Canceled) => Err(silent(stop.requested().await.blame())),
            Err(Failure::System(_) | Failure::TimedOut(_) | Failure::StageTimedOut(_)) => {
                Err(silent(Blame::System))
            }
        }
    }

    /// Reads everything the job is made of.
    fn plan(&self) -> Result<Plan> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| {
            Error::new(
                Blame::Usage,
                format!("could not read {}: {error}", self.file.display()),
            )
            .advise("`fargate try` runs a job of a .gitlab-ci.yml; name the file with --file.")
        })?;
        let mut job = pipeline::read_job(&text, self.job.as_deref())
            .map_err(|error| error.context(self.file.display()))?;
        if let Some(name) = &self.image {
            job.image = Some(Image {
                name: name.clone(),
                ..Image::default()
            });
        }
        let folder = match self.file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file = self
            .file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let sources = |variables: &Variables| match variables.value("GIT_STRATEGY") {
            "none" => Ok(Sources::None),
            "empty" => Ok(Sources::Empty),
            _ => sources::pack(folder),
        };
        Plan::new(
            job_id(),
            job,
            &Checkout::of(folder),
            file,
            self.extra_variables()?,
            sources,
        )
    }

    fn extra_variables(&self) -> Result<Vec<Variable>> {
        let mut all = Vec::new();
        for (key, value) in &self.variables {
            all.push(Variable::named(key, value.clone())?);
        }
        for (key, file) in &self.file_variables {
            let value = std::fs::read_to_string(file).map_err(|error| {
                Error::new(
                    Blame::Usage,
                    format!("could not read {} for {key}: {error}", file.display()),
                )
            })?;
            all.push(Variable {
                file: true,
                ..Variable::named(key, value)?
            });
        }
        Ok(all)
    }
}

/// A configuration with a mistake is better refused here than by three attempts.
fn checked_config(config: Option<&Path>) -> Result<PathBuf> {
    let config = config.unwrap_or(Path::new(crate::cli::DEFAULT_CONFIG));
    Config::load(config)?;
    std::path::absolute(config)
        .map_err(|error| Error::system(format!("could not find {}: {error}", config.display())))
}

/// Ids of jobs must differ, since tasks and records are found by them: milliseconds do.
fn job_id() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// The job log has said it all.
fn silent(blame: Blame) -> Error {
    Error::new(blame, "")
}
