//! What git knows of the folder a job is taken from, for the variables that GitLab would have set.
//!
//! Everything here is optional: a folder outside git, or a machine without git, gives a job that names no commit.

use std::path::Path;
use std::process::Command;

/// Where and at which commit the folder stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checkout {
    /// Host of the remote `origin`; empty without one.
    pub(super) host: String,
    /// Path of the project at that host, such as `acme/shop`, or `local/<folder>`.
    pub(super) project: String,
    pub(super) commit: Option<Commit>,
    /// The branch that is checked out, if any.
    pub(super) branch: String,
    /// The tag of a checkout without a branch, if any.
    pub(super) tag: String,
    /// The remote's default branch, or `main`.
    pub(super) default_branch: String,
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
        let ask = |arguments: &[&str]| git(folder, arguments).unwrap_or_default();
        let (host, project) =
            remote_project(&ask(&["remote", "get-url", "origin"])).unwrap_or_default();
        let branch = ask(&["symbolic-ref", "--quiet", "--short", "HEAD"]);
        let tag = match branch.as_str() {
            "" => ask(&["describe", "--tags", "--exact-match"]),
            _ => String::new(),
        };
        let default = ask(&[
            "symbolic-ref",
            "--quiet",
            "--short",
            "refs/remotes/origin/HEAD",
        ]);
        Self {
            host,
            project: if project.is_empty() {
                local_project(folder)
            } else {
                project
            },
            commit: git(
                folder,
                &["log", "-1", "--format=%H%x00%an <%ae>%x00%cI%x00%B"],
            )
            .as_deref()
            .and_then(commit),
            branch,
            tag,
            default_branch: default.strip_prefix("origin/").unwrap_or("main").to_owned(),
        }
    }

    /// The name of the branch or tag; `HEAD` for neither, nothing without a commit.
    pub(super) fn reference(&self) -> &str {
        match (self.branch.as_str(), self.tag.as_str(), &self.commit) {
            ("", "", Some(_)) => "HEAD",
            ("", tag, _) => tag,
            (branch, _, _) => branch,
        }
    }
}

/// What git answers, without the last line's end; nothing when it fails or there is none.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .ok()?;
    let text = output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())?;
    Some(text.trim_end_matches('\n').to_owned())
}

fn commit(answer: &str) -> Option<Commit> {
    let mut parts = answer.splitn(4, '\0').map(str::to_owned);
    Some(Commit {
        sha: parts.next()?,
        author: parts.next()?,
        timestamp: parts.next()?,
        message: parts.next()?,
    })
}

/// Host and project of a remote's URL, in either of git's spellings. User names and passwords are dropped.
fn remote_project(url: &str) -> Option<(String, String)> {
    let (authority, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => url.split_once(':')?,
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    // It becomes part of a path in the task.
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let usable = !host.is_empty() && path.contains('/') && path.split('/').all(plain);
    usable.then(|| (host.to_owned(), path.to_owned()))
}

fn local_project(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = folder
        .file_name()
        .map(|name| slug(&name.to_string_lossy()))
        .unwrap_or_default();
    format!("local/{}", if name.is_empty() { "project" } else { &name })
}

/// `text` as GitLab's `*_SLUG` variables have it: lower case, 63 characters, `-` for anything else.
pub(super) fn slug(text: &str) -> String {
    let plain = text.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    let short: String = plain.take(63).collect();
    short.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_host_and_project_and_no_secret() {
        for (url, expected) in [
            (
                "https://gitlab.example.com/acme/shop.git",
                Some(("gitlab.example.com", "acme/shop")),
            ),
            (
                "https://user:secret@gitlab.example.com:8443/a/b/c",
                Some(("gitlab.example.com:8443", "a/b/c")),
            ),
            (
                "git@gitlab.example.com:acme/shop.git",
                Some(("gitlab.example.com", "acme/shop")),
            ),
            (
                "ssh://git@example.com/acme/shop",
                Some(("example.com", "acme/shop")),
            ),
            ("/srv/git/shop.git", None),
            ("file:///srv/git/shop.git", None),
            ("https://example.com/../../etc", None),
            ("https://example.com/one", None),
            ("git@example.com:acme/$(id)", None),
            ("", None),
        ] {
            let expected = expected.map(|(host, path)| (host.to_owned(), path.to_owned()));
            assert_eq!(remote_project(url), expected, "{url}");
        }
    }

    #[test]
    fn a_folder_of_a_repository_names_its_commit() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let fixed = [
                "-c",
                "user.name=A Name",
                "-c",
                "user.email=a@example.com",
                "-c",
                "commit.gpgsign=false",
            ];
            let done = Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(fixed)
                .args(arguments)
                .output()
                .unwrap();
            assert!(
                done.status.success(),
                "{arguments:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        };
        git(&["init", "-q", "-b", "topic/one"]);
        git(&[
            "remote",
            "add",
            "origin",
            "git@gitlab.example.com:acme/shop.git",
        ]);
        assert_eq!(Checkout::of(folder.path()).commit, None);
        git(&["commit", "-q", "--allow-empty", "-m", "Title\n\nMore of it"]);
        let checkout = Checkout::of(folder.path());
        let commit = checkout.commit.clone().unwrap();
        assert_eq!(
            (checkout.project.as_str(), checkout.reference()),
            ("acme/shop", "topic/one")
        );
        assert_eq!(
            (commit.sha.len(), commit.author.as_str()),
            (40, "A Name <a@example.com>")
        );
        assert_eq!(commit.message, "Title\n\nMore of it");
        git(&["tag", "v1"]);
        git(&["checkout", "-q", "--detach"]);
        assert_eq!(Checkout::of(folder.path()).reference(), "v1");
    }

    #[test]
    fn a_folder_outside_git_is_local() {
        let folder = tempfile::Builder::new()
            .prefix("My Shop")
            .tempdir()
            .unwrap();
        let checkout = Checkout::of(folder.path());
        assert!(
            checkout.project.starts_with("local/my-shop"),
            "{checkout:?}"
        );
        assert_eq!((checkout.commit.clone(), checkout.reference()), (None, ""));
    }
}
