//! `rules:` of a job, of an include and of the workflow: the first that matches decides.

use super::changes::has_changes;
use super::expression::Expression;
use super::facts::Facts;
use super::when::When;
use crate::file::image::read_variables;
use crate::file::values::{flattened, switch, text, texts};
use crate::variables::Variable;
use crate::yaml::Node;

/// Said of a condition that a trial cannot judge.
const UNKNOWN: &str = "which is unknown here and taken for true";

/// Whose rules they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::file) enum Owner {
    Job,
    Workflow,
    Include,
}

impl Owner {
    /// Keys of a rule (`Entry::Processable`, `Entry::Workflow`, `Entry::Include::Rules::Rule`).
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Job => &[
                "if",
                "changes",
                "exists",
                "when",
                "start_in",
                "allow_failure",
                "variables",
                "needs",
                "interruptible",
            ],
            Self::Workflow => &[
                "if",
                "changes",
                "exists",
                "when",
                "start_in",
                "allow_failure",
                "variables",
                "needs",
                "auto_cancel",
            ],
            Self::Include => &["if", "exists", "when", "changes"],
        }
    }

    fn whens(self) -> &'static [When] {
        match self {
            Self::Job => When::OF_RULE,
            Self::Workflow | Self::Include => When::OF_PIPELINE,
        }
    }
}

/// The rule that decides.
#[derive(Debug)]
pub(in crate::file) struct Matched<'a> {
    pub(in crate::file) rule: &'a Node,
    /// `rule 2 (if: $A)`
    pub(in crate::file) shown: String,
    /// It has a condition that a trial cannot judge.
    pub(in crate::file) is_guess: bool,
    /// None where the rule does not say.
    pub(in crate::file) when: Option<When>,
    pub(in crate::file) variables: Vec<Variable>,
    pub(in crate::file) allow_failure: Option<bool>,
}

/// The rules of `rules:`, which may be lists within lists.
fn rule_list(rules: &Node) -> Result<Vec<&Node>, String> {
    if rules.as_list().is_none() {
        return Err("should be an array of hashes".to_owned());
    }
    let list = flattened(rules)?;
    match list.iter().all(|rule| rule.as_map().is_some()) {
        true if list.is_empty() => Err("can't be blank".to_owned()),
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
    rules: &'a Node,
    owner: Owner,
    facts: Facts<'_>,
) -> Result<Option<Matched<'a>>, String> {
    let mut decided = None;
    // Rules after the one that decides are checked, too, as GitLab does before it makes a pipeline.
    for (index, rule) in rule_list(rules)?.into_iter().enumerate() {
        let wrong = |fault| format!("rule {} {fault}", index + 1);
        let when = checked_when(rule, owner).map_err(wrong)?;
        let unknown = unknown_if_matching(rule, facts).map_err(wrong)?;
        if let (Some(unknown), None) = (unknown, &decided) {
            let variables = rule.get("variables").map(read_variables).transpose();
            decided = Some(Matched {
                rule,
                shown: format!("rule {}{}", index + 1, shown(rule, &unknown)),
                is_guess: !unknown.is_empty(),
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

/// The rule's `when`, if its keys and their values are among those that GitLab takes.
fn checked_when(rule: &Node, owner: Owner) -> Result<Option<When>, String> {
    let is_unknown = |key: &&str| !owner.keys().contains(key);
    let unknown = rule.entries().map(|(key, _)| key);
    let unknown: Vec<_> = unknown.filter(is_unknown).collect();
    if !unknown.is_empty() {
        return Err(format!(
            "config contains unknown keys: {}",
            unknown.join(", ")
        ));
    }
    let when = text(rule, "when")?;
    let known = |when: String| {
        let known = When::parse(&when, owner.whens());
        known.map_err(|_| format!("when unknown value: {when}"))
    };
    let when = when.map(known).transpose()?;
    match (when == Some(When::Delayed), rule.get("start_in").is_some()) {
        (true, false) => Err("start_in can't be blank".to_owned()),
        (false, true) => Err("config contains disallowed keys: start_in".to_owned()),
        _ => Ok(when),
    }
}

/// The conditions that a trial cannot judge, and takes for true, if all others of the rule hold.
fn unknown_if_matching(rule: &Node, facts: Facts<'_>) -> Result<Option<Vec<&'static str>>, String> {
    if let Some(condition) = text(rule, "if")? {
        let expression = Expression::parse(&condition);
        let expression = expression
            .map_err(|fault| format!("if invalid expression syntax: `{condition}`: {fault}"))?;
        if !expression.holds(facts.variables) {
            return Ok(None);
        }
    }
    let changes = rule
        .get("changes")
        .map(|changes| has_changes(changes, facts));
    let exists = rule
        .get("exists")
        .map(|exists| exists_holds(rule, exists, facts));
    let mut unknown = Vec::new();
    for (keyword, holds) in [("exists", exists), ("changes", changes)] {
        match holds.transpose()? {
            None | Some(Some(true)) => (),
            Some(Some(false)) => return Ok(None),
            Some(None) => unknown.push(keyword),
        }
    }
    Ok(Some(unknown))
}

/// Whether a file is there that `exists` names; none for files of another project, and for a pattern of Ruby's.
fn exists_holds(rule: &Node, exists: &Node, facts: Facts<'_>) -> Result<Option<bool>, String> {
    if exists.get("project").is_some() || exists.get("regexp").is_some() {
        return Ok(None);
    }
    let globs = match exists.as_map() {
        Some(_) => texts(exists, "paths")?,
        None => texts(rule, "exists")?,
    };
    let globs = globs.iter().map(|glob| facts.variables.expand_known(glob));
    Ok(Some(facts.files.exists(&globs.collect::<Vec<_>>())))
}

/// The conditions of a rule in words, in parentheses.
fn shown(rule: &Node, unknown: &[&str]) -> String {
    let condition = rule.get("if").and_then(Node::scalar);
    let condition = condition.map(|condition| format!("if: {}", one_line(&condition)));
    let others = ["exists", "changes"].into_iter();
    let others = others.filter(|keyword| rule.get(keyword).is_some());
    let others = others.map(|keyword| match unknown.contains(&keyword) {
        true => format!("{keyword}, {UNKNOWN}"),
        false => keyword.to_owned(),
    });
    let conditions: Vec<_> = condition.into_iter().chain(others).collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!(" ({})", conditions.join("; ")),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
