//! The files of a project's folder as a tar file, which travels to the job behind a script.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::transfer::{Archive, as_input};

/// Largest tar file, in bytes: it travels behind a script, for each job anew.
pub(super) const SIZE_LIMIT: u64 = 32 * 1024 * 1024;

/// Why the files of a project's folder cannot be taken to the job.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There are too many, or they are too large.
    #[error("could not pack the files of {}: they are more than {} MiB, too much for a local run", folder.display(), limit >> 20)]
    TooLarge {
        /// The folder that was packed.
        folder: PathBuf,
        /// In bytes.
        limit: u64,
    },
    /// A file cannot be read.
    #[error("could not pack the files of {}: {reason}", folder.display())]
    Unreadable {
        /// The project's folder.
        folder: PathBuf,
        /// The words of tar.
        reason: String,
    },
    /// git refuses to list the files.
    #[error("git could not list the files of {}: {reason}", folder.display())]
    Unlisted {
        /// The project's folder.
        folder: PathBuf,
        /// The words of git.
        reason: String,
    },
    /// A clone was asked for, and there is nothing to clone.
    #[error("could not clone {}: {reason}", folder.display())]
    NoRepository {
        /// The project's folder.
        folder: PathBuf,
        /// Why it cannot be cloned.
        reason: String,
    },
    /// git refuses a step of a clone.
    #[error("git could not clone {}: {reason}", folder.display())]
    Clone {
        /// The folder in which git worked.
        folder: PathBuf,
        /// The words of git.
        reason: String,
    },
    /// A submodule that the job asks for is not on this machine.
    #[error("the submodule {} is not checked out", .0.display())]
    MissingSubmodule(PathBuf),
    /// A program cannot be run, or its output cannot be read.
    #[error("could not run {program}: {source}")]
    Program {
        /// `git` or `tar`.
        program: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl ProjectError {
    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::TooLarge { .. } => Some(
                "Leave large files to .gitignore, or set the variable GIT_STRATEGY to none if the job needs no files.",
            ),
            Self::NoRepository { .. } => {
                Some("Leave --git out to take the files of the folder as they are.")
            }
            Self::MissingSubmodule(_) => Some(
                "Run `git submodule update --init --recursive` in the folder; a trial clones from there alone.",
            ),
            Self::Unreadable { .. }
            | Self::Unlisted { .. }
            | Self::Clone { .. }
            | Self::Program { .. } => None,
        }
    }
}

/// The files of `folder` as they are on disk now.
///
/// In a work tree these are the files that git tracks or does not ignore, elsewhere all of them. A submodule is its
/// empty folder, as it is for a runner unless the job asks for more with `submodules`.
///
/// # Errors
///
/// When a file cannot be read, or all of them together are too large.
pub(crate) fn pack(folder: &Path, submodules: bool) -> Result<Archive, ProjectError> {
    match tracked(folder, submodules)? {
        Some(names) => pack_names(folder, &names),
        None => pack_all(folder, SIZE_LIMIT),
    }
}

/// All files below `folder`, at most `limit` bytes.
pub(super) fn pack_all(folder: &Path, limit: u64) -> Result<Archive, ProjectError> {
    let mut tar = tar(folder);
    tar.arg(".").stdin(Stdio::null());
    packed(folder, tar, limit)
}

/// The files of these names, each ended by a NUL.
fn pack_names(folder: &Path, names: &[u8]) -> Result<Archive, ProjectError> {
    let mut tar = tar(folder);
    let names = as_input(names).map_err(tar_failed)?;
    tar.args(["--null", "--no-recursion", "-T", "-"])
        .stdin(names);
    packed(folder, tar, SIZE_LIMIT)
}

fn tar(folder: &Path) -> Command {
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder).args(["-c", "-f", "-"]);
    tar
}

fn packed(folder: &Path, mut tar: Command, limit: u64) -> Result<Archive, ProjectError> {
    let tar = tar.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut packing = tar.spawn().map_err(tar_failed)?;
    let packed = match packing.stdout.take() {
        // With its reader gone, tar ends by itself.
        Some(output) => Archive::copied(output, limit).map_err(tar_failed)?,
        None => None,
    };
    let ended = packing.wait_with_output().map_err(tar_failed)?;
    let Some(packed) = packed else {
        return Err(ProjectError::TooLarge {
            folder: folder.to_owned(),
            limit,
        });
    };
    match ended.status.success() {
        true => packed.checked_out().map_err(tar_failed),
        false => Err(ProjectError::Unreadable {
            folder: folder.to_owned(),
            reason: complaint(&ended.stderr),
        }),
    }
}

fn tar_failed(source: io::Error) -> ProjectError {
    ProjectError::Program {
        program: "tar",
        source,
    }
}

/// The files below `folder` that exist and that git tracks or does not ignore, each name ended by a NUL.
///
/// `None` without git or a work tree.
fn tracked(folder: &Path, submodules: bool) -> Result<Option<Vec<u8>>, ProjectError> {
    // git lists the files of submodules among those that it tracks, and only apart from all others.
    let lists: &[&[&str]] = match submodules {
        true => &[
            &["--cached", "--recurse-submodules"],
            &["--others", "--exclude-standard"],
        ],
        false => &[&["--cached", "--others", "--exclude-standard"]],
    };
    let mut names = Vec::new();
    for list in lists {
        match listed(folder, list)? {
            Some(more) => names.extend(more),
            None => return Ok(None),
        }
    }
    let exists = |name: &[u8]| {
        let path = folder.join(OsStr::from_bytes(name));
        !name.is_empty() && path.symlink_metadata().is_ok()
    };
    let names = names.split(|byte| *byte == 0);
    let names = names.filter(|name| exists(name));
    Ok(Some(
        names.flat_map(|name| [name, b"\0"].concat()).collect(),
    ))
}

/// The paths of the files below `folder` that git tracks or does not ignore; `None` where git cannot tell.
pub(crate) fn listed_paths(folder: &Path) -> Option<Vec<String>> {
    let names = tracked(folder, false).ok()??;
    let names = names.split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty());
    // A submodule is a folder.
    let is_file = |name: &&[u8]| !folder.join(OsStr::from_bytes(name)).is_dir();
    let path = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    Some(names.filter(is_file).map(path).collect())
}

/// The answer of `git ls-files`; `None` without git or a work tree.
fn listed(folder: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>, ProjectError> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["ls-files", "-z"]);
    let output = match git.args(arguments).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ProjectError::Program {
                program: "git",
                source,
            });
        }
        Ok(output) => output,
    };
    if output.status.success() {
        return Ok(Some(output.stdout));
    }
    let reason = complaint(&output.stderr);
    if reason.contains("not a git repository") {
        return Ok(None);
    }
    // Such as a work tree of another user. Its ignored files must not be taken instead.
    Err(ProjectError::Unlisted {
        folder: folder.to_owned(),
        reason,
    })
}

pub(super) fn complaint(stderr: &[u8]) -> String {
    String::from_utf8_lossy(stderr).trim().to_owned()
}
