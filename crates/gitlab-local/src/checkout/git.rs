//! Facts about a project's folder, for the variables that GitLab sets.

use std::path::Path;
use std::process::Command;

/// Longest value of a `*_SLUG` variable: a DNS label.
const SLUG_LENGTH: usize = 63;

/// A project's folder. Outside git, or on a machine without it, there is no commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// Path of the project, `local/<folder>`.
    pub(crate) project: String,
    /// The branch, or `HEAD` where none is checked out.
    pub(crate) reference: String,
    pub(crate) commit: Option<Commit>,
}

/// The commit that is checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    /// `Name <address>`
    pub(crate) author: String,
    /// ISO 8601.
    pub(crate) timestamp: String,
    pub(crate) message: String,
}

impl Checkout {
    /// Reads the facts about `folder`.
    pub(crate) fn read(folder: &Path) -> Self {
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

    /// The project's last name, and the path before it.
    pub(crate) fn project_name(&self) -> (&str, &str) {
        let (namespace, name) = self.project.rsplit_once('/').unwrap_or(("", &self.project));
        (name, namespace)
    }
}

/// The answer of git without its last line end; nothing when git fails or is missing.
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

/// `text` in the form of GitLab's `*_SLUG` variables: lower case, 63 characters, `-` for anything else.
pub(crate) fn slug(text: &str) -> String {
    let allowed = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => '-',
    };
    let short: String = text.chars().take(SLUG_LENGTH).map(allowed).collect();
    short.trim_matches('-').to_owned()
}
