//! Keywords that are not followed: errors where the job would run another script, else warnings.

use crate::file::image::IMAGE_KEYS;
use crate::file::inheritance::{INHERITED_KEYWORDS, JobNode};
use crate::file::problem::Problem;
use crate::yaml::Node;

/// A job's own keywords that are followed, beside those it may inherit.
const OWN_KEYWORDS: &[&str] = &["script", "stage", "timeout", "variables"];

/// Keywords that change the script, each with what to write in its place.
const REFUSED_KEYWORDS: &[(&str, &str)] = &[
    (
        "extends",
        "Write the job out, or use a YAML anchor, which is followed.",
    ),
    ("run", "Only jobs with a `script:` are followed."),
    (
        "trigger",
        "It starts another pipeline and runs nothing itself.",
    ),
    (
        "inherit",
        "Write out what the job uses of `default:` and `variables:`.",
    ),
    (
        "hooks",
        "Move the commands into `before_script:` for this run.",
    ),
];

/// Checks that nothing changes the job's script unseen.
///
/// # Errors
///
/// With the keyword or the reference that does.
pub(super) fn refuse_other_scripts(job: &JobNode<'_>) -> Result<(), Problem> {
    if let Some((keyword, advice)) = REFUSED_KEYWORDS
        .iter()
        .find(|(keyword, _)| job.own.get(keyword).is_some())
    {
        return Err(Problem::UnfollowedKeyword {
            job: job.name.to_owned(),
            keyword,
            advice,
        });
    }
    let inherited = INHERITED_KEYWORDS
        .iter()
        .filter_map(|keyword| job.inherited(keyword).ok().flatten());
    let mut used = inherited.chain(job.file.get("variables")).chain([job.own]);
    match used.any(Node::has_reference) {
        true => Err(Problem::UnfollowedReference {
            job: job.name.to_owned(),
        }),
        false => Ok(()),
    }
}

/// A line for each keyword that has no effect.
pub(super) fn warnings(job: &JobNode<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if job.file.get("include").is_some() {
        let missing =
            "`include` is not followed: variables and defaults of included files are missing";
        warnings.push(missing.to_owned());
    }
    let globals = keys(job.file).filter(|key| ["cache", "workflow"].contains(key));
    warnings.extend(globals.map(unfollowed));
    let defaults = job.file.get("default").into_iter().flat_map(keys);
    let defaults = defaults.filter(|key| !INHERITED_KEYWORDS.contains(key) && *key != "timeout");
    warnings.extend(defaults.map(|key| format!("default: {}", unfollowed(key))));
    let own = keys(job.own)
        .filter(|key| !INHERITED_KEYWORDS.contains(key) && !OWN_KEYWORDS.contains(key));
    warnings.extend(own.map(|key| format!("job {}: {}", job.name, unfollowed(key))));
    let services = match job.inherited("services") {
        Ok(Some(services)) => services.as_list().unwrap_or_default(),
        _ => &[],
    };
    let images = job
        .inherited("image")
        .ok()
        .flatten()
        .into_iter()
        .chain(services);
    let images = images
        .flat_map(keys)
        .filter(|key| !IMAGE_KEYS.contains(key));
    warnings.extend(
        images.map(|key| format!("job {}: image or service: {}", job.name, unfollowed(key))),
    );
    warnings
}

fn keys(node: &Node) -> impl Iterator<Item = &str> {
    node.entries().map(|(key, _)| key)
}

/// The effect of not following `key`.
fn unfollowed(key: &str) -> String {
    let effect = match key {
        "rules" | "only" | "except" | "when" | "workflow" => "is not evaluated: the job runs",
        "needs" | "dependencies" => {
            "is not followed: no other job runs before, and its artifacts are missing"
        }
        "artifacts" => "is not followed: nothing is uploaded",
        "cache" => "is not followed: nothing is restored or saved",
        "parallel" => "is not followed: the job runs once, without variables of a matrix",
        "retry" => "is not followed: the job runs once",
        "allow_failure" => "is not followed: a failure is shown as one",
        "secrets" | "id_tokens" => "is not followed: its variables are missing",
        "environment" | "release" | "pages" => "is not followed: nothing is published",
        "tags" => "is not followed: this runner takes every job",
        _ => "is not followed",
    };
    format!("`{key}` {effect}")
}
