//! Warnings of what has no effect here: at most three for a job.

use std::collections::BTreeSet;

use crate::file::inherit::JobNode;
use crate::file::keywords::{Treatment, job_keyword};

/// The warnings of a job.
///
/// `missing` are names in `extends`, and `absent` included files, that are not here.
pub(super) fn unfollowed(
    job: &JobNode<'_>,
    missing: &BTreeSet<String>,
    absent: &[String],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if !absent.is_empty() {
        warnings.push(format!(
            "what these included files set is missing: {} (--include-dir names a folder that has them)",
            absent.join(", ")
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
    let told = |name: &&str| match job_keyword(name) {
        Some(keyword) if keyword.treatment == Treatment::NotFollowed => {
            Some(format!("`{name}` ({})", keyword.effect))
        }
        Some(_) => None,
        None => Some(format!("`{name}` (not a keyword that is known here)")),
    };
    let keywords = job.keywords();
    let told: Vec<_> = keywords.iter().filter_map(told).collect();
    match told.is_empty() {
        true => None,
        false => Some(format!(
            "job {}: not followed: {}",
            job.name,
            told.join(", ")
        )),
    }
}
