//! `fargate try`: runs jobs of a `.gitlab-ci.yml` as GitLab Runner would, without GitLab or a runner.
//!
//! The author of a job, a task definition or a configuration sees in a minute how it behaves in CI. The runner's part
//! calls this very program, so the trial runs the same driver as CI. Without a configuration its tasks are made by the
//! stand-in for AWS on this machine, as processes or in containers.

use std::ffi::OsString;
use std::path::PathBuf;

use gitlab_local::{
    CacheFolder, Cancellation, Driver, FileError, JobLog, Pipeline, PipelineRequest, Project,
    RUNNER_VERSION,
};

use crate::cli::{Options, Try};
use crate::config::{Config, Mode};
use crate::error::{Blame, Error, Result};
use crate::gitlab::KEPT;
use crate::output::NO_COLOUR;
use crate::signals::Shutdown;

use super::account::LocalAccount;
use super::blame::{as_usage, from_gitlab};
use super::container_setup::ContainerSetup;
use super::folder::TrialFolder;
use super::list::print_list;
use super::surroundings::{Surroundings, TaskLocation};
use super::wanted::Wanted;

/// The folder of builds in tasks on AWS, where no other folder is at this path.
const BUILDS_DIR: &str = "/builds";

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
    let refusal = refusal(request, &pipeline)?;
    let wanted = Wanted::of(request, &pipeline).map_err(from_gitlab)?;
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
    // A job's files are packed before anything else happens.
    let job = wanted.received(&project).map_err(from_gitlab)?;
    let mut log = JobLog::on_stdout();
    introduce(&mut log, request, &wanted, containers.as_ref()).await;
    let account = match config {
        Some(_) => None,
        None => {
            let start = LocalAccount::start(folder.path(), containers.as_ref());
            Some(shutdown.or(start).await?)
        }
    };
    for told in pipeline.decision().into_iter().chain(refusal.as_deref()) {
        log.warning(told).await;
    }
    explain(&mut log, location, !follows_image && wanted.names_images()).await;
    for line in wanted.left_out() {
        log.warning(line).await;
    }
    let surroundings = Surroundings {
        location,
        folder: &folder,
        driver: driver(request, options, account.as_ref(), log.colour())?,
        builds_dir: builds_dir(request, account.as_ref()),
        task_folders: account
            .as_ref()
            .map(LocalAccount::task_folders)
            .unwrap_or_default(),
        cache_folder: cache_folder(request),
        cancellation: cancellation(shutdown),
        shutdown,
    };
    let result = match (&wanted, &job) {
        (Wanted::Plan { plan, .. }, _) => {
            surroundings
                .run_plan(plan, &project, request, &mut log)
                .await
        }
        (Wanted::Job(_), Some(job)) => surroundings.run_job(job, request.keep, &mut log).await,
        (Wanted::Job(_), None) => Ok(()),
    };
    if let Some(account) = account {
        account.stop().await?;
    }
    result
}

/// Why GitLab would refuse the pipeline. Jobs that are named run all the same.
///
/// # Errors
///
/// When the whole pipeline is to run.
fn refusal(request: &Try, pipeline: &Pipeline) -> Result<Option<String>> {
    let Some(reason) = pipeline.refusals().into_iter().next() else {
        return Ok(None);
    };
    let refusal = format!("GitLab refuses this pipeline: {reason}");
    match request.all {
        false => Ok(Some(refusal)),
        true => Err(Error::new(Blame::Usage, refusal).advise(
            "`fargate try --list` shows all reasons. Where rules keep a job out, --variable sets what they look at.",
        )),
    }
}

/// Where the job's task is, and whether it runs the job's own image.
fn location(config: Option<&Config>, in_containers: bool) -> (TaskLocation, bool) {
    match (config, in_containers) {
        (Some(config), _) => (TaskLocation::Aws, matches!(config.mode, Mode::JobImage(_))),
        (None, true) => (TaskLocation::Containers, true),
        (None, false) => (TaskLocation::Processes, false),
    }
}

/// Says what runs, and as what.
async fn introduce(
    log: &mut JobLog,
    request: &Try,
    wanted: &Wanted,
    containers: Option<&ContainerSetup>,
) {
    log.success(&format!(
        "Running {} of {} as GitLab Runner {RUNNER_VERSION} would",
        wanted.title(),
        request.file.display(),
    ))
    .await;
    if let Some(containers) = containers {
        // A pull of it may take long.
        let helper = format!("The helper's image is {}", containers.helper_image);
        log.plain(&helper).await;
    }
}

fn builds_dir(request: &Try, account: Option<&LocalAccount>) -> String {
    match (&request.builds_dir, account) {
        (Some(folder), _) => folder.clone(),
        (None, Some(account)) => account.builds_dir(),
        (None, None) => BUILDS_DIR.to_owned(),
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

/// Where caches wait for the next trial; none for a user without a home.
fn cache_folder(request: &Try) -> Option<CacheFolder> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let absolute = |folder: &PathBuf| folder.is_absolute();
    let default = || {
        let caches = folder("XDG_CACHE_HOME").filter(absolute);
        let caches = caches.or_else(|| Some(folder("HOME").filter(absolute)?.join(".cache")));
        Some(caches?.join("fargate/try-cache"))
    };
    let folder = request.cache_dir.clone().or_else(default)?;
    Some(CacheFolder::new(&folder, &request.file))
}

/// Says where jobs run, and whether the images that they name have no effect.
async fn explain(log: &mut JobLog, location: TaskLocation, ignores_images: bool) {
    let place = match location {
        TaskLocation::Aws => None,
        TaskLocation::Processes => Some("on this machine, as you,"),
        TaskLocation::Containers => Some("in containers of this machine,"),
    };
    if let Some(place) = place {
        log.plain(&format!(
            "It runs {place} and a stand-in plays AWS (see --config)."
        ))
        .await;
    }
    if ignores_images {
        let reason = match location {
            TaskLocation::Processes => {
                "the job uses the programs of this machine; --containers follows them"
            }
            TaskLocation::Aws | TaskLocation::Containers => "the task definition decides what runs",
        };
        log.warning(&format!(
            "`image` and `services` are not followed: {reason}"
        ))
        .await;
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
