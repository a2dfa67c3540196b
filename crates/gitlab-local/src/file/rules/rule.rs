//! `rules:` of a job, of an include and of the workflow: the first that matches decides.

use super::expression::Expression;
use crate::file::image::read_variables;
use crate::file::project_files::ProjectFiles;
use crate::file::values::{flattened, switch, text, texts};
use crate::variables::{Variable, Variables};
use crate::yaml::Node;

/// When a job runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum When {
    #[default]
    OnSuccess,
    OnFailure,
    Always,
    Manual,
    Delayed,
    Never,
}

impl When {
    /// The keyword's value.
    ///
    /// # Errors
    ///
    /// With the fault, which follows the keyword.
    pub(in crate::file) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "on_success" => Self::OnSuccess,
            "on_failure" => Self::OnFailure,
            "always" => Self::Always,
            "manual" => Self::Manual,
            "delayed" => Self::Delayed,
            "never" => Self::Never,
            _ => {
                return Err(
                    "should be one of: on_success, on_failure, always, manual, delayed, never"
                        .to_owned(),
                );
            }
        })
    }

    /// The keyword's value.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::OnSuccess => "on_success",
            Self::OnFailure => "on_failure",
            Self::Always => "always",
            Self::Manual => "manual",
            Self::Delayed => "delayed",
            Self::Never => "never",
        }
    }
}

/// What a trial knows that rules ask for.
#[derive(Debug, Clone, Copy)]
pub(in crate::file) struct Facts<'a> {
    pub(in crate::file) variables: &'a Variables,
    pub(in crate::file) files: &'a ProjectFiles,
}

/// The rule that decides.
#[derive(Debug)]
pub(in crate::file) struct Matched<'a> {
    pub(in crate::file) rule: &'a Node,
    /// `rule 2 (if: $A)`
    pub(in crate::file) shown: String,
    /// None where the rule does not say.
    pub(in crate::file) when: Option<When>,
    pub(in crate::file) variables: Vec<Variable>,
    pub(in crate::file) allow_failure: Option<bool>,
}

/// The rules of `rules:`, which may be lists within lists.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(in crate::file) fn rule_list(rules: &Node) -> Result<Vec<&Node>, String> {
    let list = match rules.as_list() {
        Some(_) => flattened(rules)?,
        None => return Err("should be an array of hashes".to_owned()),
    };
    match list.iter().all(|rule| rule.as_map().is_some()) {
        true => Ok(list),
        false => Err("should be an array of hashes".to_owned()),
    }
}

/// The first of `rules` that matches.
///
/// # Errors
///
/// With the fault, which follows the keyword.
pub(in crate::file) fn matched_rule<'a>(
    rules: &[&'a Node],
    facts: Facts<'_>,
) -> Result<Option<Matched<'a>>, String> {
    let mut decided = None;
    // Rules after the one that decides are checked, too, as GitLab does before it makes a pipeline.
    for (index, rule) in rules.iter().enumerate() {
        let wrong = |fault| format!("rule {} {fault}", index + 1);
        let when = text(rule, "when").map_err(wrong)?;
        let when = when.map(|when| When::parse(&when)).transpose();
        let when = when.map_err(|fault| wrong(format!("when {fault}")))?;
        if matches(rule, facts).map_err(wrong)? && decided.is_none() {
            let variables = rule.get("variables").map(read_variables).transpose();
            decided = Some(Matched {
                rule,
                shown: format!("rule {}{}", index + 1, shown(rule)),
                when,
                variables: variables.map_err(wrong)?.unwrap_or_default(),
                allow_failure: match rule.get("allow_failure") {
                    Some(_) => Some(switch(rule, "allow_failure").map_err(wrong)?),
                    None => None,
                },
            });
        }
    }
    Ok(decided)
}

/// Whether all conditions of a rule hold. `changes` is unknown here, and taken for true.
fn matches(rule: &Node, facts: Facts<'_>) -> Result<bool, String> {
    if let Some(condition) = text(rule, "if")? {
        let expression = Expression::parse(&condition);
        let expression = expression
            .map_err(|fault| format!("if invalid expression syntax: `{condition}`: {fault}"))?;
        if !expression.holds(facts.variables) {
            return Ok(false);
        }
    }
    match rule.get("exists") {
        None => Ok(true),
        // Another project's files are not known.
        Some(exists) if exists.get("project").is_some() => Ok(true),
        Some(exists) => {
            let patterns = match exists.as_map() {
                Some(_) => texts(exists, "paths")?,
                None => texts(rule, "exists")?,
            };
            for pattern in patterns {
                if facts.files.exists(&facts.variables.expand(&pattern))? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// The conditions of a rule in words, in parentheses.
fn shown(rule: &Node) -> String {
    let condition = rule.get("if").and_then(Node::scalar);
    let condition = condition.map(|condition| format!("if: {}", one_line(&condition)));
    let exists = rule.get("exists").map(|_| "exists".to_owned());
    let changes = rule
        .get("changes")
        .map(|_| "changes, which is unknown here and taken for true".to_owned());
    let conditions: Vec<_> = [condition, exists, changes].into_iter().flatten().collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!(" ({})", conditions.join("; ")),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
