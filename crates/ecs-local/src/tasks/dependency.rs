//! The dependencies between the containers of a task.

use std::time::Duration;

use tokio::sync::watch;

use super::spec::{Condition, ContainerSpec};

/// The progress of a container, as far as others depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerPhase {
    Waiting,
    Started,
    Healthy,
    /// With its exit code, if it ran.
    Ended(Option<i32>),
}

/// A dependency of a container on another one.
pub(super) struct Dependency {
    name: String,
    condition: Condition,
    timeout: Option<Duration>,
    phase: watch::Receiver<ContainerPhase>,
}

impl Dependency {
    /// The dependencies of a container among `all`, whose phases are in the same order.
    pub(super) fn of_container(
        spec: &ContainerSpec,
        all: &[ContainerSpec],
        phases: &[watch::Sender<ContainerPhase>],
    ) -> Vec<Self> {
        let dependencies = spec.depends_on.iter();
        dependencies
            .filter_map(|(on, condition)| {
                let other = all.get(*on)?;
                Some(Self {
                    name: other.name.clone(),
                    condition: *condition,
                    timeout: other.start_timeout.map(Duration::from_secs),
                    phase: phases.get(*on)?.subscribe(),
                })
            })
            .collect()
    }

    /// Waits until the condition holds. The error says why it no longer can.
    pub(super) async fn wait(mut self) -> Result<(), String> {
        let (name, condition) = (self.name, self.condition);
        let met = self.phase.wait_for(|phase| match (condition, phase) {
            (_, ContainerPhase::Ended(_)) => true,
            (Condition::Start, phase) => *phase != ContainerPhase::Waiting,
            (Condition::Healthy, phase) => *phase == ContainerPhase::Healthy,
            (Condition::Complete | Condition::Success, _) => false,
        });
        let reached = match self.timeout {
            Some(timeout) => tokio::time::timeout(timeout, met)
                .await
                .map_err(|_| format!("Container dependency {name} did not become {condition:?} within its startTimeout"))?,
            None => met.await,
        };
        let phase = reached.map_or(ContainerPhase::Ended(None), |phase| *phase);
        match (condition, phase) {
            (Condition::Success, ContainerPhase::Ended(Some(0)))
            | (Condition::Complete | Condition::Start, ContainerPhase::Ended(Some(_))) => Ok(()),
            (_, ContainerPhase::Ended(Some(code))) => Err(format!(
                "Container dependency {name} exited with {code}; the condition was {condition:?}"
            )),
            (_, ContainerPhase::Ended(None)) => {
                Err(format!("Container dependency {name} did not start"))
            }
            _ => Ok(()),
        }
    }
}
