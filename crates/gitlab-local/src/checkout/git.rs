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
    /// The branch, else the tag, or `HEAD` where neither is checked out.
    pub(crate) reference: String,
    /// The tag, where no branch is checked out.
    pub(crate) tag: Option<Tag>,
    pub(crate) commit: Option<Commit>,
    /// Where the branch that is checked out left the default branch; none on the default branch itself, and where that
    /// is not on this machine.
    pub(crate) base: Option<String>,
    /// The project's default branch, as far as the folder knows it.
    pub(crate) default_branch: String,
    pub(crate) user: User,
}

/// A tag that is checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) name: String,
    /// Empty for a tag without one.
    pub(crate) message: String,
}

/// The person who runs the job, as git knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// The commit that is checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    /// The first parent; empty for the first commit.
    pub(crate) parent: String,
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
        let format = "--format=%H%x00%P%x00%an <%ae>%x00%cI%x00%B";
        let commit = git(folder, &["log", "-1", format]);
        let branch = git(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]);
        let tag = match branch {
            Some(_) => None,
            None => tag(folder),
        };
        let setting = |key: &str| git(folder, &["config", key]).unwrap_or_default();
        let default_branch = default_branch(folder);
        let base = branch.as_deref().filter(|branch| *branch != default_branch);
        let base = base.and_then(|_| merge_base(folder, &default_branch));
        let tagged = || tag.as_ref().map(|tag| tag.name.clone());
        Self {
            project: format!("local/{name}"),
            reference: branch.or_else(tagged).unwrap_or_else(|| "HEAD".to_owned()),
            tag,
            commit: commit.as_deref().and_then(parse_commit),
            base,
            default_branch,
            user: User {
                name: setting("user.name"),
                email: setting("user.email"),
            },
        }
    }

    /// The branch that is checked out, if there is one.
    pub(crate) fn branch(&self) -> Option<&str> {
        let branch = Some(self.reference.as_str()).filter(|name| !matches!(*name, "" | "HEAD"));
        branch.filter(|_| self.tag.is_none())
    }

    /// The project's last name, and the path before it.
    pub(crate) fn project_name(&self) -> (&str, &str) {
        let (namespace, name) = self.project.rsplit_once('/').unwrap_or(("", &self.project));
        (name, namespace)
    }
}

fn tag(folder: &Path) -> Option<Tag> {
    let name = git(folder, &["describe", "--tags", "--exact-match", "HEAD"])?;
    let contents = "--format=%(objecttype)%00%(contents)";
    let described = git(
        folder,
        &["for-each-ref", contents, &format!("refs/tags/{name}")],
    )?;
    // Of a tag that is no object of its own, these are the commit's.
    let message = described.strip_prefix("tag\0").unwrap_or_default();
    Some(Tag {
        message: message.trim_end().to_owned(),
        name,
    })
}

/// The branch to which the remote's `HEAD` points, else a branch of one of the usual names.
fn default_branch(folder: &Path) -> String {
    let remote = [
        "symbolic-ref",
        "--quiet",
        "--short",
        "refs/remotes/origin/HEAD",
    ];
    let remote = git(folder, &remote);
    let remote = remote
        .as_deref()
        .and_then(|name| name.strip_prefix("origin/"));
    let exists = |name: &&str| {
        let reference = format!("refs/heads/{name}");
        git(folder, &["show-ref", "--verify", "--quiet", &reference]).is_some()
    };
    let usual = || ["main", "master"].into_iter().find(exists);
    remote.or_else(usual).unwrap_or("main").to_owned()
}

/// The last commit that the branch and the default branch have in common.
fn merge_base(folder: &Path, default_branch: &str) -> Option<String> {
    let known = [
        format!("refs/remotes/origin/{default_branch}"),
        format!("refs/heads/{default_branch}"),
    ];
    let mut known = known.iter();
    known.find_map(|name| git(folder, &["merge-base", "HEAD", name]))
}

/// The answer of git without its last line end; nothing when git fails or is missing.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    let output = git.arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answered = output.status.success();
    answered.then(|| text.trim_end_matches('\n').to_owned())
}

fn parse_commit(answer: &str) -> Option<Commit> {
    let mut parts = answer.splitn(5, '\0').map(str::to_owned);
    let first = |parents: String| parents.split(' ').next().unwrap_or_default().to_owned();
    // git ends a time in UTC with `Z`, GitLab's Ruby does not.
    let with_offset = |time: String| match time.strip_suffix('Z') {
        Some(time) => format!("{time}+00:00"),
        None => time,
    };
    Some(Commit {
        sha: parts.next()?,
        parent: parts.next().map(first)?,
        author: parts.next()?,
        timestamp: parts.next().map(with_offset)?,
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
