//! `artifacts:`: files that a job leaves for later jobs.

use crate::file::values::{switch, text, texts};
use crate::yaml::Node;

/// The files that a job leaves for later jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Artifacts {
    /// The archive's name, with variables; GitLab's default is `artifacts`.
    pub(crate) name: Option<String>,
    /// Patterns relative to the project's folder, with variables.
    pub(crate) paths: Vec<String>,
    /// Patterns of files that are left out.
    pub(crate) exclude: Vec<String>,
    /// Whether all files that git does not track are kept, too.
    pub(crate) untracked: bool,
    pub(crate) when: KeepWhen,
    /// A duration, or `never`, as it is written.
    pub(crate) expire_in: Option<String>,
    /// `reports: dotenv`: files whose lines become variables of later jobs.
    pub(crate) dotenv: Vec<String>,
    /// Names of the other reports, which only GitLab's pages show.
    pub(crate) other_reports: Vec<String>,
}

/// After which end of its script a job's files are kept: artifacts and caches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum KeepWhen {
    #[default]
    OnSuccess,
    OnFailure,
    Always,
}

impl KeepWhen {
    /// The `when` of a node.
    ///
    /// # Errors
    ///
    /// With the fault, which follows the keyword.
    pub(super) fn read(node: &Node) -> Result<Self, String> {
        match text(node, "when")?.as_deref() {
            None | Some("on_success") => Ok(Self::OnSuccess),
            Some("on_failure") => Ok(Self::OnFailure),
            Some("always") => Ok(Self::Always),
            Some(_) => Err("when should be one of: on_success, on_failure, always".to_owned()),
        }
    }

    /// The keyword's value.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::OnSuccess => "on_success",
            Self::OnFailure => "on_failure",
            Self::Always => "always",
        }
    }

    /// Whether files are kept after a script that succeeded, or failed.
    pub(crate) fn keeps(self, succeeded: bool) -> bool {
        match self {
            Self::OnSuccess => succeeded,
            Self::OnFailure => !succeeded,
            Self::Always => true,
        }
    }
}

/// Reads `artifacts:`.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn read_artifacts(node: &Node) -> Result<Artifacts, String> {
    if node.as_map().is_none() {
        return Err("should be a hash".to_owned());
    }
    let reports = node.get("reports");
    let dotenv = reports
        .map(|reports| texts(reports, "dotenv"))
        .transpose()?;
    let other_reports = reports.into_iter().flat_map(Node::entries);
    let other_reports = other_reports.map(|(name, _)| name.to_owned());
    Ok(Artifacts {
        name: text(node, "name")?,
        paths: texts(node, "paths")?,
        exclude: texts(node, "exclude")?,
        untracked: switch(node, "untracked")?,
        when: KeepWhen::read(node)?,
        expire_in: text(node, "expire_in")?,
        dotenv: dotenv.unwrap_or_default(),
        other_reports: other_reports.filter(|name| name != "dotenv").collect(),
    })
}
