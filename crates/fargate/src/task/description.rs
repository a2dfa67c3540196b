//! An ECS task as one DescribeTasks showed it: its progress towards running, and its address.
//!
//! Every field of a reply may be missing, statuses may be new, and states may be skipped between two looks
//! (AWS: task lifecycle), so nothing here relies on having seen an earlier one.

use std::net::IpAddr;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use serde::{Deserialize, Serialize};

use super::facts::{TaskFacts, TaskTimes};

/// A task, as one reply of AWS describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    /// Its ARN, whose last part is its id.
    pub(crate) arn: String,
    /// ARN of the task definition it runs, with revision.
    pub(crate) definition: String,
    /// Status as last reported.
    pub(crate) last_status: String,
    /// `STOPPED` once its end has begun, which `last_status` may show much later.
    pub(crate) desired_status: String,
    /// AWS's code for the stop.
    pub(crate) stop_code: Option<String>,
    /// AWS's reason for the stop.
    pub(crate) stopped_reason: Option<String>,
    /// Its times, as far as it has come.
    pub(crate) times: TaskTimes,
    /// CPU units, 1024 to the vCPU.
    pub(crate) cpu: Option<u32>,
    /// Memory in MiB.
    pub(crate) memory: Option<u32>,
    /// Capacity provider it was placed on, with a strategy.
    pub(crate) capacity_provider: Option<String>,
    /// Zone it was placed in.
    pub(crate) availability_zone: Option<String>,
    /// Ephemeral storage in GiB.
    pub(crate) storage: Option<u32>,
    /// Architecture of its CPU.
    pub(crate) architecture: Option<String>,
    /// Group from RunTask, by which a job's task is found again.
    pub(crate) group: Option<String>,
    /// Its containers, in no particular order.
    pub(crate) containers: Vec<Container>,
    /// Its network interface.
    pub(crate) interface: Interface,
}

/// A container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    /// Name in the task definition.
    pub(crate) name: String,
    /// Image as the task definition names it.
    pub(crate) image: Option<String>,
    /// Status as last reported.
    pub(crate) last_status: String,
    /// Status it exited with, if it ran and ended.
    pub(crate) exit_code: Option<i32>,
    /// AWS's reason for its failure.
    pub(crate) reason: Option<String>,
    /// Its address, which appears late.
    pub(crate) private_ip: Option<IpAddr>,
}

/// The network interface of a task, as far as it exists yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    /// Its EC2 id.
    pub(crate) id: Option<String>,
    /// Its private address.
    pub(crate) private_ip: Option<IpAddr>,
}

/// The phase of a task on its way to running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// AWS looks for capacity and makes the network interface.
    Provisioning,
    /// The images are being pulled.
    Pulling,
    /// The containers are being started.
    Starting,
    /// The containers run; the SSH server in them may not listen yet.
    Running,
}

impl Phase {
    /// The current activity, for the job log.
    pub(crate) fn doing(self) -> &'static str {
        match self {
            Self::Provisioning => "waiting for AWS to provision the task",
            Self::Pulling => "pulling the image",
            Self::Starting => "starting the container",
            Self::Running => "waiting for the container's SSH server",
        }
    }

    /// The result of the phase, for the job log.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioned",
            Self::Pulling => "image pulled",
            Self::Starting => "container started",
            Self::Running => "SSH server reached",
        }
    }
}

impl Task {
    /// The id, which is the last part of the ARN.
    pub(crate) fn id(&self) -> &str {
        id(&self.arn)
    }

    /// The task's phase on its way to running.
    pub(crate) fn phase(&self) -> Phase {
        if self.times.started.is_some() || self.last_status == "RUNNING" {
            Phase::Running
        } else if self.times.pull_stopped.is_some() {
            Phase::Starting
        } else if self.times.pull_started.is_some() {
            Phase::Pulling
        } else {
            Phase::Provisioning
        }
    }

    /// Time of its creation, in seconds since 1970.
    pub(crate) fn created_at(&self) -> Option<u64> {
        self.times.created.map(|created| created / 1000)
    }

    /// Whether its end has begun.
    pub(crate) fn is_ending(&self) -> bool {
        self.desired_status == "STOPPED"
            || matches!(
                self.last_status.as_str(),
                "DEACTIVATING" | "STOPPING" | "DEPROVISIONING" | "STOPPED" | "DELETED"
            )
    }

    /// Whether it has ended; its containers' exit codes and reasons are final then.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.last_status.as_str(), "STOPPED" | "DELETED")
    }

    /// The private address of the container that takes scripts. All containers of a task share one, but with
    /// several the others' may be filled in earlier.
    pub(crate) fn private_ip(&self, container: &str) -> Option<IpAddr> {
        self.containers
            .iter()
            .find(|candidate| candidate.name == container)
            .and_then(|container| container.private_ip)
            .or(self.interface.private_ip)
    }

    /// The container with this name.
    pub(crate) fn container(&self, name: &str) -> Option<&Container> {
        self.containers
            .iter()
            .find(|container| container.name == name)
    }

    /// The facts that outlive it.
    pub(crate) fn facts(&self) -> TaskFacts {
        let coordinator = self.container(COORDINATOR_CONTAINER);
        TaskFacts {
            times: self.times,
            family: family(&self.definition),
            revision: revision(&self.definition),
            image: coordinator.and_then(|container| container.image.clone()),
            cpu: self.cpu,
            memory: self.memory,
            storage: self.storage,
            architecture: self.architecture.clone(),
            provider: self.capacity_provider.clone(),
            zone: self.availability_zone.clone(),
            stop_code: self.stop_code.clone(),
        }
    }

    /// Size as text, such as "1 vCPU, 2 GB".
    pub(crate) fn size(&self) -> Option<String> {
        let (cpu, memory) = (
            f64::from(self.cpu?) / 1024.0,
            f64::from(self.memory?) / 1024.0,
        );
        Some(format!("{cpu} vCPU, {memory} GB"))
    }
}

/// The id in a task's ARN.
pub(crate) fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The family in the ARN of a task definition.
pub(crate) fn family(definition: &str) -> Option<String> {
    let (_, name) = definition.rsplit_once("task-definition/")?;
    let family = name
        .rsplit_once(':')
        .map_or(name, |(family, _revision)| family);
    Some(family.to_owned())
}

/// The revision in the ARN of a task definition.
fn revision(definition: &str) -> Option<u32> {
    let (_, revision) = definition.rsplit_once(':')?;
    revision.parse().ok()
}

/// The page of AWS's console that shows the task, for ARNs of partitions with a known console.
pub(crate) fn console_link(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, _service, region, _account, resource) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    let host = match partition {
        "aws" => format!("{region}.console.aws.amazon.com"),
        "aws-cn" => "console.amazonaws.cn".to_owned(),
        "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
        _ => return None,
    };
    let (cluster, task) = resource.strip_prefix("task/")?.split_once('/')?;
    Some(format!(
        "https://{host}/ecs/v2/clusters/{cluster}/tasks/{task}?region={region}"
    ))
}

/// Pause before the next look at a task that was started `waited` ago.
///
/// Quick at first, because the address can appear any moment and everything else waits for it. Slower once SSH is
/// tried, because a look then only shows that the task died.
pub(crate) fn look_again(waited: Duration, address_known: bool) -> Duration {
    let (least, most) = if address_known {
        (2.0, 5.0)
    } else {
        (0.2, 2.0)
    };
    Duration::from_secs_f64((waited.as_secs_f64() / 4.0).clamp(least, most))
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
    fn the_address_is_that_of_the_right_container_or_of_the_interface() {
        let mut task = Task {
            containers: vec![
                Container {
                    private_ip: "10.0.0.9".parse().ok(),
                    ..container("sidecar")
                },
                container("ci-coordinator"),
            ],
            ..Task::default()
        };
        assert_eq!(task.private_ip("ci-coordinator"), None);
        task.interface.private_ip = "10.0.0.1".parse().ok();
        assert_eq!(task.private_ip("ci-coordinator"), "10.0.0.1".parse().ok());
    }

    #[test]
    fn the_end_shows_in_the_desired_status_first() {
        let mut task = Task {
            last_status: "RUNNING".into(),
            desired_status: "RUNNING".into(),
            ..Task::default()
        };
        assert!(!task.is_ending());
        task.desired_status = "STOPPED".into();
        assert!(task.is_ending() && !task.is_over());
    }

    #[test]
    fn the_family_is_told_from_the_revision() {
        let arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/ci-ruby:7";
        assert_eq!(family(arn).as_deref(), Some("ci-ruby"));
        assert_eq!(family("").as_deref(), None);
    }

    #[test]
    fn links_lead_to_the_right_console() {
        assert_eq!(
            console_link("arn:aws:ecs:us-east-2:1:task/test-cluster/abc").as_deref(),
            Some(
                "https://us-east-2.console.aws.amazon.com/ecs/v2/clusters/test-cluster/tasks/abc?region=us-east-2"
            )
        );
        assert_eq!(console_link("arn:aws:ecs:us-east-2:1:task/abc"), None);
        assert_eq!(console_link("nonsense"), None);
    }

    #[test]
    fn looks_are_quick_at_first_and_never_stop() {
        assert_eq!(
            look_again(Duration::ZERO, false),
            Duration::from_millis(200)
        );
        assert_eq!(
            look_again(Duration::from_secs(600), false),
            Duration::from_secs(2)
        );
        assert_eq!(
            look_again(Duration::from_secs(600), true),
            Duration::from_secs(5)
        );
    }
}
