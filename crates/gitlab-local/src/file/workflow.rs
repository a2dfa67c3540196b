//! `workflow:`: whether GitLab would make a pipeline at all, and the variables that its rule sets.

use crate::file::lint::Lint;
use crate::file::project_files::ProjectFiles;
use crate::file::rules::{Facts, Owner, When, matched_rule};
use crate::variables::{Variable, Variables};
use crate::yaml::Node;

/// What `workflow:` says of this pipeline.
#[derive(Debug, Default)]
pub(super) struct Workflow {
    /// Where it has, `only` has no default.
    pub(super) has_rules: bool,
    /// Of the rule that matches.
    pub(super) variables: Vec<Variable>,
    /// Why GitLab would make no pipeline, in one line.
    pub(super) told: Option<String>,
}

/// Reads `workflow:`.
///
/// # Errors
///
/// GitLab's.
pub(super) fn workflow(
    node: Option<&Node>,
    variables: &Variables,
    files: &ProjectFiles,
) -> Result<Workflow, Lint> {
    let Some(rules) = node.and_then(|node| node.get("rules")) else {
        return Ok(Workflow::default());
    };
    let facts = Facts { variables, files };
    let wrong = |fault| Lint::new(format!("workflow:rules {fault}")).at(&rules.at);
    let matched = matched_rule(rules, Owner::Workflow, facts).map_err(wrong)?;
    Ok(match matched {
        None => Workflow {
            has_rules: true,
            variables: Vec::new(),
            told: Some(
                "GitLab would make no pipeline here: none of the workflow's rules matches"
                    .to_owned(),
            ),
        },
        Some(matched) => Workflow {
            has_rules: true,
            told: (matched.when == Some(When::Never)).then(|| {
                format!(
                    "GitLab would make no pipeline here: {} of the workflow says never",
                    matched.shown
                )
            }),
            variables: matched.variables,
        },
    })
}
