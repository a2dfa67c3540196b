//! `fargate try`: runs one job of a `.gitlab-ci.yml` as GitLab Runner would, without GitLab or a runner.
//!
//! Whoever writes a job, a task definition or a configuration sees in a minute what would happen in CI. The
//! driver is executed exactly as the runner does it, so what is tried is what will run; without a
//! configuration its tasks are made by the stand-in for AWS on this machine, as processes or in containers.

mod attempt;
mod call;
mod checkout;
mod containers;
mod failure;
mod image;
mod keep;
pub(crate) mod local;
mod log;
mod node;
mod pipeline;
mod plan;
mod predefined;
mod private;
mod quote;
mod response;
mod script;
mod sequence;
mod standin;
mod variables;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::cli::{Options, Try};
use crate::config::{Config, Mode};
use crate::error::{Blame, Error, Result};
use crate::gitlab::KEPT;
use crate::signals::Shutdown;

use self::attempt::Driver;
use self::containers::Containers;
use self::failure::Failure;
use self::image::Image;
use self::log::Log;
use self::plan::Plan;
use self::sequence::Sequence;
use self::standin::Standin;
use self::variables::Variable;

/// Where tasks on AWS have their builds; containers there have nothing else at this place.
const BUILDS_DIR: &str = "/builds";

/// Runs the job and prints its log to standard output.
///
/// # Errors
///
/// [`Blame::Usage`] before anything has run; without a message, because the log has said it, when the job
/// failed; anything else when the trial itself could not be made.
pub(crate) async fn run(wanted: &Try, options: &Options, stop: &Shutdown) -> Result<()> {
    if wanted.containers.wanted && options.config.is_some() {
        let message =
            "--containers runs the job on this machine, and --config elsewhere: name one of them";
        return Err(Error::new(Blame::Usage, message));
    }
    let plan = plan(wanted)?;
    // A mistake in it is better refused here than by three attempts.
    let config = options.config.as_deref().map(Config::load).transpose();
    let config = config.map_err(as_usage)?;
    let containers = match wanted.containers.wanted {
        true => Some(Containers::new(&wanted.containers)?),
        false => None,
    };
    let mut log = Log::on_stdout()?;
    log.success(&format!(
        "Running job {} of {} with fargate {} as GitLab Runner {} would",
        plan.job.name,
        wanted.file.display(),
        env!("CARGO_PKG_VERSION"),
        predefined::RUNNER_VERSION,
    ))
    .await;
    if let Some(containers) = &containers {
        // It may have to be pulled, which is long for a silence.
        let helper = format!("The helper's image is {}", containers.helper_image);
        log.plain(&helper).await;
    }
    let tasks = match (&config, &containers) {
        (Some(_), _) => Tasks::Elsewhere,
        (None, None) => Tasks::Processes,
        (None, Some(_)) => Tasks::Containers,
    };
    let follows_image = match &config {
        Some(config) => matches!(config.mode, Mode::JobImage(_)),
        None => containers.is_some(),
    };
    let (standin, config) = match &options.config {
        Some(config) => (None, std::path::absolute(config).map_err(not_found)?),
        None => {
            let standin = stop.or(Standin::start(containers.as_ref())).await?;
            let config = standin.config();
            (Some(standin), config)
        }
    };
    let mut driver = driver(options, config, standin.as_ref())?;
    if wanted.keep {
        let kept = (KEPT.to_owned(), Some("1".to_owned()));
        driver.environment.push(kept);
    }
    let trial = Trial {
        driver,
        tasks,
        follows_image,
        plan,
        builds_dir: match (&wanted.builds_dir, &standin) {
            (Some(wanted), _) => wanted.clone(),
            (None, Some(standin)) => standin.builds_dir(),
            (None, None) => BUILDS_DIR.to_owned(),
        },
        keep: wanted.keep,
    };
    let result = trial.run(&mut log, stop).await;
    drop(trial);
    if let Some(standin) = standin {
        standin.stop().await?;
    }
    result
}

/// Where the job's task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tasks {
    /// In the account that the configuration names.
    Elsewhere,
    /// On this machine, without any walls.
    Processes,
    /// On this machine, in containers.
    Containers,
}

/// A job that is ready to be tried.
struct Trial {
    driver: Driver,
    tasks: Tasks,
    /// Whether it runs in the image that it names, with its services.
    follows_image: bool,
    plan: Plan,
    builds_dir: String,
    keep: bool,
}

impl Trial {
    async fn run(&self, log: &mut Log, stop: &Shutdown) -> Result<()> {
        let job = &self.plan.job;
        let whereabouts = match self.tasks {
            Tasks::Elsewhere => None,
            Tasks::Processes => Some("on this machine, as you,"),
            Tasks::Containers => Some("in containers of this machine,"),
        };
        if let Some(whereabouts) = whereabouts {
            log.plain(&format!(
                "It runs {whereabouts} in a task of a local stand-in for AWS; --config FILE takes the real one."
            ))
            .await;
        }
        if !self.follows_image && (job.image.is_some() || !job.services.is_empty()) {
            let advice = match self.tasks {
                Tasks::Processes => "; --containers follows them",
                Tasks::Elsewhere | Tasks::Containers => "",
            };
            log.warning(&format!(
                "`image` and `services` are not followed: the task definition decides what runs{advice}"
            ))
            .await;
        }
        for warning in &job.warnings {
            log.warning(warning).await;
        }
        let sequence = Sequence {
            driver: &self.driver,
            plan: &self.plan,
            stop,
            builds_dir: &self.builds_dir,
            keep: self.keep,
            deadline: Instant::now() + job.timeout,
        };
        let (result, kept) = sequence.run(log).await?;
        match &result {
            Ok(()) => log.success("Job succeeded").await,
            Err(Failure::System(why)) => {
                log.error(&format!("Job failed (system failure): {why}"))
                    .await;
            }
            Err(failure) => log.error(&format!("Job failed: {failure}")).await,
        }
        if let Some(kept) = kept {
            kept.explain(log, &self.driver).await?;
            if self.tasks != Tasks::Elsewhere {
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
            Err(Failure::System(_) | Failure::TimedOut(_)) => Err(silent(Blame::System)),
        }
    }
}

/// Reads everything the job is made of.
fn plan(wanted: &Try) -> Result<Plan> {
    let file = &wanted.file;
    let text = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("could not read {}: {error}", file.display());
        Error::new(Blame::Usage, message)
            .advise("`fargate try` runs a job of a .gitlab-ci.yml; name the file with --file.")
    })?;
    let mut job = pipeline::read_job(&text, wanted.job.as_deref())
        .map_err(|error| error.context(file.display()))?;
    if let Some(name) = &wanted.image {
        job.image = Some(Image {
            name: name.clone(),
            ..Image::default()
        });
    }
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let extra = wanted.variables.iter();
    let extra = extra.map(|(key, value)| Variable::named(key, value));
    Plan::new(
        job_id(),
        job,
        folder,
        name.into_owned(),
        extra.collect::<Result<_>>()?,
    )
}

fn driver(options: &Options, config: PathBuf, standin: Option<&Standin>) -> Result<Driver> {
    let mut arguments = vec![OsString::from("--config"), config.into_os_string()];
    arguments.extend(options.for_stages());
    Ok(Driver {
        program: std::env::current_exe().map_err(not_found)?,
        arguments,
        environment: standin.map(Standin::environment).unwrap_or_default(),
    })
}

fn not_found(error: std::io::Error) -> Error {
    Error::system(format!(
        "could not find this program's or its configuration's own place: {error}"
    ))
}

fn as_usage(error: Error) -> Error {
    let usage = Error::new(Blame::Usage, error.to_string());
    match error.advice() {
        Some(advice) => usage.advise(advice),
        None => usage,
    }
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
