//! The time in which a task's containers run, from their start to the event that stops the task.

use tokio::sync::Notify;

use super::changes;
use super::container_actor::Site;
use super::containers::Containers;
use super::description::TaskStatus;
use super::events::{ContainerEnd, ContainerEvent, EventKind};
use super::pulls::Pulls;
use super::task_memory::TaskMemory;
use super::task_run::{StopCause, TaskRun};
use crate::faults::InjectedStop;
use crate::latency;

/// AWS's reason of a task that never ran, where it gives no other.
const FAILED_TO_START: &str = "Task failed to start";

impl TaskRun {
    /// Starts the containers, and applies their events until a container, or the fault `stop`, stops the task.
    pub(super) async fn run_containers(&mut self, stop: Option<InjectedStop>) -> StopCause {
        let Some(site) = self.site() else {
            return StopCause::failed_to_start("InternalError: no network interface");
        };
        let (outputs, exits) = {
            let task = self.task.lock();
            (task.outputs.clone(), task.injected_exits())
        };
        let specs = &self.spec.containers;
        let mut progress = Progress::new(specs.len(), self.pulls_one_by_one());
        self.containers = Some(Containers::start(specs, &outputs, &exits, &site));
        let running = Notify::new();
        let fault = async {
            match stop {
                Some(stop) => {
                    running.notified().await;
                    tokio::time::sleep(stop.after).await;
                    StopCause::new(&stop.code, stop.reason)
                }
                None => std::future::pending().await,
            }
        };
        tokio::pin!(fault);
        loop {
            let event = tokio::select! {
                event = self.next_event() => event,
                cause = &mut fault => return cause,
            };
            let Some(event) = event else {
                return StopCause::failed_to_start("InternalError: the containers are gone");
            };
            let spec = self.spec.containers.get(event.container);
            let essential = spec.is_some_and(|spec| spec.essential);
            let stop = match &event.kind {
                EventKind::Ended(end) if essential || end.failed_to_start => Some(end.clone()),
                _ => None,
            };
            let step = progress.advance(&event, stop.is_some());
            self.apply(&event, &progress, step);
            if step.starts_task {
                running.notify_one();
            }
            if let Some(end) = stop {
                return self.ended(end).await;
            }
        }
    }

    fn site(&self) -> Option<Site> {
        let interface = self.interface.as_ref()?;
        Some(Site {
            task_id: self.spec.task_id.clone(),
            address: interface.address,
            hostname: interface.dns_name.clone(),
            sandbox: self.sandbox.get().cloned(),
            memory: TaskMemory::new(self.spec.memory_mib),
            pulls: Pulls::new(self.spec.containers.len(), self.runtime.lazy_pulls),
            pace: self.pace.clone(),
        })
    }

    async fn next_event(&mut self) -> Option<ContainerEvent> {
        self.containers.as_mut()?.next().await
    }

    fn apply(&self, event: &ContainerEvent, progress: &Progress, step: ProgressStep) {
        self.change(|description, now| {
            let id = &self.spec.task_id;
            changes::apply(description, event.container, &event.kind, id, now);
            if step.ends_pulls {
                changes::all_pulled(description, now);
            }
            if step.starts_task {
                description.last_status = TaskStatus::Running;
                description.started_at = Some(now);
            }
            if progress.running {
                let health = changes::health(description, &self.spec.containers);
                description.health_status = Some(health);
            }
        });
    }

    /// The cause of the task's stop after the end of a container.
    async fn ended(&self, end: ContainerEnd) -> StopCause {
        self.change(|description, now| description.execution_stopped_at = Some(now));
        if end.is_unresolved {
            // Reported for dependencies; the reason is the container's alone.
            return StopCause::failed_to_start(FAILED_TO_START);
        }
        if end.failed_to_start {
            let reason = end.reason.unwrap_or_else(|| FAILED_TO_START.into());
            return StopCause::failed_to_start(reason);
        }
        self.pace.wait(latency::NOTICED).await;
        StopCause::new(
            "EssentialContainerExited",
            "Essential container in task exited",
        )
    }
}

/// The progress of a task's containers towards `RUNNING`.
struct Progress {
    /// Which containers have not started, by their positions.
    waiting: Vec<bool>,
    /// Which containers have no image yet. Empty if they do not pull one by one.
    pulling: Vec<bool>,
    /// Whether the task runs.
    running: bool,
}

/// The effect of one event on the progress.
#[derive(Clone, Copy)]
struct ProgressStep {
    /// The last image is there.
    ends_pulls: bool,
    /// The last container has started.
    starts_task: bool,
}

impl Progress {
    fn new(containers: usize, one_by_one: bool) -> Self {
        Self {
            waiting: vec![true; containers],
            pulling: vec![true; if one_by_one { containers } else { 0 }],
            running: false,
        }
    }

    /// `stops_task`: whether the event ends the task.
    fn advance(&mut self, event: &ContainerEvent, stops_task: bool) -> ProgressStep {
        // Every event but a failure to start shows that the image is there.
        let failed = matches!(&event.kind, EventKind::Ended(end) if end.failed_to_start);
        let mut ends_pulls = false;
        if let Some(pulls) = self.pulling.get_mut(event.container)
            && *pulls
            && !failed
        {
            *pulls = false;
            ends_pulls = !self.pulling.contains(&true);
        }
        if let Some(waits) = self.waiting.get_mut(event.container) {
            *waits &= matches!(event.kind, EventKind::Pulled(_));
        }
        // The last container to be waited for may be one whose dependency failed, which is not essential.
        let is_last = match &event.kind {
            EventKind::Started => true,
            EventKind::Ended(end) => end.is_unresolved && !stops_task,
            _ => false,
        };
        let starts_task = !self.running && is_last && !self.waiting.contains(&true);
        self.running |= starts_task;
        ProgressStep {
            ends_pulls,
            starts_task,
        }
    }
}
