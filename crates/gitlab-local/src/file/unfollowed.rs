//! Warnings of what has no effect here: at most three for a job.

use std::collections::BTreeSet;

use crate::file::include_entry::AbsentFile;
use crate::file::inherit::JobNode;
use crate::file::keywords::{KEYWORDS, Keyword, Treatment, is_part};
use crate::yaml::Node;

/// The warnings of a job.
///
/// `missing` are names in `extends`, and `absent` included files, that are not here.
pub(super) fn unfollowed(
    job: &JobNode<'_>,
    missing: &BTreeSet<String>,
    absent: &[AbsentFile],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if !absent.is_empty() {
        warnings.push(format!(
            "what these included files set is missing: {} (--include-dir names a folder that has them)",
            AbsentFile::list(absent)
        ));
    }
    if !missing.is_empty() {
        let missing: Vec<_> = missing.iter().map(String::as_str).collect();
        warnings.push(format!(
            "job {} extends {}, which an included file has that is not here: what it adds is missing",
            job.name,
            missing.join(", ")
        ));
    }
    warnings.extend(summary(job));
    warnings
}

/// One line for all keywords of the job that are not followed.
fn summary(job: &JobNode<'_>) -> Option<String> {
    let mut told: Vec<&Keyword> = Vec::new();
    for keyword in KEYWORDS {
        let is_told = told.iter().any(|whole| is_part(keyword.path, whole.path));
        if keyword.treatment == Treatment::NotFollowed && !is_told && has(job, keyword.path) {
            told.push(keyword);
        }
    }
    let told = told.iter();
    let told: Vec<_> = told
        .map(|keyword| format!("`{}` ({})", keyword.path, keyword.effect))
        .collect();
    match told.is_empty() {
        true => None,
        false => Some(format!(
            "job {}: not followed: {}",
            job.name,
            told.join(", ")
        )),
    }
}

/// Whether the job has or inherits the keyword of this path, such as `needs:project`.
fn has(job: &JobNode<'_>, path: &str) -> bool {
    let (keyword, parts) = path.split_once(':').unwrap_or((path, ""));
    job.get(keyword).is_some_and(|node| has_part(node, parts))
}

/// Whether a node, or an item of it, has the keys of `path`.
fn has_part(node: &Node, path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    if let Some(items) = node.as_list() {
        return items.iter().any(|item| has_part(item, path));
    }
    let (key, parts) = path.split_once(':').unwrap_or((path, ""));
    node.get(key).is_some_and(|node| has_part(node, parts))
}
