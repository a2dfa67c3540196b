//! `changes`: whether files have changed, as far as git knows it (`Rules::Rule::Clause::Changes`).

use super::facts::Facts;
use crate::checkout::Base;
use crate::file::project_files::any_matches;
use crate::file::values::{text, text_list, texts};
use crate::yaml::Node;

/// Whether a file has changed that `changes` names; none where a trial cannot know.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(super) fn has_changes(changes: &Node, facts: Facts<'_>) -> Result<Option<bool>, String> {
    if changes.get("regexp").is_some() {
        return Ok(None);
    }
    let globs = match changes.as_map() {
        Some(_) => texts(changes, "paths")?,
        None => text_list(changes)?,
    };
    let compare_to = text(changes, "compare_to")?;
    let compare_to = compare_to.map(|name| facts.variables.expand_known(&name));
    let base = match compare_to.map(Base::Reference).or_else(|| base(facts)) {
        Some(base) => base,
        // GitLab compares nothing in pipelines of tags, schedules and the like.
        None => return Ok(Some(true)),
    };
    let globs = globs.iter().map(|glob| facts.variables.expand_known(glob));
    let globs: Vec<_> = globs.collect();
    let changed = facts.files.changed(&base);
    // After a push without changes there would be no pipeline.
    let known = changed.filter(|paths| !paths.is_empty() || base != Base::Upstream);
    Ok(known.map(|paths| any_matches(&globs, &paths)))
}

/// What GitLab compares with: what the branch had before a push, or the target of a merge request.
fn base(facts: Facts<'_>) -> Option<Base> {
    let is_tag = facts.variables.get("CI_COMMIT_TAG").is_some();
    match facts.variables.value("CI_PIPELINE_SOURCE") {
        "merge_request_event" => {
            let target = facts.variables.value("CI_DEFAULT_BRANCH");
            Some(Base::Reference(target.to_owned()))
        }
        "push" if !is_tag => Some(Base::Upstream),
        _ => None,
    }
}
