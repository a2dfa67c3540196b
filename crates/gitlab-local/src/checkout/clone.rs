//! A clone of the project's repository, with the history and the submodules that a runner's would have.
//!
//! It is made on this machine, so the task's git needs no server. Nothing but the project's own folder is read:
//! submodules are cloned from where they are checked out.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::checkout::archive::{self, ProjectError};
use crate::checkout::url::file_url;
use crate::transfer::Archive;

/// Largest tar file of a clone, in bytes.
const SIZE_LIMIT: u64 = 256 * 1024 * 1024;

/// Bound of submodules within submodules.
const SUBMODULE_LEVELS: u32 = 8;

/// Variables of an environment that point git to another repository, such as that of a hook.
const REPOSITORY_VARIABLES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
];

/// What a job wants of its clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloneWish {
    /// `GIT_DEPTH`: commits of history; 0 brings all branches and tags.
    pub(crate) depth: u32,
    /// `GIT_CHECKOUT`
    pub(crate) checkout: bool,
    pub(crate) submodules: Submodules,
    /// `GIT_SUBMODULE_DEPTH`
    pub(crate) submodule_depth: u32,
    /// `GIT_SUBMODULE_PATHS`: git's pathspecs; none for all.
    pub(crate) submodule_paths: Vec<String>,
}

/// `GIT_SUBMODULE_STRATEGY`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submodules {
    None,
    Normal,
    Recursive,
}

/// What is cloned, and how the clone names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloneSource<'a> {
    pub(crate) folder: &'a Path,
    /// The remote that the clone has in the end.
    pub(crate) url: &'a str,
    /// The branch that is checked out, if there is one.
    pub(crate) branch: Option<&'a str>,
}

/// Clones a repository within `scratch`, and packs the clone.
///
/// # Errors
///
/// When the folder is not the top of a repository with a commit, a submodule is not checked out, or the clone is too
/// large.
pub(crate) fn clone(
    source: CloneSource<'_>,
    wish: &CloneWish,
    scratch: &Path,
) -> Result<Archive, ProjectError> {
    let top = top(source.folder)?;
    let clone = tempfile::tempdir_in(scratch).map_err(|source| ProjectError::Program {
        program: "git",
        source,
    })?;
    let into = clone.path();
    git(into, &["init", "-q", "--template=", "."])?;
    git(into, &["remote", "add", "origin", &file_url(&top)])?;
    fetch(into, source.branch, wish.depth)?;
    if wish.checkout {
        git(
            into,
            &["checkout", "-f", "-q", "--detach", "refs/pipelines/head"],
        )?;
        let levels = match wish.submodules {
            Submodules::None => 0,
            Submodules::Normal => 1,
            Submodules::Recursive => SUBMODULE_LEVELS,
        };
        submodules(into, &top, wish, levels)?;
    }
    git(into, &["remote", "set-url", "origin", source.url])?;
    if wish.checkout && wish.submodules != Submodules::None {
        git(into, &["submodule", "sync", "-q", "--recursive"])?;
    }
    archive::pack_all(into, SIZE_LIMIT)
}

/// Whether a work tree has changes that no commit has.
pub(crate) fn has_uncommitted_changes(folder: &Path) -> bool {
    let status = git(
        folder,
        &["status", "--porcelain", "--ignore-submodules=none"],
    );
    status.is_ok_and(|changes| !changes.is_empty())
}

/// The top of the repository, which must be the folder itself.
fn top(folder: &Path) -> Result<std::path::PathBuf, ProjectError> {
    let refused = |reason: &str| ProjectError::NoRepository {
        folder: folder.to_owned(),
        reason: reason.to_owned(),
    };
    let prefix = git(folder, &["rev-parse", "--show-prefix"])
        .map_err(|error| refused(&error.to_string()))?;
    if !prefix.is_empty() {
        return Err(refused("it is not the top of its repository"));
    }
    git(folder, &["rev-parse", "--verify", "-q", "HEAD"])
        .map_err(|_| refused("its repository has no commit"))?;
    folder
        .canonicalize()
        .map_err(|error| refused(&error.to_string()))
}

/// The runner's refspecs: those of the branch, or all when the depth has no bound. git follows tags by itself.
fn fetch(into: &Path, branch: Option<&str>, depth: u32) -> Result<(), ProjectError> {
    let limited = format!("--depth={depth}");
    let own = branch.map(|branch| format!("+refs/heads/{branch}:refs/remotes/origin/{branch}"));
    let mut arguments = vec!["fetch", "-q", "--update-shallow", "--no-recurse-submodules"];
    if depth > 0 {
        arguments.push(&limited);
    }
    arguments.extend(["origin", "+HEAD:refs/pipelines/head"]);
    match (depth, &own) {
        (0, _) => arguments.extend([
            "+refs/heads/*:refs/remotes/origin/*",
            "+refs/tags/*:refs/tags/*",
        ]),
        (_, Some(own)) => arguments.push(own),
        (_, None) => {}
    }
    git(into, &arguments).map(drop)
}

/// Fills the submodules of the work tree `into` from those of `from`.
fn submodules(into: &Path, from: &Path, wish: &CloneWish, levels: u32) -> Result<(), ProjectError> {
    let Some(deeper) = levels.checked_sub(1) else {
        return Ok(());
    };
    let mut list = vec!["ls-files", "--stage", "-z", "--"];
    list.extend(wish.submodule_paths.iter().map(String::as_str));
    let entries = git(into, &list)?;
    // `160000` is git's mode of a submodule.
    let paths = entries
        .split('\0')
        .filter(|entry| entry.starts_with("160000 "));
    for path in paths
        .filter_map(|entry| entry.split_once('\t'))
        .map(|(_, path)| path)
    {
        let original = from.join(path);
        if !original.join(".git").exists() {
            return Err(ProjectError::MissingSubmodule(original));
        }
        let name = submodule_name(into, path)?;
        git(into, &["submodule", "-q", "init", "--", path])?;
        let url = format!("submodule.{name}.url");
        git(into, &["config", &url, &file_url(&original)])?;
        let depth = format!("--depth={}", wish.submodule_depth);
        let mut update = vec![
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "-q",
            "update",
        ];
        if wish.submodule_depth > 0 {
            update.push(&depth);
        }
        update.extend(["--", path]);
        git(into, &update)?;
        let all = CloneWish {
            submodule_paths: Vec::new(),
            ..wish.clone()
        };
        submodules(&into.join(path), &original, &all, deeper)?;
    }
    Ok(())
}

/// The name of the submodule at `path` in `.gitmodules`.
fn submodule_name(into: &Path, path: &str) -> Result<String, ProjectError> {
    let paths = [
        "config",
        "-z",
        "-f",
        ".gitmodules",
        "--get-regexp",
        r"\.path$",
    ];
    let entries = git(into, &paths)?;
    let mut entries = entries
        .split('\0')
        .filter_map(|entry| entry.split_once('\n'));
    let key = entries
        .find(|(_, known)| *known == path)
        .map(|(key, _)| key);
    let name = key.and_then(|key| key.strip_prefix("submodule.")?.strip_suffix(".path"));
    name.map(str::to_owned)
        .ok_or_else(|| ProjectError::MissingSubmodule(into.join(path)))
}

/// The output of git without its last line end. It asks nobody for a password and runs no hook.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, ProjectError> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    git.args([
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "advice.detachedHead=false",
    ]);
    git.args(arguments)
        .stdin(Stdio::null())
        .env("GIT_TERMINAL_PROMPT", "0");
    for variable in REPOSITORY_VARIABLES {
        git.env_remove(variable);
    }
    let output = git.output().map_err(|source| ProjectError::Program {
        program: "git",
        source,
    })?;
    match output.status.success() {
        true => {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.trim_end_matches('\n').to_owned())
        }
        false => Err(ProjectError::Clone {
            folder: folder.to_owned(),
            reason: archive::complaint(&output.stderr),
        }),
    }
}

#[cfg(test)]
mod tests;
