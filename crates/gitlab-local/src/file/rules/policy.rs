//! `only` and `except`, the older form of `rules` (`Gitlab::Ci::Build::Policy`).

use super::expression::{Expression, written_pattern};
use super::rule::Facts;
use crate::file::values::{text_list, texts};
use crate::yaml::Node;

/// Names of pipelines' sources in `only` and `except`, with the value of `CI_PIPELINE_SOURCE`.
const SOURCES: &[(&str, &str)] = &[
    ("pushes", "push"),
    ("web", "web"),
    ("triggers", "trigger"),
    ("schedules", "schedule"),
    ("api", "api"),
    ("external", "external"),
    ("pipelines", "pipeline"),
    ("chat", "chat"),
    ("merge_requests", "merge_request_event"),
    ("external_pull_requests", "external_pull_request_event"),
];

/// The keyword that keeps a job out of a pipeline of this trial; none when `only` and `except` let it in.
///
/// # Errors
///
/// With the keyword and its fault.
pub(in crate::file) fn policy_verdict(
    job: &Node,
    facts: Facts<'_>,
) -> Result<Option<&'static str>, (&'static str, String)> {
    if let Some(only) = job.get("only") {
        let conditions = conditions(only, facts).map_err(|fault| ("only", fault))?;
        if !conditions.iter().all(|holds| holds.unwrap_or(true)) {
            return Ok(Some("only"));
        }
    }
    if let Some(except) = job.get("except") {
        let conditions = conditions(except, facts).map_err(|fault| ("except", fault))?;
        if conditions.iter().any(|holds| holds.unwrap_or(false)) {
            return Ok(Some("except"));
        }
    }
    Ok(None)
}

/// Whether each condition holds; none where a trial cannot know.
fn conditions(policy: &Node, facts: Facts<'_>) -> Result<Vec<Option<bool>>, String> {
    if policy.as_map().is_none() {
        let refs = text_list(policy).map_err(str::to_owned)?;
        return Ok(vec![Some(refs_hold(&refs, facts))]);
    }
    let mut conditions = Vec::new();
    if policy.get("refs").is_some() {
        conditions.push(Some(refs_hold(&texts(policy, "refs")?, facts)));
    }
    if policy.get("variables").is_some() {
        let mut any = false;
        for text in texts(policy, "variables")? {
            let expression = Expression::parse(&text);
            let expression = expression
                .map_err(|fault| format!("variables invalid expression syntax: {fault}"))?;
            any |= expression.holds(facts.variables);
        }
        conditions.push(Some(any));
    }
    let unknown = ["changes", "kubernetes"];
    let unknown = unknown.iter().filter(|key| policy.get(key).is_some());
    conditions.extend(unknown.map(|_| None));
    Ok(conditions)
}

fn refs_hold(refs: &[String], facts: Facts<'_>) -> bool {
    let source = facts.variables.value("CI_PIPELINE_SOURCE");
    let branch = facts.variables.value("CI_COMMIT_BRANCH");
    let tag = facts.variables.value("CI_COMMIT_TAG");
    let name = if tag.is_empty() { branch } else { tag };
    refs.iter().any(|reference| {
        // The part after `@` names a project, which the folder stands for.
        let is_pattern = reference.starts_with('/');
        let reference = match reference.split_once('@') {
            Some((reference, _)) if !is_pattern => reference,
            _ => reference,
        };
        let source_name = SOURCES.iter().find(|(name, _)| *name == reference);
        match (reference, source_name) {
            ("branches", _) => !branch.is_empty(),
            ("tags", _) => !tag.is_empty(),
            (_, Some((_, value))) => *value == source,
            (reference, None) => is_name(reference, name),
        }
    })
}

/// Whether a branch or tag is the one that is named, or fits the pattern.
fn is_name(reference: &str, name: &str) -> bool {
    match written_pattern(reference) {
        Some(Ok(pattern)) => pattern.is_match(name),
        _ => !name.is_empty() && reference == name,
    }
}
