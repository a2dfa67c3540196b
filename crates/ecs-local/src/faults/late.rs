//! A fault for a running task, which a request to the stand-in causes at a moment of its choice.

use std::time::Duration;

use anyhow::Context;

use super::document::Rule;
use super::effect::Effect;
use super::task_faults::{InjectedExit, InjectedStop, TaskFaults};

/// A fault for a running task.
#[derive(Clone, Debug)]
pub(crate) enum LateFault {
    /// ECS stops the task.
    Stop(InjectedStop),
    /// The container of this name ends.
    Exit(String, InjectedExit),
}

impl LateFault {
    /// The time that passes before the fault.
    pub(crate) fn delay(&self) -> Duration {
        match self {
            Self::Stop(stop) => stop.after,
            Self::Exit(_, exit) => exit.after,
        }
    }

    /// Reads a rule of the fault document whose effect is possible after the start of a task.
    ///
    /// # Errors
    ///
    /// When the rule is invalid, selects more than a container, or has an effect on the start of a task.
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
            "the path names the task, so `when` may have only `container`"
        );
        let container = rule.when.container.clone();
        let mut faults = TaskFaults::default();
        match &rule.effect {
            Effect::SpotInterruption { .. } | Effect::Stop { .. } => {
                faults.add(None, rule.effect);
                Ok(Self::Stop(faults.stop.context("the effect has no stop")?))
            }
            Effect::Exit { .. } | Effect::OutOfMemory { .. } => {
                let name = container.context("name the container of the effect")?;
                faults.add(Some(name.clone()), rule.effect);
                let exit = faults.for_container(&name, false).exit;
                Ok(Self::Exit(name, exit.context("the effect has no exit")?))
            }
            _ => anyhow::bail!(
                "this effect applies when a task starts: put it into the fault document"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_on_the_start_of_a_task_are_refused() {
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
            let message = format!("{:#}", LateFault::parse(rule).unwrap_err());
            assert!(message.contains(hint), "{rule}: {message}");
        }
    }
}
