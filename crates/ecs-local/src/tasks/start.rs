//! The start of a task, up to the start of its containers.

use super::changes::{self, set_attachment};
use super::description::{AttachmentStatus, ContainerInterface, TaskStatus};
use super::spec::ContainerSpec;
use super::task_run::{StopCause, TaskRun};
use crate::faults::{InjectedStartFailure, SlowStep, StartStep, TaskFaults};
use crate::latency;
use crate::network::Interface;
use crate::shapes::KeyValue;
use crate::timestamp::Timestamp;

impl TaskRun {
    /// Makes everything that the containers need, at the pace of these faults, or fails where they say so.
    pub(super) async fn start(&mut self, faults: &TaskFaults) -> Result<(), StopCause> {
        let failure = faults.start_failure.as_ref();
        let failure_at = |step| failure.filter(|failure| failure.at == step);
        let pace = self.pace.clone();
        let slow = |step| pace.sleep(faults.slow_by(step));
        self.pace.wait(latency::INTERFACE).await;
        slow(SlowStep::Address).await;
        if let Some(failure) = failure_at(StartStep::Network) {
            self.change(|description, _| set_attachment(description, AttachmentStatus::Failed));
            let reason = failure.reason.clone().unwrap_or_else(|| {
                "Timeout waiting for network interface provisioning to complete.".into()
            });
            return Err(StopCause::failed_to_start(reason));
        }
        self.make_sandbox().await?;
        self.create_interface()?;
        self.pace.wait(latency::PENDING).await;
        self.change(|description, _| description.last_status = TaskStatus::Pending);
        self.pace.wait(latency::CONNECTED).await;
        self.attach_interface();
        self.open_log_streams()?;
        self.pace.wait(latency::PULL).await;
        slow(SlowStep::Network).await;
        self.change(|description, now| description.pull_started_at = Some(now));
        self.pace.wait(latency::PULLING).await;
        slow(SlowStep::Pull).await;
        if let Some(failure) = failure_at(StartStep::Pull) {
            let container = self.failing_container(failure);
            let image = container
                .and_then(|at| self.spec.containers.get(at))
                .map_or("", |container| container.image.as_str());
            let reason = format!(
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: {image}: not found"
            );
            return Err(self.fail(failure, reason));
        }
        if !self.pulls_one_by_one() {
            self.change(changes::all_pulled);
        }
        self.pace.wait(latency::START).await;
        slow(SlowStep::Start).await;
        if let Some(failure) = failure_at(StartStep::Start) {
            let reason = "CannotStartContainerError: failed to create container: exec format error"
                .to_owned();
            return Err(self.fail(failure, reason));
        }
        Ok(())
    }

    /// Whether each container pulls its own image before it starts, and reports it.
    pub(super) fn pulls_one_by_one(&self) -> bool {
        let delayed = |container: &ContainerSpec| !container.faults.pull_delay.is_zero();
        self.sandbox.get().is_some() || self.spec.containers.iter().any(delayed)
    }

    /// Makes the sandbox of real containers, whose address is the task's.
    async fn make_sandbox(&mut self) -> Result<(), StopCause> {
        if let Some(engine) = self.runtime.engine() {
            let made = self.sandbox.make(engine, &self.spec.sandbox).await;
            let failed = |error| StopCause::failed_to_start(format!("InternalError: {error:#}"));
            self.spec.interface.address = Some(made.map_err(failed)?);
        }
        Ok(())
    }

    fn create_interface(&mut self) -> Result<(), StopCause> {
        let request = &self.spec.interface;
        let created = self
            .network
            .lock()
            .create(&self.spec.region, request, Timestamp::now());
        let Some(interface) = created else {
            self.change(|description, _| set_attachment(description, AttachmentStatus::Failed));
            let public = if request.public {
                "enabled"
            } else {
                "disabled"
            };
            return Err(StopCause::failed_to_start(format!(
                "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment {public} in subnet '{}': InsufficientFreeAddressesInSubnet",
                request.subnet_id
            )));
        };
        self.change(|description, _| {
            set_attachment(description, AttachmentStatus::Attaching);
            if let Some(attachment) = description.attachments.first_mut() {
                attachment.details.extend(details(&interface));
            }
        });
        self.interface = Some(interface);
        Ok(())
    }

    fn attach_interface(&self) {
        let address = self.interface.as_ref().map(|interface| interface.address);
        let of_family = |is_ipv4| {
            let address = address.filter(|address| address.is_ipv4() == is_ipv4);
            address.map(|address| address.to_string())
        };
        let attachment_id = &self.spec.attachment_id;
        self.change(|description, now| {
            set_attachment(description, AttachmentStatus::Attached);
            description.connectivity = Some("CONNECTED");
            description.connectivity_at = Some(now);
            for container in &mut description.containers {
                container.network_interfaces = vec![ContainerInterface {
                    attachment_id: attachment_id.clone(),
                    private_ipv4_address: of_family(true),
                    ipv6_address: of_family(false),
                }];
            }
        });
    }

    /// Opens the log stream of each container with the log driver `awslogs`.
    fn open_log_streams(&self) -> Result<(), StopCause> {
        for (at, container) in self.spec.containers.iter().enumerate() {
            let Some(destination) = &container.log else {
                continue;
            };
            let stream = destination
                .open(&self.runtime.logs, &self.pace)
                .map_err(StopCause::failed_to_start)?;
            if let Some(output) = self.task.lock().outputs.get(at) {
                output.log_to(stream);
            }
        }
        Ok(())
    }

    /// The position of the container that a start failure is about.
    fn failing_container(&self, failure: &InjectedStartFailure) -> Option<usize> {
        let mut containers = self.spec.containers.iter();
        containers.position(|container| match &failure.container {
            Some(name) => container.name == *name,
            None => container.essential,
        })
    }

    /// Sets the reason of the failing container, and returns the cause of the task's stop.
    fn fail(&self, failure: &InjectedStartFailure, default: String) -> StopCause {
        let reason = failure.reason.clone().unwrap_or(default);
        let container_reason = failure.container_reason.as_ref().unwrap_or(&reason).clone();
        let failing = self.failing_container(failure);
        self.change(|description, _| {
            if let Some(container) = failing.and_then(|at| description.containers.get_mut(at)) {
                container.reason = Some(container_reason);
            }
        });
        StopCause::failed_to_start(reason)
    }
}

/// The details of an interface, as the task's attachment shows them.
fn details(interface: &Interface) -> [KeyValue; 4] {
    [
        KeyValue::new("networkInterfaceId", &interface.id),
        KeyValue::new("macAddress", &interface.mac),
        KeyValue::new("privateDnsName", &interface.dns_name),
        KeyValue::new(
            match interface.address.is_ipv4() {
                true => "privateIPv4Address",
                false => "ipv6Address",
            },
            interface.address.to_string(),
        ),
    ]
}
