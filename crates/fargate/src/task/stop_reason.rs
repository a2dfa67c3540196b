//! Why a task ended, and what follows from that: whom it is to blame on, whether another one may fare better, what a
//! person can do.
//!
//! AWS's texts were reworded before and will be again, so they are matched by fragments, without regard to case (AWS:
//! error families).

use super::description::{Container, Task};

/// Why a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StopReason {
    /// AWS's reasons, of the task and of its containers, in one sentence.
    pub(crate) cause: String,
    /// What to do about it, where that is known.
    pub(crate) advice: Option<&'static str>,
}

impl Task {
    /// Why the task ended, in AWS's words.
    pub(crate) fn death(&self) -> StopReason {
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
                (None, Some(reason)) if !reasons_hold(&self.stopped_reason, reason) => {
                    add(format!("container {}: {}", container.name, reason.trim()));
                }
                (None, _) => {}
            }
        }
        let cause = reasons.join("; ");
        let advice = self.advice(&cause);
        StopReason { cause, advice }
    }

    /// Whether the task ended because of an image of its `job` containers, in a way that comes again when it is tried
    /// again: it is not there, not for these processors, cannot be started, or what it starts ends at once.
    pub(crate) fn image_is_at_fault(&self, is_jobs: impl Fn(&Container) -> bool) -> bool {
        // By SIGTERM or SIGKILL, or orderly: stopped because another one had ended.
        let was_stopped = |container: &Container| {
            matches!(container.exit_code, None | Some(0 | 137 | 143)) && container.reason.is_none()
        };
        let others_were_stopped = self
            .containers
            .iter()
            .filter(|container| !is_jobs(container))
            .all(was_stopped);
        let whole = self.stopped_reason.as_deref().unwrap_or_default();
        self.containers
            .iter()
            .filter(|container| is_jobs(container))
            .any(|container| {
                let named = container
                    .image
                    .as_deref()
                    .is_some_and(|image| whole.contains(image));
                let reason = match &container.reason {
                    Some(reason) => reason.to_lowercase(),
                    None if named => whole.to_lowercase(),
                    None => String::new(),
                };
                let image = container.image.as_deref().unwrap_or_default();
                if reason.contains("cannotpullcontainererror") {
                    cannot_be_there(&reason.replace(&image.to_lowercase(), ""))
                } else if reason.contains("cannotstartcontainererror") {
                    true
                } else {
                    self.stop_code.as_deref() == Some("EssentialContainerExited")
                        && container.exit_code.is_some()
                        && others_were_stopped
                        && !reason.contains("outofmemory")
                }
            })
    }

    fn advice(&self, cause: &str) -> Option<&'static str> {
        let cause = cause.to_lowercase();
        let has = |fragments: &[&str]| fragments.iter().any(|fragment| cause.contains(fragment));
        match self.stop_code.as_deref() {
            Some("SpotInterruption") => {
                return Some(
                    "AWS took the Spot capacity back. Run the job again, or on FARGATE if it must not be interrupted.",
                );
            }
            Some("TerminationNotice") => return Some("AWS retired the host. Run the job again."),
            _ => {}
        }
        Some(if has(&["outofmemory"]) {
            "Give the task more memory in its task definition."
        } else if has(&["cannotpullcontainererror"]) && has(&["toomanyrequests", "rate limit"]) {
            "The registry limits pulls. Copy the image to a registry of your own, such as ECR."
        } else if has(&["cannotpullcontainererror"]) && has(&NETWORK) {
            "The task cannot reach the registry: it needs a public IP (EnablePublicIP), a NAT gateway or VPC endpoints."
        } else if has(&["cannotpullcontainererror"])
            && has(&["permission", "denied", "unauthorized", "forbidden"])
        {
            "Check that the task's execution role may pull the image, or that the registry's credentials are right."
        } else if has(&["cannotpullcontainererror"]) && has(&["no space left"]) {
            "The image does not fit: give the task definition more ephemeral storage."
        } else if has(&["cannotpullcontainererror"]) {
            "Check the image's name and tag in the task definition, and that the task can reach its registry."
        } else if has(&["resourceinitializationerror"]) && has(&["log group", "logging driver"]) {
            "Check that the log group of the task definition exists and that the execution role may write to it."
        } else if has(&["resourceinitializationerror"]) && has(&NETWORK) {
            "The task cannot reach AWS's own services: it needs a public IP (EnablePublicIP), a NAT gateway or VPC endpoints."
        } else if has(&["resourceinitializationerror"]) {
            "Check the execution role's permissions for the secrets, registry and logs that the task definition names."
        } else if has(&["cannotstartcontainererror", "containerruntimeerror"]) {
            "Check the entry point, command and user of the container in the task definition."
        } else if has(&["network interface"]) {
            "Check that the subnet has free addresses, or give more subnets ([Fargate] Subnets). Run the job again."
        } else if has(&["capacity is unavailable"]) {
            "Give more subnets in other zones ([Fargate] Subnets) or a FallbackCapacityProviderStrategy."
        } else if self.stop_code.as_deref() == Some("EssentialContainerExited")
            && !self.containers.is_empty()
        {
            "The container ended by itself: see its log in CloudWatch, or run its image by hand."
        } else {
            return None;
        })
    }
}

/// AWS's words for a registry that is not reached.
const NETWORK: [&str; 5] = [
    "dial tcp",
    "i/o timeout",
    "tls handshake timeout",
    "context deadline exceeded",
    "connection issue",
];

/// Whether a reason for a pull that failed, in lower case and without the image's name, says that there is no such image:
/// not that the registry was not reached, and not that it let nobody in, which may be the operator's to mend.
fn cannot_be_there(reason: &str) -> bool {
    const SHUT: [&str; 6] = [
        "denied",
        "unauthorized",
        "authorization",
        "forbidden",
        "toomanyrequests",
        "rate limit",
    ];
    const NOT_THERE: [&str; 7] = [
        "not found",
        "does not exist",
        "manifest unknown",
        "no matching manifest",
        "matching platform",
        "match for platform",
        "invalid reference",
    ];
    let has = |fragments: &[&str]| fragments.iter().any(|fragment| reason.contains(fragment));
    has(&NOT_THERE) && !has(&NETWORK) && !has(&SHUT)
}

fn reasons_hold(stopped_reason: &Option<String>, reason: &str) -> bool {
    stopped_reason
        .as_deref()
        .is_some_and(|stopped| stopped.contains(reason.trim()))
}

/// How a task was lost that did nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loss {
    /// AWS had no room for it, or took the room back: elsewhere or later there may be some.
    Room(String),
    /// Something on AWS's side failed.
    Trouble(String),
}

impl Task {
    /// How the task was lost, if another one like it may fare better: by AWS's doing, before the job had a part in it.
    pub(crate) fn loss(&self) -> Option<Loss> {
        const NO_ROOM: [&str; 2] = ["capacity is unavailable", "limit on the number of vcpu"];
        const TROUBLE: [&str; 4] = [
            "network interface",
            "internalerror:",
            "runtimetimeouterror",
            "dockertimeouterror",
        ];
        let cause = self.death().cause;
        let text = cause.to_lowercase();
        let has = |fragments: &[&str]| fragments.iter().any(|fragment| text.contains(fragment));
        match self.stop_code.as_deref() {
            Some("SpotInterruption" | "TerminationNotice") => Some(Loss::Room(cause)),
            Some("TaskFailedToStart") if has(&NO_ROOM) => Some(Loss::Room(cause)),
            Some("TaskFailedToStart") if has(&TROUBLE) => Some(Loss::Trouble(cause)),
            _ => None,
        }
    }

    /// The container among `names` that was killed for its use of memory, in AWS's own words for that: a status of 137
    /// alone says only that something killed it.
    pub(crate) fn out_of_memory(&self, names: &[&str]) -> Option<&Container> {
        self.containers.iter().find(|container| {
            let reason = container.reason.as_deref().unwrap_or_default();
            names.contains(&container.name.as_str())
                && reason.to_lowercase().contains("outofmemory")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            task.death().cause,
            "CannotPullContainerError: failed to resolve ref r/ci:nope: not found; container side exited with status 137 \
             (OutOfMemoryError: Container killed due to memory usage)"
        );
        assert_eq!(Task::default().death().cause, "AWS gave no reason");
    }

    #[test]
    fn an_image_that_cannot_be_is_told_from_bad_luck() {
        let task =
            |stop_code: &str, stopped_reason: &str, jobs: Container, helper: Option<i32>| Task {
                stop_code: Some(stop_code.into()),
                stopped_reason: Some(stopped_reason.into()),
                containers: vec![
                    jobs,
                    Container {
                        exit_code: helper,
                        ..container("helper")
                    },
                ],
                ..Task::default()
            };
        let jobs = |exit_code, reason: &str| Container {
            image: Some("ruby:3".into()),
            exit_code,
            reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
            ..container("ci-coordinator")
        };
        let fault =
            |task: &Task| task.image_is_at_fault(|container| container.name == "ci-coordinator");
        let ended = "Essential container in task exited";
        for (expected, task) in [
            (
                true,
                task(
                    "TaskFailedToStart",
                    "x",
                    jobs(None, "CannotPullContainerError: ruby:3: not found"),
                    None,
                ),
            ),
            (
                true,
                task(
                    "TaskFailedToStart",
                    "CannotPullContainerError: ref ruby:3: not found",
                    jobs(None, ""),
                    None,
                ),
            ),
            (
                false,
                task(
                    "TaskFailedToStart",
                    "CannotPullContainerError: ref helper:1: not found",
                    jobs(None, ""),
                    None,
                ),
            ),
            (
                false,
                task(
                    "TaskFailedToStart",
                    "x",
                    jobs(None, "CannotPullContainerError: dial tcp: i/o timeout"),
                    None,
                ),
            ),
            (
                true,
                task(
                    "TaskFailedToStart",
                    "x",
                    jobs(None, "CannotStartContainerError: exec format error"),
                    None,
                ),
            ),
            (
                true,
                task(
                    "EssentialContainerExited",
                    ended,
                    jobs(Some(1), ""),
                    Some(143),
                ),
            ),
            (
                false,
                task(
                    "EssentialContainerExited",
                    ended,
                    jobs(Some(143), ""),
                    Some(1),
                ),
            ),
            (
                false,
                task(
                    "EssentialContainerExited",
                    ended,
                    jobs(Some(137), "OutOfMemoryError: x"),
                    Some(143),
                ),
            ),
            (
                false,
                task(
                    "SpotInterruption",
                    "Your Spot Task was interrupted.",
                    jobs(Some(143), ""),
                    Some(143),
                ),
            ),
        ] {
            assert_eq!(fault(&task), expected, "{task:?}");
        }
    }

    #[test]
    fn a_registry_that_gives_nothing_is_not_the_images_fault() {
        let fault = |image: &str, reason: &str| {
            let container = Container {
                image: Some(image.into()),
                reason: Some(format!("CannotPullContainerError: {reason}")),
                ..container("ci-coordinator")
            };
            let task = Task {
                stop_code: Some("TaskFailedToStart".into()),
                containers: vec![container],
                ..Task::default()
            };
            task.image_is_at_fault(|_| true)
        };
        for (expected, image, reason) in [
            (
                true,
                "ruby:nope",
                "failed to resolve ref docker.io/library/ruby:nope: not found",
            ),
            (
                true,
                "ruby:3",
                "image manifest does not contain descriptor matching platform linux/arm64",
            ),
            (
                true,
                "ruby:3",
                "no match for platform in manifest: not found",
            ),
            (
                true,
                "acme/platform/ruby:3",
                "manifest unknown: acme/platform/ruby:3",
            ),
            // What is in the image's name is nobody's word.
            (
                false,
                "acme/matching platform",
                "ref acme/matching platform: unexpected status 500",
            ),
            (
                false,
                "r.example/not found/ruby:3",
                "dial tcp 10.0.0.1:443: i/o timeout: r.example/not found/ruby:3",
            ),
            (
                false,
                "acme/ruby:3",
                "dial tcp: lookup r.example: no such host: not found",
            ),
            (
                false,
                "acme/ruby:3",
                "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
            ),
            (
                false,
                "acme/ruby:3",
                "unexpected status from HEAD request: 401 Unauthorized: not found",
            ),
            (
                false,
                "acme/ruby:3",
                "httpReadSeeker: failed open: 429 toomanyrequests",
            ),
        ] {
            assert_eq!(fault(image, reason), expected, "{image}: {reason}");
        }
    }

    #[test]
    fn a_task_that_aws_lost_is_told_from_one_that_cannot_be() {
        let loss = |code: &str, reason: &str| {
            let task = Task {
                stop_code: Some(code.into()),
                stopped_reason: Some(reason.into()),
                ..Task::default()
            };
            task.loss()
        };
        let full = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
        for (code, reason) in [
            ("SpotInterruption", "Your Spot Task was interrupted."),
            (
                "TerminationNotice",
                "ECS is performing maintenance on the underlying infrastructure hosting the task",
            ),
            ("TaskFailedToStart", full),
        ] {
            assert_eq!(loss(code, reason), Some(Loss::Room(reason.into())));
        }
        for reason in [
            "Timeout waiting for network interface provisioning to complete.",
            "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet 's'",
            "InternalError: x",
            "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: x",
        ] {
            assert_eq!(
                loss("TaskFailedToStart", reason),
                Some(Loss::Trouble(reason.into()))
            );
        }
        for (code, reason) in [
            ("TaskFailedToStart", "CannotPullContainerError: x"),
            ("TaskFailedToStart", "ResourceInitializationError: x"),
            (
                "EssentialContainerExited",
                "Essential container in task exited",
            ),
            ("UserInitiated", full),
        ] {
            assert_eq!(loss(code, reason), None, "{code} {reason}");
        }
    }

    #[test]
    fn memory_is_to_blame_only_where_aws_says_so() {
        let killed = |reason: Option<&str>| Task {
            containers: vec![Container {
                exit_code: Some(137),
                reason: reason.map(str::to_owned),
                ..container("ci-coordinator")
            }],
            ..Task::default()
        };
        let oom = killed(Some(
            "OutOfMemoryError: container killed due to memory usage",
        ));
        assert!(oom.out_of_memory(&["helper", "ci-coordinator"]).is_some());
        assert!(oom.out_of_memory(&["helper"]).is_none());
        assert!(killed(None).out_of_memory(&["ci-coordinator"]).is_none());
    }
}
