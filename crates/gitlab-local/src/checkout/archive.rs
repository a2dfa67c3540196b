//! The files of a project's folder as a tar file, which travels to the job behind a script.

use std::ffi::OsStr;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::transfer::Archive;

/// Largest tar file, in bytes: it travels behind a script, for each job anew.
pub(super) const SIZE_LIMIT: u64 = 32 * 1024 * 1024;

/// Why the files of a project's folder cannot be taken to the job.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There are too many, or they are too large.
    #[error("could not pack the files of {}: they are more than {} MiB, too much for a local run", .0.display(), SIZE_LIMIT >> 20)]
    TooLarge(PathBuf),
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
            Self::TooLarge(_) => Some(
                "Leave large files to .gitignore, or set the variable GIT_STRATEGY to none if the job needs no files.",
            ),
            Self::Unreadable { .. } | Self::Unlisted { .. } | Self::Program { .. } => None,
        }
    }
}

/// The files of `folder` as they are on disk now.
///
/// In a work tree these are the files that git tracks or does not ignore, elsewhere all of them.
///
/// # Errors
///
/// When a file cannot be read, or all of them together are too large.
pub(crate) fn pack(folder: &Path) -> Result<Archive, ProjectError> {
    let failed = |source| ProjectError::Program {
        program: "tar",
        source,
    };
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder).args(["-c", "-f", "-"]);
    match tracked(folder)? {
        // A submodule is its empty folder, as it is for a runner unless the job asks for more.
        Some(names) => tar
            .args(["--null", "--no-recursion", "-T", "-"])
            .stdin(as_input(&names).map_err(failed)?),
        None => tar.arg(".").stdin(Stdio::null()),
    };
    let tar = tar.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut packing = tar.spawn().map_err(failed)?;
    let packed = match packing.stdout.take() {
        // With its reader gone, tar ends by itself.
        Some(output) => Archive::copied(output, SIZE_LIMIT).map_err(failed)?,
        None => None,
    };
    let ended = packing.wait_with_output().map_err(failed)?;
    let Some(packed) = packed else {
        return Err(ProjectError::TooLarge(folder.to_owned()));
    };
    match ended.status.success() {
        true => Ok(packed),
        false => Err(ProjectError::Unreadable {
            folder: folder.to_owned(),
            reason: complaint(&ended.stderr),
        }),
    }
}

/// The files below `folder` that exist and that git tracks or does not ignore, each name ended by a NUL.
///
/// `None` without git or a work tree.
fn tracked(folder: &Path) -> Result<Option<Vec<u8>>, ProjectError> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let output = match git.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ProjectError::Program {
                program: "git",
                source,
            });
        }
        Ok(output) => output,
    };
    if !output.status.success() {
        let reason = complaint(&output.stderr);
        if reason.contains("not a git repository") {
            return Ok(None);
        }
        // Such as a work tree of another user. Its ignored files must not be taken instead.
        return Err(ProjectError::Unlisted {
            folder: folder.to_owned(),
            reason,
        });
    }
    let exists = |name: &[u8]| {
        let path = folder.join(OsStr::from_bytes(name));
        !name.is_empty() && path.symlink_metadata().is_ok()
    };
    let names = output.stdout.split(|byte| *byte == 0);
    let names = names.filter(|name| exists(name));
    Ok(Some(
        names.flat_map(|name| [name, b"\0"].concat()).collect(),
    ))
}

fn complaint(stderr: &[u8]) -> String {
    String::from_utf8_lossy(stderr).trim().to_owned()
}

/// A file with `content` for standard input: a pipe would need somebody to fill it meanwhile.
pub(super) fn as_input(content: &[u8]) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(content)?;
    file.rewind()?;
    Ok(Stdio::from(file))
}
