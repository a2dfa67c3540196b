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
    image: String,
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
                    image: other.image.clone(),
                    condition: *condition,
                    timeout: other.start_timeout.map(Duration::from_secs),
                    phase: phases.get(*on)?.subscribe(),
                })
            })
            .collect()
    }

    /// Waits until the condition holds for `target`. The error says why it no longer can.
    ///
    /// Its words are those of ECS's open agent (agent/engine/dependencygraph/graph.go). Fargate's are not known.
    pub(super) async fn wait(mut self, target: &ContainerSpec) -> Result<(), String> {
        let condition = self.condition;
        let met = self.phase.wait_for(|phase| match (condition, phase) {
            (_, ContainerPhase::Ended(_)) => true,
            (Condition::Start, phase) => *phase != ContainerPhase::Waiting,
            (Condition::Healthy, phase) => *phase == ContainerPhase::Healthy,
            (Condition::Complete | Condition::Success, _) => false,
        });
        let reached = match self.timeout {
            Some(timeout) => tokio::time::timeout(timeout, met).await.ok(),
            None => Some(met.await),
        };
        let phase =
            reached.map(|reached| reached.map_or(ContainerPhase::Ended(None), |phase| *phase));
        let (image, name) = (&self.image, &self.name);
        let target = format!("{}({}) (NONE->RUNNING)", target.name, target.image);
        match (condition, phase) {
            (_, None) => Err(format!(
                "dependency graph: container ordering dependency [{name}({image}) (RUNNING->RUNNING)] for target [{target}] \
                 has timed out."
            )),
            (_, Some(ContainerPhase::Ended(None))) => Err(format!(
                "dependency graph: failed to resolve container ordering dependency [{name}({image}) (STOPPED->STOPPED)] for \
                 target [{target}] because dependency will never start"
            )),
            (Condition::Success, Some(ContainerPhase::Ended(Some(0))))
            | (Condition::Complete | Condition::Start, Some(ContainerPhase::Ended(Some(_)))) => {
                Ok(())
            }
            // For HEALTHY the agent has no such words: it waits on.
            (_, Some(ContainerPhase::Ended(Some(code)))) => Err(format!(
                "dependency graph: failed to resolve container ordering dependency [{name}({image}) (STOPPED->RUNNING) - \
                 Exit: {code}] for target [{target}] as dependency did not exit successfully."
            )),
            _ => Ok(()),
        }
    }
}
