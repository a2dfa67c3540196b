//! Whether and how GitLab would run a job, in the words of a trial.

use crate::file::inherit::JobNode;
use crate::file::lint::Lint;
use crate::file::needs::{Needs, read_needs};
use crate::file::rules::{Facts, Owner, When, matched_rule, read_policy};
use crate::file::values::{text, text_list};
use crate::variables::Variable;
use crate::yaml::{Node, Value};

/// Whether and how GitLab would run a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) when: When,
    /// Of `rules:variables`.
    pub(super) variables: Vec<Variable>,
    /// Of `rules:needs`.
    pub(super) needs: Option<Needs>,
    pub(super) allow_failure: AllowFailure,
    /// What decides, where something does.
    pub(super) decision: Option<Decision>,
}

/// What decides whether GitLab would run a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// `rule 2 (if: $A) says never`
    pub(crate) reason: String,
    /// It rests on something that a trial does not know.
    pub(crate) is_guess: bool,
}

impl Decision {
    fn certain(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_guess: false,
        }
    }
}

/// Whether the pipeline goes on when the job fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AllowFailure {
    /// However it fails.
    pub(crate) always: bool,
    /// Where its script ends with one of these.
    pub(crate) exit_codes: Vec<i64>,
}

/// Reads `rules`, or `only` and `except`, and `when` of a job.
///
/// # Errors
///
/// GitLab's.
pub(super) fn outcome(
    job: &JobNode<'_>,
    facts: Facts<'_>,
    has_workflow_rules: bool,
) -> Result<Outcome, Lint> {
    let own_when = text(job.own, "when").and_then(|when| {
        let when = when.map(|when| When::parse(&when, When::OF_JOB));
        Ok(when.transpose()?.unwrap_or_default())
    });
    let own_when = own_when.map_err(|fault| job.wrong("when", fault))?;
    let own = Outcome {
        when: own_when,
        allow_failure: allow_failure(job, own_when)?,
        ..Outcome::default()
    };
    let Some(rules) = job.own.get("rules") else {
        let has_default = !has_workflow_rules && !job.has("rules");
        return by_policy(job, facts, own, has_default);
    };
    by_rules(job, rules, facts, own)
}

fn by_rules(
    job: &JobNode<'_>,
    rules: &Node,
    facts: Facts<'_>,
    own: Outcome,
) -> Result<Outcome, Lint> {
    let wrong = |fault: String| job.wrong("rules", fault);
    let matched = matched_rule(rules, Owner::Job, facts).map_err(wrong)?;
    let Some(matched) = matched else {
        return Ok(Outcome {
            when: When::Never,
            decision: Some(Decision::certain("none of its rules matches")),
            ..own
        });
    };
    let when = matched.when.unwrap_or(own.when);
    let needs = matched.rule.get("needs").map(read_needs).transpose();
    let reason = match when {
        When::Never => format!("{} says never", matched.shown),
        when => format!("its {}: when: {}", matched.shown, when.text()),
    };
    Ok(Outcome {
        when,
        variables: matched.variables,
        needs: needs.map_err(wrong)?,
        // A rule's own value takes the place of exit codes, too (`Seed::Build#allow_failure_criteria_attributes`).
        allow_failure: match matched.allow_failure {
            Some(always) => AllowFailure {
                always,
                exit_codes: Vec::new(),
            },
            None => own.allow_failure,
        },
        decision: Some(Decision {
            reason,
            is_guess: matched.is_guess,
        }),
    })
}

fn by_policy(
    job: &JobNode<'_>,
    facts: Facts<'_>,
    own: Outcome,
    has_default: bool,
) -> Result<Outcome, Lint> {
    let policy = read_policy(job.own, facts, has_default);
    let policy = policy.map_err(|(keyword, fault)| job.wrong(keyword, fault))?;
    let out = |reason: String| {
        Ok(Outcome {
            when: When::Never,
            decision: Some(Decision::certain(reason)),
            ..own.clone()
        })
    };
    match policy.kept_out {
        Some(keyword) if job.own.get(keyword).is_none() => {
            out("without `rules` it is for branches and tags only".to_owned())
        }
        Some(keyword) => out(format!("its `{keyword}` keeps it out")),
        None if policy.unknown.is_empty() => Ok(own),
        None => Ok(Outcome {
            decision: Some(Decision {
                reason: format!("its {}", policy.unknown.join(", and ")),
                is_guess: true,
            }),
            ..own
        }),
    }
}

/// Reads `allow_failure`. A manual job may fail unless it says otherwise (`Entry::Job#ignored?`).
fn allow_failure(job: &JobNode<'_>, when: When) -> Result<AllowFailure, Lint> {
    let Some(node) = job.own.get("allow_failure") else {
        return Ok(AllowFailure {
            always: when == When::Manual,
            exit_codes: Vec::new(),
        });
    };
    let codes = match (&node.value, node.get("exit_codes").map(text_list)) {
        (Value::Bool(always), _) => {
            return Ok(AllowFailure {
                always: *always,
                exit_codes: Vec::new(),
            });
        }
        (_, Some(Ok(codes))) => codes.iter().map(|code| code.parse().ok()).collect(),
        _ => None,
    };
    match codes {
        Some(exit_codes) => Ok(AllowFailure {
            always: false,
            exit_codes,
        }),
        None => Err(job.wrong(
            "allow_failure",
            "should be a boolean value, or have `exit_codes` that are integers",
        )),
    }
}
