//! From a set-up to files, and to what is left to do.

use std::path::{Path, PathBuf};

use super::files::{self, Done, File};
use super::names;
use super::next_steps::{self, Left, Policies};
use super::places::Places;
use super::policies::Names;
use super::runner_file::{Place, RunnerFile};
use super::runner_toml::RunnerEntry;
use super::setup::Setup;
use crate::aws::Aws;
use crate::cli::Init;
use crate::config::Mode;
use crate::error::{Error, Result};
use crate::text::plain;

/// Policies, and the folder that they go into.
struct Written {
    folder: PathBuf,
    names: Names,
}

/// Makes the files. The text says which, and what is left to do.
///
/// # Errors
///
/// When files are in the way, or cannot be written.
pub(super) async fn make(request: &Init, setup: &Setup, places: &Places) -> Result<String> {
    let mut remarks = setup.remarks.clone();
    let mut all = Vec::new();
    if let Some(text) = &setup.text {
        all.push(readable(places.fargate_toml.clone(), text.clone()));
    }
    let policies = match &setup.text {
        Some(_) => policies(setup, places, &mut all, &mut remarks).await?,
        None => None,
    };
    let runner = runner(request, setup, places)?;
    all.extend(runner.as_ref().map(|runner| runner.file.clone()));
    let done = files::write(&all, request.force)?;
    let mut text = String::new();
    if setup.text.is_none() {
        text.push_str(&row("Kept", &places.fargate_toml));
    }
    for (file, done) in all.iter().zip(done) {
        let is_extended = runner
            .as_ref()
            .is_some_and(|runner| runner.place == Place::Extended && runner.file.path == file.path);
        text.push_str(&row(
            if is_extended { "Extended" } else { verb(done) },
            &file.path,
        ));
    }
    for remark in &remarks {
        text.push_str(&format!("{}\n", plain(remark)));
    }
    text.push('\n');
    text.push_str(&left(
        request,
        setup,
        places,
        runner.as_ref(),
        policies.as_ref(),
    ));
    Ok(text)
}

fn readable(path: PathBuf, text: String) -> File {
    File {
        path,
        text,
        mode: 0o644,
        keeps_mode: true,
    }
}

fn verb(done: Done) -> &'static str {
    match done {
        Done::Made => "Made",
        Done::Replaced => "Replaced",
        Done::Unchanged => "Unchanged",
    }
}

fn row(verb: &str, path: &Path) -> String {
    format!("{verb:<9} {}\n", path.display())
}

/// Adds the files of the policies, if the account is known.
async fn policies(
    setup: &Setup,
    places: &Places,
    all: &mut Vec<File>,
    remarks: &mut Vec<String>,
) -> Result<Option<Written>> {
    let fargate = &setup.config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let names = match names::find(&setup.config, &aws).await {
        Ok(names) => names,
        Err(reason) => {
            remarks.push(format!(
                "No IAM policies, for AWS did not say which account this is: {reason}"
            ));
            return Ok(None);
        }
    };
    remarks.extend(names::gap(&setup.config, &names));
    let folder = places.fargate_toml.with_file_name("iam");
    for policy in names::policies(&setup.config) {
        let text = names
            .fill(policy)
            .map_err(|error| Error::system(format!("could not make {}: {error}", policy.file())))?;
        all.push(readable(folder.join(policy.file()), text));
    }
    Ok(Some(Written { folder, names }))
}

/// The file with the runner's entry, once there is a token and nothing calls the driver yet.
fn runner(request: &Init, setup: &Setup, places: &Places) -> Result<Option<RunnerFile>> {
    let Some(token) = setup.token.as_ref().filter(|_| !places.is_called) else {
        return Ok(None);
    };
    let program = std::env::current_exe().map_err(|error| {
        Error::system(format!("could not find this program's own path: {error}"))
    })?;
    let (builds_dir, cache_dir) = match setup.config.mode {
        Mode::JobImage(_) => ("/builds", "/cache"),
        Mode::TaskDefinition(_) => ("/opt/gitlab-runner/builds", "/opt/gitlab-runner/cache"),
    };
    let entry = RunnerEntry {
        name: &request.name,
        url: &setup.url,
        token: token.expose(),
        program: &program,
        config: &places.fargate_toml,
        builds_dir,
        cache_dir,
    };
    RunnerFile::plan(
        &entry,
        request.concurrent,
        &places.config_toml,
        request.force,
    )
    .map(Some)
}

fn left(
    request: &Init,
    setup: &Setup,
    places: &Places,
    runner: Option<&RunnerFile>,
    written: Option<&Written>,
) -> String {
    let own_image = match &setup.config.mode {
        Mode::JobImage(image) => Some(image),
        Mode::TaskDefinition(_) => None,
    };
    // A stack has given its roles their policies.
    let written = written.filter(|_| !setup.is_of_stack);
    let policies = written.map(|written| Policies {
        folder: &written.folder,
        manager_role: name_of(&written.names.manager_role),
        execution_role: own_image.and_then(|image| name_of(&image.execution_role)),
    });
    let given = request.runner_config.as_ref();
    let part = runner.filter(|runner| runner.place == Place::Beside);
    next_steps::text(&Left {
        config: &places.fargate_toml,
        url: &setup.url,
        name: &request.name,
        config_toml: given.map(|_| places.config_toml.as_path()),
        needs_token: setup.token.is_none() && !places.is_called,
        part: part.map(|runner| (runner.file.path.as_path(), places.config_toml.as_path())),
        agent_image: own_image.map(|image| image.agent_image.as_str()),
        policies,
    })
}

/// The name of a role.
fn name_of(arn: &Option<String>) -> Option<&str> {
    arn.as_deref()?.rsplit('/').next()
}
