//! Whether an image of the job ended its task.

use crate::task::description::{Container, Task};

/// Fragments of AWS's reasons when the registry is out of reach.
pub(super) const UNREACHED: [&str; 5] = [
    "dial tcp",
    "i/o timeout",
    "tls handshake timeout",
    "context deadline exceeded",
    "connection issue",
];

impl Task {
    /// Whether an image of the job's containers ended the task, in a way that another attempt repeats.
    ///
    /// The image does not exist, is not for these processors, cannot be started, or its command ends at once.
    pub(crate) fn image_is_at_fault(&self, is_jobs: impl Fn(&Container) -> bool) -> bool {
        // SIGTERM, SIGKILL or an orderly exit: stopped because another one had ended.
        let was_stopped = |container: &Container| {
            matches!(container.exit_code, None | Some(0 | 137 | 143)) && container.reason.is_none()
        };
        let others_were_stopped = self
            .containers
            .iter()
            .filter(|container| !is_jobs(container))
            .all(was_stopped);
        let task_reason = self.stopped_reason.as_deref().unwrap_or_default();
        self.containers
            .iter()
            .filter(|container| is_jobs(container))
            .any(|container| {
                let is_named = container
                    .image
                    .as_deref()
                    .is_some_and(|image| task_reason.contains(image));
                let reason = match &container.reason {
                    Some(reason) => reason.to_lowercase(),
                    None if is_named => task_reason.to_lowercase(),
                    None => String::new(),
                };
                let image = container.image.as_deref().unwrap_or_default();
                if reason.contains("cannotpullcontainererror") {
                    does_not_exist(&reason.replace(&image.to_lowercase(), ""))
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
}

/// Whether the reason for a failed pull, in lower case and without the image's name, says that the image does not
/// exist.
///
/// An unreachable registry and refused access do not count: the operator may be able to mend them.
fn does_not_exist(reason: &str) -> bool {
    const REFUSED_ACCESS: [&str; 6] = [
        "denied",
        "unauthorized",
        "authorization",
        "forbidden",
        "toomanyrequests",
        "rate limit",
    ];
    const MISSING: [&str; 7] = [
        "not found",
        "does not exist",
        "manifest unknown",
        "no matching manifest",
        "matching platform",
        "match for platform",
        "invalid reference",
    ];
    let has = |fragments: &[&str]| fragments.iter().any(|fragment| reason.contains(fragment));
    has(&MISSING) && !has(&UNREACHED) && !has(&REFUSED_ACCESS)
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
            // The image's own name may contain a fragment.
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
}
