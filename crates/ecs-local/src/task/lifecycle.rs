//! The life of a task, from `PROVISIONING` to `STOPPED`.
//!
//! One driver per task goes through the states in AWS's order. Whatever makes the task stop, the first cause wins and
//! the way down is the same.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::changes::{self, set_attachment};
use super::containers::{Containers, End, Event, Site, What};
use super::ground::Ground;
use super::logging;
use super::plan::{ContainerPlan, Plan};
use super::record::{AttachmentStatus, ContainerInterface, Record, TaskStatus, Timestamp};
use crate::ecs::shapes::KeyValue;
use crate::faults::{Stage, StartFailure};
use crate::latency;
use crate::network::Interface;
use crate::world::{TaskKey, World};

/// Why a task stops: stop code and reason.
struct Cause {
    code: String,
    reason: String,
}

impl Cause {
    fn new(code: &str, reason: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            reason: reason.into(),
        }
    }

    fn failed_to_start(reason: impl Into<String>) -> Self {
        Self::new("TaskFailedToStart", reason)
    }
}

/// Lives a task's life.
pub(crate) async fn drive(
    world: Arc<World>,
    key: TaskKey,
    plan: Plan,
    mut stopping: watch::Receiver<bool>,
) {
    let mut driver = Driver {
        world,
        key,
        plan,
        containers: None,
        interface: None,
        ground: Ground::default(),
    };
    let mut shutdown = driver.world.shutdown();
    let cause = tokio::select! {
        biased;
        // Whoever asked for it wrote down why.
        _ = stopping.wait_for(|stopping| *stopping) => None,
        _ = shutdown.wait_for(|ended| *ended) => Some(Cause::new("TerminationNotice", "The local stand-in was ended.")),
        cause = driver.live() => cause,
    };
    if let Some(Cause { code, reason }) = cause {
        driver
            .world
            .with_task(&driver.key, |task| task.begin_stop(&code, &reason));
    }
    driver.wind_down().await;
}

struct Driver {
    world: Arc<World>,
    key: TaskKey,
    plan: Plan,
    containers: Option<Containers>,
    interface: Option<Interface>,
    ground: Ground,
}

impl Driver {
    /// Changes what is shown of the task.
    fn change(&self, change: impl FnOnce(&mut Record, Timestamp)) {
        self.world.with_task(&self.key, |task| task.change(change));
    }

    /// Until something makes the task stop; `None` when that is written down already.
    async fn live(&mut self) -> Option<Cause> {
        let (failure, unseen, stop) = self.world.with_task(&self.key, |task| {
            (
                task.faults.start_failure.clone(),
                task.faults.dies_unseen,
                task.faults.stop.clone(),
            )
        })?;
        if let Some(code) = unseen {
            self.die_unseen(code);
            return None;
        }
        if let Err(cause) = self.start(failure).await {
            return Some(cause);
        }
        Some(self.run(stop).await)
    }

    /// Up to the start of the containers.
    async fn start(&mut self, failure: Option<StartFailure>) -> Result<(), Cause> {
        let fails = |stage| failure.as_ref().filter(|failure| failure.at == stage);
        self.world.wait(latency::INTERFACE).await;
        if let Some(failure) = fails(Stage::Network) {
            self.change(|record, _| set_attachment(record, AttachmentStatus::Failed));
            let reason = failure.reason.clone();
            return Err(Cause::failed_to_start(reason.unwrap_or_else(|| {
                "Timeout waiting for network interface provisioning to complete.".into()
            })));
        }
        self.make_ground().await?;
        self.create_interface()?;
        self.world.wait(latency::PENDING).await;
        self.change(|record, _| record.last_status = TaskStatus::Pending);
        self.world.wait(latency::CONNECTED).await;
        self.connect();
        logging::open(&self.world, &self.key, &self.plan).map_err(Cause::failed_to_start)?;
        self.world.wait(latency::PULL).await;
        self.change(|record, now| record.pull_started_at = Some(now));
        self.world.wait(latency::PULLING).await;
        if let Some(failure) = fails(Stage::Pull) {
            let image = self
                .failing(failure)
                .and_then(|at| self.plan.containers.get(at))
                .map_or("", |container| container.image.as_str());
            let reason = format!(
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: {image}: not found"
            );
            return Err(self.fail(failure, reason));
        }
        if !self.pulls_one_by_one() {
            self.change(changes::all_pulled);
        }
        self.world.wait(latency::START).await;
        if let Some(failure) = fails(Stage::Start) {
            let reason = "CannotStartContainerError: failed to create container: exec format error"
                .to_owned();
            return Err(self.fail(failure, reason));
        }
        Ok(())
    }

    /// Whether containers get their images when each of them is about to start, and say so.
    fn pulls_one_by_one(&self) -> bool {
        let delayed = |container: &ContainerPlan| !container.faults.pull_delay.is_zero();
        self.ground.sandbox().is_some() || self.plan.containers.iter().any(delayed)
    }

    /// Makes what real containers stand on; the task has the address that it is given there.
    async fn make_ground(&mut self) -> Result<(), Cause> {
        if let Some(engine) = &self.world.engine {
            let made = self.ground.make(engine, &self.plan.shared).await;
            let failed = |error| Cause::failed_to_start(format!("InternalError: {error:#}"));
            self.plan.interface.address = Some(made.map_err(failed)?);
        }
        Ok(())
    }

    fn create_interface(&mut self) -> Result<(), Cause> {
        let mut state = self.world.lock();
        let Some(region) = state.regions.get_mut(&self.key.region) else {
            return Err(Cause::failed_to_start("InternalError: the region is gone"));
        };
        let made = region
            .network
            .create(&self.plan.region, &self.plan.interface, Timestamp::now());
        let Some(task) = region.tasks.get_mut(&self.key.id) else {
            return Err(Cause::failed_to_start("InternalError: the task is gone"));
        };
        let Some(made) = made else {
            task.change(|record, _| set_attachment(record, AttachmentStatus::Failed));
            let with = if self.plan.interface.public {
                "enabled"
            } else {
                "disabled"
            };
            return Err(Cause::failed_to_start(format!(
                "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment {with} in subnet '{}': InsufficientFreeAddressesInSubnet",
                self.plan.interface.subnet_id
            )));
        };
        task.change(|record, _| {
            set_attachment(record, AttachmentStatus::Attaching);
            if let Some(attachment) = record.attachments.first_mut() {
                attachment.details.extend([
                    KeyValue::new("networkInterfaceId", &made.id),
                    KeyValue::new("macAddress", &made.mac),
                    KeyValue::new("privateDnsName", &made.dns_name),
                    KeyValue::new("privateIPv4Address", made.address.to_string()),
                ]);
            }
        });
        self.interface = Some(made);
        Ok(())
    }

    fn connect(&self) {
        let address = self
            .interface
            .as_ref()
            .map(|interface| interface.address.to_string())
            .unwrap_or_default();
        let attachment_id = &self.plan.attachment_id;
        self.change(|record, now| {
            set_attachment(record, AttachmentStatus::Attached);
            record.connectivity = Some("CONNECTED");
            record.connectivity_at = Some(now);
            for container in &mut record.containers {
                container.network_interfaces = vec![ContainerInterface {
                    attachment_id: attachment_id.clone(),
                    private_ipv4_address: address.clone(),
                }];
            }
        });
    }

    /// The container a start failure is about.
    fn failing(&self, failure: &StartFailure) -> Option<usize> {
        self.plan
            .containers
            .iter()
            .position(|container| match &failure.container {
                Some(name) => container.name == *name,
                None => container.essential,
            })
    }

    /// Writes a start failure down on its container and says it of the task.
    fn fail(&self, failure: &StartFailure, default: String) -> Cause {
        let reason = failure.reason.clone().unwrap_or(default);
        let shown = failure
            .container_reason
            .clone()
            .unwrap_or_else(|| reason.clone());
        let failing = self.failing(failure);
        self.change(|record, _| {
            if let Some(container) = failing.and_then(|at| record.containers.get_mut(at)) {
                container.reason = Some(shown);
            }
        });
        Cause::failed_to_start(reason)
    }

    /// Starts the containers and follows them until one of them, or a fault, ends the task.
    async fn run(&mut self, stop: Option<(std::time::Duration, String, String)>) -> Cause {
        let Some(interface) = &self.interface else {
            return Cause::failed_to_start("InternalError: no network interface");
        };
        let site = Site {
            task_id: self.key.id.clone(),
            address: interface.address,
            hostname: interface.dns_name.clone(),
            sandbox: self.ground.sandbox().cloned(),
            shutdown: self.world.shutdown(),
        };
        let (outputs, struck) = self
            .world
            .with_task(&self.key, |task| (task.outputs.clone(), task.struck()))
            .unwrap_or_default();
        // Kept in the driver, so that they are found when something else stops the task.
        self.containers = Some(Containers::start(
            &self.plan.containers,
            &outputs,
            &struck,
            &site,
        ));
        let mut waiting: Vec<bool> = self.plan.containers.iter().map(|_| true).collect();
        let mut pulling = if self.pulls_one_by_one() {
            waiting.clone()
        } else {
            Vec::new()
        };
        let mut running = false;
        let reached = Notify::new();
        let (world, key, plan) = (&self.world, &self.key, &self.plan);
        let timed = async {
            match stop {
                Some((after, code, reason)) => {
                    reached.notified().await;
                    tokio::time::sleep(after).await;
                    Cause { code, reason }
                }
                None => std::future::pending().await,
            }
        };
        tokio::pin!(timed);
        loop {
            let next = async {
                match &mut self.containers {
                    Some(containers) => containers.next().await,
                    None => None,
                }
            };
            let event = tokio::select! {
                event = next => event,
                cause = &mut timed => return cause,
            };
            let Some(Event { container, what }) = event else {
                return Cause::failed_to_start("InternalError: the containers are gone");
            };
            // Whatever happens to a container, it has its image then, unless just that was the trouble.
            let failed = matches!(&what, What::Ended(end) if end.failed_to_start);
            let mut pulled = false;
            if let Some(pulls) = pulling.get_mut(container)
                && *pulls
                && !failed
            {
                *pulls = false;
                pulled = !pulling.contains(&true);
            }
            if let Some(waits) = waiting.get_mut(container) {
                *waits &= matches!(what, What::Pulled(_));
            }
            let starts =
                !running && matches!(what, What::Started) && waiting.iter().all(|waits| !waits);
            world.with_task(key, |task| {
                task.change(|record, now| {
                    changes::show(record, container, &what, &key.id, now);
                    if pulled {
                        changes::all_pulled(record, now);
                    }
                    if starts {
                        record.last_status = TaskStatus::Running;
                        record.started_at = Some(now);
                    }
                    if running || starts {
                        record.health_status = Some(changes::health(record, &plan.containers));
                    }
                });
            });
            if starts {
                running = true;
                reached.notify_one();
            }
            let essential = plan
                .containers
                .get(container)
                .is_some_and(|plan| plan.essential);
            if let What::Ended(end) = what
                && (essential || end.failed_to_start)
            {
                return self.ended(end).await;
            }
        }
    }

    /// What the end of a container makes of the task.
    async fn ended(&self, end: End) -> Cause {
        self.change(|record, now| record.execution_stopped_at = Some(now));
        if end.failed_to_start {
            return Cause::failed_to_start(
                end.reason.unwrap_or_else(|| "Task failed to start".into()),
            );
        }
        self.world.wait(latency::NOTICED).await;
        Cause::new(
            "EssentialContainerExited",
            "Essential container in task exited",
        )
    }

    /// Jumps over everything in between: the next read finds the task stopped.
    fn die_unseen(&self, code: i32) {
        self.change(|record, now| {
            let end = What::Ended(End {
                exit_code: Some(code),
                ..End::default()
            });
            for at in 0..record.containers.len() {
                changes::show(record, at, &What::Started, &self.key.id, now);
                changes::show(record, at, &end, &self.key.id, now);
            }
            set_attachment(record, AttachmentStatus::Deleted);
            for time in [
                &mut record.connectivity_at,
                &mut record.pull_started_at,
                &mut record.pull_stopped_at,
                &mut record.started_at,
                &mut record.execution_stopped_at,
                &mut record.stopping_at,
                &mut record.stopped_at,
            ] {
                *time = Some(now);
            }
            record.connectivity = Some("CONNECTED");
            record.stop_code = Some("EssentialContainerExited".into());
            record.stopped_reason = Some("Essential container in task exited".into());
            record.desired_status = TaskStatus::Stopped;
            record.last_status = TaskStatus::Stopped;
        });
    }

    /// From whatever it has come to, down to `STOPPED`.
    async fn wind_down(mut self) {
        if self
            .world
            .with_task(&self.key, |task| task.stopped.is_some())
            .unwrap_or(true)
        {
            return;
        }
        if let Some(containers) = self.containers.take() {
            self.change(|record, _| record.last_status = TaskStatus::Deactivating);
            self.world.wait(latency::DEACTIVATING).await;
            self.change(|record, _| record.last_status = TaskStatus::Stopping);
            let seen = |Event { container, what }| {
                self.change(|record, now| {
                    changes::show(record, container, &what, &self.key.id, now);
                    if matches!(what, What::Ended(_)) {
                        record.execution_stopped_at.get_or_insert(now);
                    }
                });
            };
            containers.stop(seen).await;
        }
        self.change(|record, now| {
            changes::stop_containers(record);
            if self.interface.is_some() {
                set_attachment(record, AttachmentStatus::Detaching);
            }
            // Shown also of a task that never ran.
            record.execution_stopped_at.get_or_insert(now);
            record.last_status = TaskStatus::Deprovisioning;
        });
        if let Some(engine) = &self.world.engine {
            self.ground.remove(engine, &self.key.id).await;
        }
        self.world.wait(latency::DEPROVISIONING).await;
        if let (Some(interface), Some(region)) = (
            &self.interface,
            self.world.lock().regions.get_mut(&self.key.region),
        ) {
            region.network.delete(&interface.id);
        }
        self.change(|record, now| {
            if self.interface.is_some() {
                set_attachment(record, AttachmentStatus::Deleted);
            }
            record.last_status = TaskStatus::Stopped;
            record.stopped_at = Some(now);
        });
    }
}
