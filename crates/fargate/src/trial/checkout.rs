//! The folder a job is taken from: what git knows of it, for the variables that GitLab would have set, and its
//! files, in place of the clone that a runner would make.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Blame, Error, Result};

/// The most that is taken along, in bytes of the tar file: it travels inside a script, in every trial anew.
const SIZE_LIMIT: u64 = 32 * 1024 * 1024;

/// Where the folder stands. Outside git, or on a machine without it, there is no commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checkout {
    /// Path of the project, `local/<folder>`.
    pub(super) project: String,
    /// The branch, or `HEAD` where none is checked out.
    pub(super) reference: String,
    pub(super) commit: Option<Commit>,
}

/// The commit that is checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) sha: String,
    /// `Name <address>`
    pub(super) author: String,
    /// ISO 8601.
    pub(super) timestamp: String,
    pub(super) message: String,
}

impl Checkout {
    /// Looks at `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = absolute.file_name().unwrap_or_default();
        let name = match slug(&name.to_string_lossy()) {
            empty if empty.is_empty() => "project".to_owned(),
            name => name,
        };
        let format = "--format=%H%x00%an <%ae>%x00%cI%x00%B";
        let commit = git(folder, &["log", "-1", format]);
        let branch = git(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]);
        Self {
            project: format!("local/{name}"),
            reference: branch.unwrap_or_else(|| "HEAD".to_owned()),
            commit: commit.as_deref().and_then(parse_commit),
        }
    }
}

/// What git answers, without the last line's end; nothing when it fails or there is none.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    let output = git.arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answered = output.status.success();
    answered.then(|| text.trim_end_matches('\n').to_owned())
}

fn parse_commit(answer: &str) -> Option<Commit> {
    let mut parts = answer.splitn(4, '\0').map(str::to_owned);
    Some(Commit {
        sha: parts.next()?,
        author: parts.next()?,
        timestamp: parts.next()?,
        message: parts.next()?,
    })
}

/// `text` as GitLab's `*_SLUG` variables have it: lower case, 63 characters, `-` for anything else.
pub(super) fn slug(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => '-',
    };
    let short: String = text.chars().take(63).map(plain).collect();
    short.trim_matches('-').to_owned()
}

/// The files of `folder` as they are on disk now, as a tar file in base64: in a work tree those that git tracks
/// or does not ignore, elsewhere all of them.
///
/// # Errors
///
/// [`Blame::Usage`] when a file cannot be read, or all of them are too large together.
pub(super) fn pack(folder: &Path) -> Result<String> {
    let cannot = |why: String| {
        Error::new(
            Blame::Usage,
            format!("could not pack the files of {}: {why}", folder.display()),
        )
    };
    let failed = |error: std::io::Error| cannot(error.to_string());
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder).args(["-c", "-f", "-"]);
    match tracked(folder)? {
        // A submodule is its empty folder, as it is for a runner unless the job asks for more.
        Some(names) => tar
            .args(["--null", "--no-recursion", "-T", "-"])
            .stdin(as_input(&names).map_err(failed)?),
        None => tar.arg(".").stdin(Stdio::null()),
    };
    let mut packing = tar
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cannot(format!("tar cannot be started: {error}")))?;
    let mut packed = Vec::new();
    if let Some(output) = packing.stdout.take() {
        // With its reader gone, tar ends by itself.
        output
            .take(SIZE_LIMIT + 1)
            .read_to_end(&mut packed)
            .map_err(failed)?;
    }
    let ended = packing.wait_with_output().map_err(failed)?;
    if packed.len() as u64 > SIZE_LIMIT {
        return Err(cannot(format!("they are more than {} MiB, too much for a trial", SIZE_LIMIT >> 20)).advise(
            "Leave large files to .gitignore, or set the variable GIT_STRATEGY to none if the job needs no files.",
        ));
    }
    match ended.status.success() {
        true => Ok(STANDARD.encode(packed)),
        false => Err(cannot(
            String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
        )),
    }
}

/// What git tracks or at least does not ignore below `folder` and is there, each name ended by a NUL; `None`
/// where there is no git or no work tree.
fn tracked(folder: &Path) -> Result<Option<Vec<u8>>> {
    use std::os::unix::ffi::OsStrExt as _;
    let arguments = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let output = match Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
    {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::system(format!("could not run git: {error}"))),
        Ok(output) => output,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("not a git repository") {
            return Ok(None);
        }
        // Such as a work tree of another user: taking what git would ignore is not what was meant.
        let message = format!(
            "git could not list the files of {}: {}",
            folder.display(),
            said.trim()
        );
        return Err(Error::new(Blame::Usage, message));
    }
    let is_there = |name: &[u8]| {
        let path = folder.join(std::ffi::OsStr::from_bytes(name));
        !name.is_empty() && path.symlink_metadata().is_ok()
    };
    let names = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|name| is_there(name));
    Ok(Some(
        names.flat_map(|name| [name, b"\0"].concat()).collect(),
    ))
}

/// A file with `content`, to be read as standard input: a pipe would want somebody to fill it meanwhile.
fn as_input(content: &[u8]) -> std::io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(content)?;
    file.rewind()?;
    Ok(Stdio::from(file))
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

    fn git(folder: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder);
        git.args([
            "-c",
            "user.name=A Name",
            "-c",
            "user.email=a@example.com",
            "-c",
            "commit.gpgsign=false",
        ]);
        let done = git.args(arguments).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Packs `folder` and unpacks that again.
    fn packed(folder: &Path) -> tempfile::TempDir {
        let unpacked = tempfile::tempdir().unwrap();
        let tar = STANDARD.decode(pack(folder).unwrap()).unwrap();
        let mut command = Command::new("tar");
        command
            .arg("-C")
            .arg(unpacked.path())
            .arg("-x")
            .stdin(as_input(&tar).unwrap());
        assert!(command.status().unwrap().success());
        unpacked
    }

    fn names(folder: &Path) -> Vec<String> {
        let list = Command::new("find")
            .arg(".")
            .current_dir(folder)
            .output()
            .unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        let mut names: Vec<_> = list
            .lines()
            .filter_map(|name| name.strip_prefix("./"))
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }

    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "README", "hello");
        write(folder.path(), "bin/run me", "#!/bin/sh");
        let executable = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join("bin/run me"), executable).unwrap();
        write(folder.path(), "target/big", "x");
        std::os::unix::fs::symlink("README", folder.path().join("link")).unwrap();
        folder
    }

    #[test]
    fn a_folder_outside_git_is_taken_whole() {
        let (folder, checkout) = (sample(), Checkout::of(sample().path()));
        assert!(checkout.project.starts_with("local/tmp"), "{checkout:?}");
        assert_eq!(checkout.commit, None);
        let copy = packed(folder.path());
        assert_eq!(
            names(copy.path()),
            [
                "README",
                "bin",
                "bin/run me",
                "link",
                "target",
                "target/big"
            ]
        );
        let mode = copy
            .path()
            .join("bin/run me")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111);
        assert!(copy.path().join("link").is_symlink());
    }

    #[test]
    fn in_a_work_tree_git_decides() {
        let folder = sample();
        write(folder.path(), ".gitignore", "target/\n");
        write(folder.path(), "gone", "x");
        git(folder.path(), &["init", "-q", "-b", "topic/one"]);
        git(folder.path(), &["add", "README", "gone"]);
        assert_eq!(Checkout::of(folder.path()).commit, None);
        git(
            folder.path(),
            &["commit", "-q", "-m", "Title\n\nMore of it"],
        );
        std::fs::remove_file(folder.path().join("gone")).unwrap();
        assert_eq!(
            names(packed(folder.path()).path()),
            [".gitignore", "README", "bin", "bin/run me", "link"]
        );
        // A folder within is its own project.
        assert_eq!(names(packed(&folder.path().join("bin")).path()), ["run me"]);

        let checkout = Checkout::of(folder.path());
        let commit = checkout.commit.unwrap();
        assert_eq!(
            (checkout.reference.as_str(), commit.sha.len()),
            ("topic/one", 40)
        );
        assert_eq!(commit.author, "A Name <a@example.com>");
        assert_eq!(commit.message, "Title\n\nMore of it");
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
}
