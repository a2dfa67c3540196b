//! Why a task ended, in one sentence for the job log.

use crate::task::description::Task;

/// Why a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StopReason {
    /// AWS's reasons, of the task and of its containers, in one sentence.
    pub(crate) cause: String,
    /// Advice for the operator, where there is any.
    pub(crate) advice: Option<&'static str>,
}

impl Task {
    /// Why the task ended, in AWS's words.
    pub(crate) fn stop_reason(&self) -> StopReason {
        let mut reasons: Vec<String> = Vec::new();
        let mut add = |reason: String| {
            if !reasons.iter().any(|known| known.contains(&reason)) {
                reasons.push(reason);
            }
        };
        match (&self.stopped_reason, &self.stop_code) {
            (Some(reason), _) => add(reason.trim().to_owned()),
            (None, Some(code)) => add(code.clone()),
            (None, None) => add("AWS gave no reason".to_owned()),
        }
        for container in &self.containers {
            match (container.exit_code, container.reason.as_deref()) {
                (Some(code), Some(reason)) => {
                    add(format!(
                        "container {} exited with status {code} ({})",
                        container.name,
                        reason.trim()
                    ));
                }
                (Some(code), None) => add(format!(
                    "container {} exited with status {code}",
                    container.name
                )),
                (None, Some(reason)) if !contains_reason(&self.stopped_reason, reason) => {
                    add(format!("container {}: {}", container.name, reason.trim()));
                }
                (None, _) => {}
            }
        }
        let cause = reasons.join("; ");
        let advice = self.advice(&cause);
        StopReason { cause, advice }
    }
}

/// Whether the task's reason contains the container's.
fn contains_reason(stopped_reason: &Option<String>, reason: &str) -> bool {
    stopped_reason
        .as_deref()
        .is_some_and(|stopped| stopped.contains(reason.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::description::Container;

    fn container(name: &str) -> Container {
        Container {
            name: name.into(),
            ..Container::default()
        }
    }

    #[test]
    fn a_death_tells_task_and_containers_once() {
        let task = Task {
            stop_code: Some("TaskFailedToStart".into()),
            stopped_reason: Some(
                "CannotPullContainerError: failed to resolve ref r/ci:nope: not found".into(),
            ),
            containers: vec![
                Container {
                    reason: Some(
                        "CannotPullContainerError: failed to resolve ref r/ci:nope".into(),
                    ),
                    ..container("ci-coordinator")
                },
                Container {
                    exit_code: Some(137),
                    reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
                    ..container("side")
                },
            ],
            ..Task::default()
        };
        assert_eq!(
            task.stop_reason().cause,
            "CannotPullContainerError: failed to resolve ref r/ci:nope: not found; container side exited with status 137 \
             (OutOfMemoryError: Container killed due to memory usage)"
        );
        assert_eq!(Task::default().stop_reason().cause, "AWS gave no reason");
    }
}
