//! The job's folder as a tar file, in place of the clone that a runner would make.
//!
//! What is taken is what a commit of everything would hold: files tracked by git and files git does not
//! ignore, as they are on disk now.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Blame, Error, Result};

use super::script::Sources;

/// The most that is taken along, in bytes of the tar file: it travels inside a script, in every trial anew.
const SIZE_LIMIT: u64 = 32 * 1024 * 1024;

/// Packs `folder`.
///
/// # Errors
///
/// [`Blame::Usage`] when a file cannot be read, or all of them are too large together.
pub(super) fn pack(folder: &Path) -> Result<Sources> {
    let mut files = match tracked(folder)? {
        Some(files) => files,
        None => walk(folder)?,
    };
    files.sort();
    files.dedup();
    let mut tar = tar::Builder::new(Vec::new());
    // Owner, group and time mean nothing in the task; whether a file is executable does.
    tar.mode(tar::HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    let mut size = 0;
    let mut count = 0_u32;
    for file in &files {
        let path = folder.join(file);
        let failed = |error: std::io::Error| {
            Error::new(
                Blame::Usage,
                format!("could not read {}: {error}", path.display()),
            )
        };
        let metadata = match path.symlink_metadata() {
            // Tracked by git, but deleted since.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            metadata => metadata.map_err(failed)?,
        };
        if !can_be_packed(&metadata) {
            continue;
        }
        size += if metadata.is_file() {
            metadata.len()
        } else {
            0
        };
        if size > SIZE_LIMIT {
            return Err(too_large(folder));
        }
        tar.append_path_with_name(&path, file).map_err(failed)?;
        count += u32::from(!metadata.is_dir());
    }
    let tar = tar
        .into_inner()
        .map_err(|error| Error::system(format!("could not pack {}: {error}", folder.display())))?;
    if tar.len() as u64 > SIZE_LIMIT {
        return Err(too_large(folder));
    }
    let what = if count == 1 {
        "1 file".to_owned()
    } else {
        format!("{count} files")
    };
    let notice = format!(
        "Taking {what} of {} as they are now ({} KiB)",
        folder.display(),
        tar.len().div_ceil(1024)
    );
    Ok(Sources::Folder {
        notice,
        tar: STANDARD.encode(tar),
    })
}

/// Files, links and folders; a tar file of sockets and devices would help nobody.
fn can_be_packed(metadata: &Metadata) -> bool {
    metadata.is_file() || metadata.is_symlink() || metadata.is_dir()
}

fn too_large(folder: &Path) -> Error {
    Error::new(
        Blame::Usage,
        format!("the files of {} are more than {} MiB, too much for a trial", folder.display(), SIZE_LIMIT >> 20),
    )
    .advise("Leave large files to .gitignore, or set the variable GIT_STRATEGY to none if the job needs no files.")
}

/// What git tracks or at least does not ignore below `folder`; `None` where `folder` is in no work tree.
/// A submodule is its empty folder, as it is for a runner unless the job asks for more.
fn tracked(folder: &Path) -> Result<Option<Vec<PathBuf>>> {
    use std::os::unix::ffi::OsStringExt as _;
    let listed = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output();
    let output = match listed {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::system(format!("could not run git: {error}"))),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return match said.contains("not a git repository") {
            true => Ok(None),
            // Such as a work tree of another user: taking what git would ignore is not what was meant.
            false => Err(Error::new(
                Blame::Usage,
                format!(
                    "git could not list the files of {}: {}",
                    folder.display(),
                    said.trim()
                ),
            )),
        };
    }
    let names = output
        .stdout
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty());
    Ok(Some(
        names
            .map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.to_vec())))
            .collect(),
    ))
}

/// Everything below `folder`.
fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inner) = open.pop() {
        let path = folder.join(&inner);
        let failed = |error: std::io::Error| {
            Error::new(
                Blame::Usage,
                format!("could not read {}: {error}", path.display()),
            )
        };
        for entry in path.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = inner.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push(name.clone());
            }
            found.push(name);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(folder: &Path, name: &str, content: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Packs `folder` and lists what `tar` sees in it.
    fn listed(folder: &Path) -> String {
        let Sources::Folder { tar, .. } = pack(folder).unwrap() else {
            panic!("nothing was packed")
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), STANDARD.decode(tar).unwrap()).unwrap();
        let output = Command::new("tar")
            .arg("-tvf")
            .arg(file.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        let line = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {}", words[0], words[5..].join(" "))
        };
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "README", "hello");
        write(folder.path(), "bin/run me", "#!/bin/sh");
        std::fs::set_permissions(
            folder.path().join("bin/run me"),
            PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        write(folder.path(), "target/big", "x");
        std::os::unix::fs::symlink("README", folder.path().join("link")).unwrap();
        folder
    }

    #[test]
    fn a_folder_outside_git_is_taken_whole() {
        let folder = sample();
        assert_eq!(
            listed(folder.path()),
            "-rw-r--r-- README\ndrwxr-xr-x bin\n-rwxr-xr-x bin/run me\nlrwxr-xr-x link -> README\n\
             drwxr-xr-x target\n-rw-r--r-- target/big"
        );
    }

    #[test]
    fn in_a_work_tree_git_decides() {
        let folder = sample();
        write(folder.path(), ".gitignore", "target/\n");
        write(folder.path(), "gone", "x");
        let git = |arguments: &[&str]| {
            assert!(
                Command::new("git")
                    .arg("-C")
                    .arg(folder.path())
                    .args(arguments)
                    .output()
                    .unwrap()
                    .status
                    .success()
            );
        };
        git(&["init", "-q"]);
        git(&["add", "README", "gone"]);
        std::fs::remove_file(folder.path().join("gone")).unwrap();
        assert_eq!(
            listed(folder.path()),
            "-rw-r--r-- .gitignore\n-rw-r--r-- README\n-rwxr-xr-x bin/run me\nlrwxr-xr-x link -> README"
        );
        assert_eq!(
            listed(&folder.path().join("bin")),
            "-rwxr-xr-x run me",
            "a folder within is its own project"
        );
    }

    #[test]
    fn too_much_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        // Sparse: it takes no room on disk.
        let file = std::fs::File::create(folder.path().join("big")).unwrap();
        file.set_len(SIZE_LIMIT + 1).unwrap();
        let error = pack(folder.path()).unwrap_err();
        assert!(error.to_string().contains("more than 32 MiB"), "{error}");
        assert!(error.advice().unwrap().contains(".gitignore"));
    }

    #[test]
    fn long_names_survive() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}/{}", "d".repeat(120), "f".repeat(200));
        write(folder.path(), &name, "x");
        assert!(listed(folder.path()).contains(&name));
    }
}
