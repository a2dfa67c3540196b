//! Whether and how GitLab would run a job, in the words of a trial.

use crate::file::inherit::JobNode;
use crate::file::lint::Lint;
use crate::file::needs::{Needs, read_needs};
use crate::file::rules::{Facts, When, matched_rule, policy_verdict, rule_list};
use crate::file::values::text;
use crate::variables::Variable;
use crate::yaml::Value;

/// Whether and how GitLab would run a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) when: When,
    /// Of `rules:variables`.
    pub(super) variables: Vec<Variable>,
    /// Of `rules:needs`.
    pub(super) needs: Option<Needs>,
    pub(super) allow_failure: bool,
    /// What decides, where something does, in one line.
    pub(super) told: Option<String>,
}

/// Reads `rules`, or `only` and `except`, and `when`, for the instance `name` of a job.
///
/// # Errors
///
/// GitLab's.
pub(super) fn outcome(job: &JobNode<'_>, name: &str, facts: Facts<'_>) -> Result<Outcome, Lint> {
    let own_when = text(job.own, "when").and_then(|when| {
        let when = when.map(|when| When::parse(&when)).transpose()?;
        Ok(when.unwrap_or_default())
    });
    let own_when = own_when.map_err(|fault| job.wrong("when", fault))?;
    let own = Outcome {
        when: own_when,
        allow_failure: allows_failure(job, own_when),
        ..Outcome::default()
    };
    match job.own.get("rules") {
        Some(_) => by_rules(job, name, facts, own),
        None => by_policy(job, name, facts, own),
    }
}

fn by_rules(
    job: &JobNode<'_>,
    name: &str,
    facts: Facts<'_>,
    own: Outcome,
) -> Result<Outcome, Lint> {
    let wrong = |fault: String| job.wrong("rules", fault);
    let Some(rules) = job.own.get("rules") else {
        return Ok(own);
    };
    let rules = rule_list(rules).map_err(wrong)?;
    let Some(matched) = matched_rule(&rules, facts).map_err(wrong)? else {
        return Ok(Outcome {
            when: When::Never,
            told: Some(format!(
                "GitLab would not run job {name} in this pipeline: none of its rules matches"
            )),
            ..own
        });
    };
    let when = matched.when.unwrap_or(own.when);
    let needs = matched.rule.get("needs").map(read_needs).transpose();
    let told = match when {
        When::Never => format!(
            "GitLab would not run job {name} in this pipeline: {} says never",
            matched.shown
        ),
        when => format!(
            "GitLab would run job {name} in this pipeline by its {}: when: {}",
            matched.shown,
            when.text()
        ),
    };
    Ok(Outcome {
        when,
        variables: matched.variables,
        needs: needs.map_err(wrong)?,
        allow_failure: matched.allow_failure.unwrap_or(match own.when == when {
            true => own.allow_failure,
            false => job.own.get("allow_failure").is_some() && own.allow_failure,
        }),
        told: Some(told),
    })
}

fn by_policy(
    job: &JobNode<'_>,
    name: &str,
    facts: Facts<'_>,
    own: Outcome,
) -> Result<Outcome, Lint> {
    let kept_out = policy_verdict(job.own, facts);
    let kept_out = kept_out.map_err(|(keyword, fault)| job.wrong(keyword, fault))?;
    Ok(match kept_out {
        None => own,
        Some(keyword) => Outcome {
            when: When::Never,
            told: Some(format!(
                "GitLab would not run job {name} in this pipeline: its `{keyword}` keeps it out"
            )),
            ..own
        },
    })
}

/// A manual job may fail unless it says otherwise; one with `exit_codes` may fail with these.
fn allows_failure(job: &JobNode<'_>, when: When) -> bool {
    match job.own.get("allow_failure").map(|node| &node.value) {
        Some(Value::Bool(allowed)) => *allowed,
        Some(_) => true,
        None => when == When::Manual,
    }
}
