//! A fault that strikes a task that there is, at the moment it is asked for.

use std::time::Duration;

use anyhow::Context;

use super::document::{Effect, Rule};
use super::{Exit, TaskFaults};

/// What happens to a task or one of its containers, once this time has passed.
#[derive(Clone, Debug)]
pub(crate) enum Strike {
    /// ECS stops the task, with this code and reason.
    Stop(Duration, String, String),
    /// A container ends.
    Exit(String, Exit),
}

impl Strike {
    /// Reads a rule of the fault document whose effect can strike later than at a task's start.
    ///
    /// # Errors
    ///
    /// When it is no such rule.
    pub(crate) fn parse(json: &str) -> anyhow::Result<Self> {
        let rule: Rule = serde_json::from_str(json).context("reading the fault")?;
        rule.check()?;
        let when = &rule.when;
        anyhow::ensure!(
            when.operation.is_none()
                && when.family.is_none()
                && when.capacity_provider.is_none()
                && when.subnet.is_none()
                && when.nth.is_none()
                && when.first.is_none()
                && when.probability.is_none(),
            "the path names the task: of `when` only `container` means something here"
        );
        let container = rule.when.container.clone();
        let mut faults = TaskFaults::default();
        match &rule.effect {
            Effect::SpotInterruption { .. } | Effect::Stop { .. } => {
                faults.add(None, rule.effect);
                let (after, code, reason) = faults.stop.unwrap_or_default();
                Ok(Self::Stop(after, code, reason))
            }
            Effect::Exit { .. } | Effect::OutOfMemory { .. } => {
                let name = container.context("name the container that it strikes")?;
                faults.add(Some(name.clone()), rule.effect);
                let exit = faults.of_container(&name, false).exit;
                Ok(Self::Exit(name, exit.context("no end")?))
            }
            _ => anyhow::bail!(
                "this effect strikes when a task starts: put it into the document of faults"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_strike_later_is_refused() {
        for (rule, hint) in [
            (r#"{"effect": "throttle"}"#, "when a task starts"),
            (r#"{"effect": {"port_refused": {}}}"#, "when a task starts"),
            (
                r#"{"effect": {"out_of_memory": {"after_seconds": 0}}}"#,
                "name the container",
            ),
            (
                r#"{"when": {"first": 1}, "effect": {"spot_interruption": {"after_seconds": 0}}}"#,
                "only `container`",
            ),
            (r#"{"effect": "?"}"#, "unknown variant"),
        ] {
            let said = format!("{:#}", Strike::parse(rule).unwrap_err());
            assert!(said.contains(hint), "{rule}: {said}");
        }
    }
}
