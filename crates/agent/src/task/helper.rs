//! The environment of scripts in a task: the program `gitlab-runner` for GitLab's own, and for all of them a git that
//! accepts another user's checkout.
//!
//! The files of the git configuration stay unchanged. In a task's own container `gitlab-runner` is a link beside
//! GitLab's helper: each of GitLab's scripts first sets the job's variables, and a job that sets its own `PATH` would
//! lose any other folder. Elsewhere, as in tests, the link is in a temporary folder that is removed with the agent.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::hosts::is_in_task;

/// The program that GitLab's scripts call.
const RUNNER: &str = "gitlab-runner";

/// The binary's name in GitLab's helper images.
const RUNNER_HELPER: &str = "gitlab-runner-helper";

/// The folder that was added to the scripts' `PATH`, removed when dropped.
pub(crate) struct Helper {
    _folder: Option<TempDir>,
}

impl Helper {
    /// Adds to `variables` the folder with the program that GitLab's scripts call.
    pub(crate) fn equip(variables: &mut Vec<(OsString, OsString)>) -> Result<Self> {
        let path = get(variables, "PATH").unwrap_or_default().to_owned();
        let folder = match (find(&path, RUNNER), find(&path, RUNNER_HELPER)) {
            (None, Some(helper)) if !link_beside(&helper) => Some(
                link_in_new_folder(helper)
                    .context("cannot link gitlab-runner to gitlab-runner-helper")?,
            ),
            _ => None,
        };
        if let Some(folder) = &folder {
            let mut longer = path;
            longer.push(":");
            longer.push(folder.path());
            set(variables, "PATH", longer);
        }
        Ok(Self { _folder: folder })
    }
}

/// Links `gitlab-runner` to `helper` in its own folder, if that is in a task's container. False if it cannot.
fn link_beside(helper: &Path) -> bool {
    is_in_task() && symlink(helper, helper.with_file_name(RUNNER)).is_ok()
}

/// Makes a folder with a link `gitlab-runner` to `helper`. Nobody else can put another program there.
fn link_in_new_folder(helper: PathBuf) -> std::io::Result<TempDir> {
    // Images built from scratch have no folder for temporary files. The agent has no umask.
    let mut shared = DirBuilder::new();
    shared.recursive(true).mode(0o1777);
    shared.create(std::env::temp_dir())?;
    let folder = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    symlink(helper, folder.path().join(RUNNER))?;
    Ok(folder)
}

fn find(path: &OsStr, program: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Lets git work on another user's files: the job's image may run as another user than the helper, which checks out.
///
/// Git reads numbered settings from its environment. This one follows those that are already set.
pub(crate) fn trust_checkouts(variables: &mut Vec<(OsString, OsString)>) {
    const COUNT: &str = "GIT_CONFIG_COUNT";
    let count: u32 = get(variables, COUNT)
        .and_then(|count| count.to_str()?.parse().ok())
        .unwrap_or(0);
    set(
        variables,
        &format!("GIT_CONFIG_KEY_{count}"),
        "safe.directory".into(),
    );
    set(variables, &format!("GIT_CONFIG_VALUE_{count}"), "*".into());
    set(variables, COUNT, count.saturating_add(1).to_string().into());
}

fn get<'a>(variables: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    variables
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_os_str())
}

fn set(variables: &mut Vec<(OsString, OsString)>, name: &str, value: OsString) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.into(), value));
}
