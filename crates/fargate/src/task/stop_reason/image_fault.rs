//! Whether an image that the job names ended its task.

use fargate_wire::COORDINATOR_CONTAINER;

use super::cause::Cause;
use super::ending::{End, Ending};
use crate::task::description::Container;

impl<'a> End<'a> {
    /// How an image of the job's ended the task, in a way that another attempt repeats: it does not exist, is not for
    /// these processors, cannot be started, or its command ends at once.
    ///
    /// An unreachable registry and refused access do not count: the operator may be able to mend them.
    pub(super) fn image_fault(&self) -> Option<Ending<'a>> {
        let build = self.build?;
        let may_be = ["EssentialContainerExited", "TaskFailedToStart"].contains(&self.stop_code());
        if !may_be || self.bootstrap_failure().is_some() {
            return None;
        }
        let is_jobs = |container: &&Container| build.job_names_image_of(&container.name);
        let told = self.statements.iter().find_map(|statement| {
            let cause = statement.cause()?;
            let about = statement.about.filter(is_jobs)?;
            let is_final = matches!(
                cause,
                Cause::NoImage | Cause::OtherPlatform | Cause::EntryPoint
            );
            is_final.then_some(Ending {
                cause,
                about: Some(about),
            })
        });
        told.or_else(|| {
            self.ended_by_itself()
                .filter(|ending| ending.about.is_some_and(|one| is_jobs(&one)))
        })
    }

    /// The job's container, if its command ended although nobody stopped it.
    fn ended_by_itself(&self) -> Option<Ending<'a>> {
        let says_so = self.stop_code() == "EssentialContainerExited"
            || self
                .statements
                .iter()
                .any(|one| one.cause() == Some(Cause::Exited));
        let (coordinator, others): (Vec<&Container>, Vec<&Container>) = self
            .task
            .containers
            .iter()
            .partition(|container| container.name == COORDINATOR_CONTAINER);
        let about = *coordinator.first()?;
        // SIGKILL or SIGTERM: stopped because another one had ended. An orderly exit may be that, too.
        let is_explained = self
            .statements
            .iter()
            .any(|one| one.about == Some(about) && one.cause().is_some());
        let ended = !matches!(about.exit_code?, 137 | 143) && !is_explained;
        let were_stopped = others
            .into_iter()
            .filter(|other| {
                self.build
                    .is_some_and(|build| !build.job_names_image_of(&other.name))
            })
            .all(|other| {
                matches!(other.exit_code, None | Some(0 | 137 | 143)) && other.reason.is_none()
            });
        (says_so && ended && were_stopped).then_some(Ending {
            cause: Cause::Exited,
            about: Some(about),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::task::description::{Container, Task};
    use crate::task::job_container::JobContainer;

    /// Whether the image is at fault that the job, or the operator, names.
    fn is_at_fault(task: &Task, is_jobs: bool) -> bool {
        let build = JobContainer {
            port: 7022,
            image: "ruby:3".into(),
            is_jobs,
            services: Vec::new(),
        };
        task.stop_reason(Some(&build), false).image_is_at_fault
    }

    fn container(
        name: &str,
        image: &str,
        exit_code: Option<i32>,
        reason: Option<&str>,
    ) -> Container {
        Container {
            name: name.into(),
            image: Some(image.into()),
            exit_code,
            reason: reason.map(str::to_owned),
            ..Container::default()
        }
    }

    fn task(stop_code: &str, stopped_reason: &str, containers: Vec<Container>) -> Task {
        Task {
            stop_code: Some(stop_code.into()),
            stopped_reason: Some(stopped_reason.into()),
            containers,
            ..Task::default()
        }
    }

    #[test]
    fn an_images_own_name_tells_nothing() {
        for (expected, image, reason) in [
            (
                true,
                "ruby:nope",
                "failed to resolve ref docker.io/library/ruby:nope: not found",
            ),
            (
                true,
                "acme/platform/ruby:3",
                "manifest unknown: acme/platform/ruby:3",
            ),
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
                "unexpected status from HEAD request: 401 Unauthorized: not found",
            ),
        ] {
            let reason = format!("CannotPullContainerError: {reason}");
            let jobs = container("ci-coordinator", image, None, Some(&reason));
            let task = task("TaskFailedToStart", "Task failed to start", vec![jobs]);
            assert_eq!(is_at_fault(&task, true), expected, "{image}: {reason}");
            assert!(!is_at_fault(&task, false), "{image}: {reason}");
        }
    }

    #[test]
    fn whoever_ended_first_is_to_blame() {
        let ended = "Essential container in task exited";
        for (expected, stop_code, jobs, helper) in [
            (true, "EssentialContainerExited", 1, Some(143)),
            (true, "EssentialContainerExited", 0, None),
            (true, "TaskFailedToStart", 1, Some(143)),
            // It was stopped itself.
            (false, "EssentialContainerExited", 143, Some(0)),
            (false, "EssentialContainerExited", 137, Some(137)),
            (false, "EssentialContainerExited", 1, Some(1)),
            (false, "SpotInterruption", 1, Some(143)),
        ] {
            let containers = vec![
                container("ci-coordinator", "ruby:3", Some(jobs), None),
                container("helper", "helper:1", helper, None),
                // Its end does not end the task.
                container("service-0", "redis", Some(2), None),
            ];
            let task = task(stop_code, ended, containers);
            assert_eq!(is_at_fault(&task, true), expected, "{task:?}");
        }
    }
}
