//! `fargate try`: runs one job of a `.gitlab-ci.yml` as GitLab Runner would, without GitLab or a runner.
//!
//! The author of a job, a task definition or a configuration sees in a minute how it behaves in CI. The runner's part
//! calls this very program, so the trial runs the same driver as CI. Without a configuration its tasks are made by the
//! stand-in for AWS on this machine, as processes or in containers.

use std::ffi::OsString;

use gitlab_local::{
    Cancellation, Driver, FileError, JobDefinition, JobFailure, JobLog, JobRun, Pipeline,
    PipelineRequest, Project, RUNNER_VERSION, ReceivedJob, RunnerIdentity,
};

use crate::cli::{Options, Try};
use crate::config::{Config, Mode};
use crate::error::{Blame, Error, Result};
use crate::gitlab::KEPT;
use crate::output::NO_COLOUR;
use crate::signals::Shutdown;

use super::account::LocalAccount;
use super::container_setup::ContainerSetup;
use super::folder::TrialFolder;
use super::list::print_list;

/// The folder of builds in tasks on AWS, where no other folder is at this path.
const BUILDS_DIR: &str = "/builds";

/// The runner that jobs see.
const RUNNER: RunnerIdentity<'_> = RunnerIdentity {
    description: "fargate try",
    short_token: "fargatetry",
};

/// Where the job's task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TaskLocation {
    /// In the account that the configuration names.
    Aws,
    /// On this machine, without any walls.
    Processes,
    /// On this machine, in containers.
    Containers,
}

/// Runs the job and prints its log to standard output.
///
/// # Errors
///
/// [`Blame::Usage`] before anything has run; without a message when the job failed, because the log has shown why; any
/// other when the trial itself failed.
pub(crate) async fn try_job(request: &Try, options: &Options, shutdown: &Shutdown) -> Result<()> {
    if request.containers.wanted && options.config.is_some() {
        let message =
            "--containers runs the job on this machine, and --config elsewhere: name one of them";
        return Err(Error::new(Blame::Usage, message));
    }
    let pipeline = pipeline(request)?;
    if request.list {
        return print_list(&pipeline);
    }
    let definition = definition(request, &pipeline)?;
    // A wrong configuration is refused here, before three attempts.
    let config = options.config.as_deref().map(Config::load).transpose();
    let config = config.map_err(as_usage)?;
    let containers = match request.containers.wanted {
        true => Some(ContainerSetup::new(&request.containers)?),
        false => None,
    };
    let (location, follows_image) = location(config.as_ref(), containers.is_some());
    let folder = TrialFolder::new(&std::env::temp_dir()).map_err(|error| {
        Error::system(format!("could not make a folder for the trial: {error}"))
    })?;
    let project = Project::new(&request.file, request.git, folder.path());
    let job = ReceivedJob::new(definition, &project, RUNNER).map_err(from_gitlab)?;
    let mut log = JobLog::on_stdout();
    log.success(&format!(
        "Running job {} of {} with fargate {} as GitLab Runner {RUNNER_VERSION} would",
        job.definition().name(),
        request.file.display(),
        env!("CARGO_PKG_VERSION"),
    ))
    .await;
    if let Some(containers) = &containers {
        // A pull of it may take long.
        let helper = format!("The helper's image is {}", containers.helper_image);
        log.plain(&helper).await;
    }
    let account = match config {
        Some(_) => None,
        None => {
            let start = LocalAccount::start(folder.path(), containers.as_ref());
            Some(shutdown.or(start).await?)
        }
    };
    if let Some(decision) = pipeline.decision() {
        log.warning(decision).await;
    }
    explain(&mut log, &job, location, follows_image).await;
    let driver = driver(request, options, account.as_ref(), log.colour())?;
    let builds_dir = match (&request.builds_dir, &account) {
        (Some(folder), _) => folder.clone(),
        (None, Some(account)) => account.builds_dir(),
        (None, None) => BUILDS_DIR.to_owned(),
    };
    let cancellation = cancellation(shutdown);
    let run = JobRun {
        driver: &driver,
        job: &job,
        folder: folder.path(),
        builds_dir: &builds_dir,
        keep: request.keep,
        cancellation: &cancellation,
    };
    let result = run_to_the_end(run, location, &folder, &mut log, shutdown).await;
    if let Some(account) = account {
        account.stop().await?;
    }
    result
}

/// Where the job's task is, and whether it runs the job's own image.
fn location(config: Option<&Config>, in_containers: bool) -> (TaskLocation, bool) {
    match (config, in_containers) {
        (Some(config), _) => (TaskLocation::Aws, matches!(config.mode, Mode::JobImage(_))),
        (None, true) => (TaskLocation::Containers, true),
        (None, false) => (TaskLocation::Processes, false),
    }
}

/// Reads the file and all that it includes.
fn pipeline(request: &Try) -> Result<Pipeline> {
    let pipeline = Pipeline::of(PipelineRequest {
        file: &request.file,
        include_dir: request.include_dir.as_deref(),
        variables: &request.variables,
    });
    pipeline.map_err(|error| match error {
        gitlab_local::Error::File(FileError::Unreadable { .. }) => {
            Error::new(Blame::Usage, error.to_string())
                .advise("`fargate try` runs a job of a .gitlab-ci.yml; name the file with --file.")
        }
        error => from_gitlab(error),
    })
}

/// The job, with what the command line sets.
fn definition(request: &Try, pipeline: &Pipeline) -> Result<JobDefinition> {
    let definition = pipeline.job(request.job.as_deref());
    let mut definition = definition.map_err(from_gitlab)?;
    if let Some(image) = &request.image {
        definition.set_image(image);
    }
    Ok(definition)
}

/// Says where the job runs, and which parts of its definition have no effect.
async fn explain(log: &mut JobLog, job: &ReceivedJob, location: TaskLocation, follows_image: bool) {
    let definition = job.definition();
    let place = match location {
        TaskLocation::Aws => None,
        TaskLocation::Processes => Some("on this machine, as you,"),
        TaskLocation::Containers => Some("in containers of this machine,"),
    };
    if let Some(place) = place {
        log.plain(&format!(
            "It runs {place} in a task of a local stand-in for AWS; --config FILE takes the real one."
        ))
        .await;
    }
    if !follows_image && definition.names_images() {
        let advice = match location {
            TaskLocation::Processes => "; --containers follows them",
            TaskLocation::Aws | TaskLocation::Containers => "",
        };
        log.warning(&format!(
            "`image` and `services` are not followed: the task definition decides what runs{advice}"
        ))
        .await;
    }
    match definition.decision() {
        Some(decision) if definition.when() == "never" => {
            log.warning(&format!("{decision}. It runs here because you named it."))
                .await;
        }
        Some(decision) => log.plain(decision).await,
        None => (),
    }
    for warning in definition.warnings().iter().chain(job.warnings()) {
        log.warning(warning).await;
    }
}

/// This program's own stages.
fn driver(
    request: &Try,
    options: &Options,
    account: Option<&LocalAccount>,
    colour: bool,
) -> Result<Driver> {
    let not_found = |error: std::io::Error| {
        Error::system(format!(
            "could not find this program's or its configuration's own place: {error}"
        ))
    };
    let config = match (&options.config, account) {
        (Some(config), _) => Some(std::path::absolute(config).map_err(not_found)?),
        (None, Some(account)) => Some(account.config()),
        (None, None) => None,
    };
    let mut arguments = Vec::new();
    if let Some(config) = config {
        arguments.extend([OsString::from("--config"), config.into_os_string()]);
    }
    arguments.extend(options.for_stages());
    arguments.push(OsString::from("custom"));
    let mut environment = account.map(LocalAccount::environment).unwrap_or_default();
    if !colour {
        environment.push((NO_COLOUR.to_owned(), Some("1".to_owned())));
    }
    if request.keep {
        environment.push((KEPT.to_owned(), Some("1".to_owned())));
    }
    Ok(Driver {
        program: std::env::current_exe().map_err(not_found)?,
        arguments,
        environment,
    })
}

/// The job is cancelled by the first signal, and aborted by the second.
fn cancellation(shutdown: &Shutdown) -> Cancellation {
    let (canceler, cancellation) = Cancellation::new();
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        shutdown.requested().await;
        canceler.cancel();
        shutdown.insisted().await;
        canceler.cancel();
    });
    cancellation
}

/// Runs the job and, where its task is kept, says how to use it.
async fn run_to_the_end(
    run: JobRun<'_>,
    location: TaskLocation,
    folder: &TrialFolder,
    log: &mut JobLog,
    shutdown: &Shutdown,
) -> Result<()> {
    let end = run.run(log).await.map_err(from_gitlab)?;
    if let Some(kept) = end.kept {
        kept.explain(log).await.map_err(from_gitlab)?;
        match location {
            TaskLocation::Aws => {
                folder.keep().map_err(|error| {
                    Error::system(format!("could not keep the folder of the trial: {error}"))
                })?;
                kept.leave();
            }
            TaskLocation::Processes | TaskLocation::Containers => {
                kept.stop_on_request(log, run.cancellation).await;
            }
        }
    }
    // The log has shown the reason.
    let silent = |blame| Err(Error::new(blame, ""));
    match end.result {
        Ok(()) => Ok(()),
        Err(JobFailure::Refused(_)) => silent(Blame::Script(1)),
        Err(JobFailure::Build(code)) => silent(Blame::Script(i32::try_from(code).unwrap_or(1))),
        Err(JobFailure::Canceled) => silent(shutdown.requested().await.blame()),
        Err(JobFailure::System(_) | JobFailure::TimedOut(_)) => silent(Blame::System),
    }
}

/// The author of the file or of the command line is to blame, or this machine.
fn from_gitlab(error: impl Into<gitlab_local::Error>) -> Error {
    let error = error.into();
    let blame = match error.blame() {
        gitlab_local::Blame::User => Blame::Usage,
        gitlab_local::Blame::System => Blame::System,
    };
    with_advice(Error::new(blame, error.to_string()), error.advice())
}

fn as_usage(error: Error) -> Error {
    with_advice(Error::new(Blame::Usage, error.to_string()), error.advice())
}

fn with_advice(error: Error, advice: Option<&str>) -> Error {
    match advice {
        Some(advice) => error.advise(advice),
        None => error,
    }
}
