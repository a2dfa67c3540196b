//! The fault document: a JSON object of rules, each a selector and an effect.
//!
//! ```json
//! {"seed": 7, "faults": [
//!   {"when": {"operation": "DescribeTasks", "first": 2}, "effect": "throttle"},
//!   {"when": {"capacity_provider": "FARGATE_SPOT"}, "effect": {"no_capacity": {}}},
//!   {"when": {"family": "ci", "nth": 3}, "effect": {"spot_interruption": {"after_seconds": 1.5}}}
//! ]}
//! ```
//!
//! A document with an error is refused as a whole: invalid JSON, an unknown name, or a selector that does not fit its
//! effect.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::effect::{Effect, Scope};
use crate::service::AwsService;

/// A fault document. The default has no faults.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Makes rules with a probability repeatable.
    pub(super) seed: u64,
    pub(super) faults: Vec<Rule>,
}

impl Faults {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or names an unknown member or effect (with line and column), or when a selector does not
    /// fit its effect (with the number of the rule, from 1).
    pub fn parse(json: &str) -> anyhow::Result<Self> {
        let faults: Self = serde_json::from_str(json).context("reading the fault document")?;
        for (n, rule) in faults.faults.iter().enumerate() {
            rule.check()
                .with_context(|| format!("fault {} of the document", n + 1))?;
        }
        Ok(faults)
    }
}

/// One fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) when: Selector,
    pub(super) effect: Effect,
}

/// Selects the calls or tasks of a rule. A missing member matches everything. The counts run over the calls or tasks
/// that the other members match, since the document was loaded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Selector {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<String>,
    /// The container of an effect on a container. Default: the first essential one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capacity_provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subnet: Option<String>,
    /// Only the n-th match, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nth: Option<u64>,
    /// Only the first k matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<u64>,
    /// Each match with this probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
}

impl Rule {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let scope = self.effect.scope();
        self.when.check(scope)?;
        match &self.effect {
            Effect::Error { status, .. } => {
                anyhow::ensure!(
                    (400..600).contains(status),
                    "the status is {status}; errors have 400 to 599"
                );
            }
            Effect::SlowStart { seconds, .. } => seconds.check()?,
            Effect::StaleRead { every } => anyhow::ensure!(*every > 0, "`every` counts from 1"),
            _ => {}
        }
        Ok(())
    }
}

impl Selector {
    /// Checks the members against each other, and against the scope of the rule's effect.
    fn check(&self, scope: Scope) -> anyhow::Result<()> {
        if let Some(operation) = &self.operation {
            check_operation(operation, scope)?;
        }
        let selects_tasks =
            self.family.is_some() || self.capacity_provider.is_some() || self.subnet.is_some();
        anyhow::ensure!(
            !selects_tasks || !matches!(scope, Scope::Call | Scope::Operation(_)),
            "this effect concerns calls: family, capacity_provider and subnet select tasks"
        );
        anyhow::ensure!(
            self.container.is_none() || scope == Scope::Container,
            "this effect does not concern a container: leave `container` out of the selector"
        );
        anyhow::ensure!(
            self.nth.is_none() || self.first.is_none(),
            "`nth` and `first` exclude each other"
        );
        anyhow::ensure!(self.nth != Some(0), "`nth` counts from 1");
        if let Some(p) = self.probability {
            anyhow::ensure!(
                (0.0..=1.0).contains(&p),
                "the probability is {p}; it has to be between 0 and 1"
            );
        }
        Ok(())
    }
}

fn check_operation(operation: &str, scope: Scope) -> anyhow::Result<()> {
    anyhow::ensure!(
        AwsService::ALL
            .iter()
            .any(|service| service.operations().contains(&operation)),
        "there is no operation {operation:?}; it is one of {}",
        AwsService::ALL
            .map(AwsService::operations)
            .concat()
            .join(", ")
    );
    match scope {
        Scope::Call => {}
        Scope::Operation(only) => {
            anyhow::ensure!(
                operation == only,
                "this effect is one of {only}, not of {operation}"
            );
        }
        Scope::Placement | Scope::Task | Scope::Container => {
            anyhow::ensure!(
                operation == "RunTask",
                "this effect concerns tasks: select them without an operation"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        format!("{:#}", Faults::parse(json).unwrap_err())
    }

    #[test]
    fn a_document_of_all_forms_is_read() {
        let faults = Faults::parse(
            r#"{"seed": 7, "faults": [
                {"when": {"operation": "DescribeTasks", "first": 2}, "effect": "throttle"},
                {"when": {"capacity_provider": "FARGATE_SPOT"}, "effect": {"no_capacity": {}}},
                {"when": {"container": "build", "nth": 3}, "effect": {"exit": {"after_seconds": 0.5, "code": 3}}},
                {"effect": {"start_failure": {"at": "network"}}}
            ]}"#,
        )
        .unwrap();
        assert_eq!(faults.faults.len(), 4);
        let again = Faults::parse(&serde_json::to_string(&faults).unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{faults:?}"));
    }

    #[test]
    fn an_unknown_fault_is_named_with_its_place() {
        let message = error("{\"faults\": [\n{\"effect\": \"explode\"}]}");
        assert!(
            message.contains("unknown variant `explode`") && message.contains("line 2"),
            "{message}"
        );
        assert!(error(r#"{"fault": []}"#).contains("unknown field `fault`"));
        assert!(
            error(r#"{"faults": [{"effect": {"missing": {"reads": 1, "x": 2}}}]}"#)
                .contains("unknown field `x`")
        );
        assert!(error("{").contains("line 1"));
    }

    #[test]
    fn a_selector_that_cannot_apply_is_refused() {
        for (rule, hint) in [
            (
                r#"{"when": {"operation": "RunTasks"}, "effect": "throttle"}"#,
                "no operation \"RunTasks\"",
            ),
            (
                r#"{"when": {"operation": "StopTask"}, "effect": {"no_capacity": {}}}"#,
                "concerns tasks",
            ),
            (
                r#"{"when": {"family": "ci"}, "effect": "throttle"}"#,
                "concerns calls",
            ),
            (
                r#"{"when": {"container": "ci"}, "effect": "unknown_values"}"#,
                "container",
            ),
            (
                r#"{"when": {"nth": 0}, "effect": "throttle"}"#,
                "counts from 1",
            ),
            (
                r#"{"when": {"probability": 1.5}, "effect": "throttle"}"#,
                "between 0 and 1",
            ),
            (
                r#"{"effect": {"slow_reply": {"seconds": -1}}}"#,
                "not a time",
            ),
            (
                r#"{"effect": {"slow_start": {"at": "pull", "seconds": {"uniform": [3, 2]}}}}"#,
                "smaller time first",
            ),
            (
                r#"{"effect": {"error": {"status": 200, "code": "x", "message": ""}}}"#,
                "400 to 599",
            ),
        ] {
            let message = error(&format!("{{\"faults\": [{rule}]}}"));
            assert!(message.contains(hint), "{rule}: {message}");
        }
    }
}
