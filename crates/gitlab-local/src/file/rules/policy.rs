//! `only` and `except`, the older form of `rules` (`Gitlab::Ci::Build::Policy`).

use super::changes::has_changes;
use super::expression::{Expression, written_pattern};
use super::facts::Facts;
use crate::file::values::{text_list, texts};
use crate::yaml::Node;

/// `only:refs` where a job has none (`Entry::Policy::DEFAULT_ONLY`).
const DEFAULT_REFS: [&str; 2] = ["branches", "tags"];

/// What `only` and `except` make of a job.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::file) struct Policy {
    /// The keyword that keeps the job out of the pipeline.
    pub(in crate::file) kept_out: Option<&'static str>,
    /// Conditions that a trial cannot decide, each with its default: `only:changes … taken for true`.
    pub(in crate::file) unknown: Vec<String>,
}

/// What one of the keywords asks for.
#[derive(Debug, Default)]
struct Conditions {
    known: Vec<bool>,
    /// Keys that a trial cannot judge.
    unknown: Vec<&'static str>,
}

/// Reads `only` and `except`. Without either, `only` is for branches and tags if `has_default` says so.
///
/// # Errors
///
/// With the keyword and its fault.
pub(in crate::file) fn read_policy(
    job: &Node,
    facts: Facts<'_>,
    has_default: bool,
) -> Result<Policy, (&'static str, String)> {
    let mut policy = Policy::default();
    let read = |keyword: &'static str, default: &[&str]| {
        let conditions = job.get(keyword);
        let conditions = conditions.map(|node| conditions_of(node, default, facts));
        conditions.transpose().map_err(|fault| (keyword, fault))
    };
    let mut tell = |keyword: &str, conditions: &Conditions, taken: bool| {
        let tell =
            |key: &&str| format!("`{keyword}:{key}`, which is unknown here and taken for {taken}");
        policy.unknown.extend(conditions.unknown.iter().map(tell));
    };
    match read("only", &DEFAULT_REFS)? {
        None if has_default && !refs_hold(&DEFAULT_REFS.map(str::to_owned), facts) => {
            policy.kept_out = Some("only");
        }
        None => (),
        Some(only) if only.known.iter().all(|holds| *holds) => tell("only", &only, true),
        Some(_) => policy.kept_out = Some("only"),
    }
    if policy.kept_out.is_some() {
        return Ok(policy);
    }
    match read("except", &[])? {
        None => (),
        Some(except) if except.known.contains(&true) => policy.kept_out = Some("except"),
        Some(except) => tell("except", &except, false),
    }
    Ok(policy)
}

fn conditions_of(
    policy: &Node,
    default_refs: &[&str],
    facts: Facts<'_>,
) -> Result<Conditions, String> {
    let mut conditions = Conditions::default();
    if policy.as_list().is_some() {
        let refs = text_list(policy).map_err(str::to_owned)?;
        conditions.known.push(refs_hold(&refs, facts));
        return Ok(conditions);
    }
    if policy.as_map().is_none_or(|map| map.is_empty()) {
        return Err("has to be either an array of conditions or a hash".to_owned());
    }
    let refs = match policy.get("refs") {
        Some(_) => texts(policy, "refs")?,
        None => default_refs.iter().map(|&name| name.to_owned()).collect(),
    };
    if !refs.is_empty() || policy.get("refs").is_some() {
        conditions.known.push(refs_hold(&refs, facts));
    }
    if policy.get("variables").is_some() {
        let mut any = false;
        for text in texts(policy, "variables")? {
            let expression = Expression::parse(&text);
            let expression = expression
                .map_err(|fault| format!("variables invalid expression syntax: {fault}"))?;
            any |= expression.holds(facts.variables);
        }
        conditions.known.push(any);
    }
    match policy
        .get("changes")
        .map(|changes| has_changes(changes, facts))
    {
        None => (),
        Some(holds) => match holds? {
            Some(holds) => conditions.known.push(holds),
            None => conditions.unknown.push("changes"),
        },
    }
    if policy.get("kubernetes").is_some() {
        conditions.unknown.push("kubernetes");
    }
    Ok(conditions)
}

/// Whether one of `refs` names the pipeline (`Policy::Refs`).
fn refs_hold(refs: &[String], facts: Facts<'_>) -> bool {
    let source = facts.variables.value("CI_PIPELINE_SOURCE");
    let tag = facts.variables.value("CI_COMMIT_TAG");
    let branch = facts.variables.value("CI_COMMIT_BRANCH");
    // A pipeline of a merge request has neither a branch nor a tag.
    let is_merge_request = source == "merge_request_event";
    let is_tag = !is_merge_request && !tag.is_empty();
    let is_branch = !is_merge_request && !is_tag;
    let source = source.strip_suffix("_event").unwrap_or(source);
    let name = if is_tag { tag } else { branch };
    refs.iter().any(|reference| {
        // The part after `@` names a project, which the folder stands for.
        let (reference, _) = reference.split_once('@').unwrap_or((reference, ""));
        match reference {
            "tags" if is_tag => true,
            "branches" if is_branch => true,
            _ if reference == source || reference == plural(source) => true,
            _ => !is_merge_request && is_name(reference, name),
        }
    })
}

/// A source's name as Rails' `pluralize` makes it.
fn plural(source: &str) -> String {
    let ending = if source.ends_with("sh") { "es" } else { "s" };
    format!("{source}{ending}")
}

/// Whether a branch or tag is the one that is named, or fits the pattern.
fn is_name(reference: &str, name: &str) -> bool {
    match written_pattern(reference) {
        Some(Ok(pattern)) => pattern.is_match(name),
        _ => !name.is_empty() && reference == name,
    }
}
