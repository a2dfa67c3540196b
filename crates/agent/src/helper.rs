//! What GitLab's own scripts expect where they run: its helper by the name `gitlab-runner`, and a git that works on
//! a checkout whoever owns it.
//!
//! The git configuration stays as it is. In a task's own container `gitlab-runner` is put beside the helper: each of GitLab's
//! scripts sets the job's variables first, and a job with a `PATH` of its own has no other folder of ours on it. Anywhere
//! else nothing is written but a folder that goes with the agent.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::hosts::is_of_task;

/// The name that GitLab's scripts call.
const RUNNER: &str = "gitlab-runner";

/// The name that the binary has in GitLab's helper images.
const RUNNER_HELPER: &str = "gitlab-runner-helper";

/// What was put on the scripts' `PATH`, gone when dropped.
pub(crate) struct Helper {
    _folder: Option<TempDir>,
}

impl Helper {
    /// Changes `variables` to what GitLab's scripts need.
    pub(crate) fn equip(variables: &mut Vec<(OsString, OsString)>) -> Result<Self> {
        trust_checkouts(variables);
        let path = get(variables, "PATH").unwrap_or_default().to_owned();
        let folder = match (find(&path, RUNNER), find(&path, RUNNER_HELPER)) {
            (None, Some(helper)) if !is_named_in_place(&helper) => {
                Some(name(helper).context("cannot give gitlab-runner-helper its other name")?)
            }
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

/// Whether `helper` is called `gitlab-runner`, too, from now on, where it is.
fn is_named_in_place(helper: &Path) -> bool {
    is_of_task(Path::new("/proc/self")).unwrap_or(false)
        && symlink(helper, helper.with_file_name(RUNNER)).is_ok()
}

/// A folder in which `helper` is called `gitlab-runner`.
fn name(helper: PathBuf) -> std::io::Result<TempDir> {
    // Images made from nothing have no such folder.
    std::fs::create_dir_all(std::env::temp_dir())?;
    let folder = tempfile::tempdir()?;
    symlink(helper, folder.path().join(RUNNER))?;
    Ok(folder)
}

fn find(path: &OsStr, program: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Lets git work on what somebody else owns: the job's image may run as another user than the helper. Git takes
/// settings from its environment, after those that are there already.
fn trust_checkouts(variables: &mut Vec<(OsString, OsString)>) {
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
    set(variables, COUNT, (count + 1).to_string().into());
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
