//! The teardown of a task: from any state down to `STOPPED`.

use super::changes::{self, set_attachment};
use super::description::{AttachmentStatus, TaskStatus};
use super::events::{ContainerEvent, EventKind};
use super::task_run::TaskRun;
use crate::latency;

impl TaskRun {
    /// Stops the containers, and removes everything that the task made.
    pub(super) async fn tear_down(mut self) {
        if self.task.lock().stopped.is_some() {
            return;
        }
        self.stop_containers().await;
        self.change(|description, now| {
            changes::stop_containers(description);
            if self.interface.is_some() {
                set_attachment(description, AttachmentStatus::Detaching);
            }
            // AWS shows this time also for a task that never ran.
            description.execution_stopped_at.get_or_insert(now);
            description.last_status = TaskStatus::Deprovisioning;
        });
        if let Some(engine) = self.runtime.engine() {
            self.sandbox.remove(engine, &self.spec.task_id).await;
        }
        self.pace.wait(latency::DEPROVISIONING).await;
        if let Some(interface) = &self.interface {
            self.network.lock().delete(&interface.id);
        }
        self.change(|description, now| {
            if self.interface.is_some() {
                set_attachment(description, AttachmentStatus::Deleted);
            }
            description.last_status = TaskStatus::Stopped;
            description.stopped_at = Some(now);
        });
    }

    async fn stop_containers(&mut self) {
        let Some(containers) = self.containers.take() else {
            return;
        };
        self.change(|description, _| description.last_status = TaskStatus::Deactivating);
        self.pace.wait(latency::DEACTIVATING).await;
        self.change(|description, _| description.last_status = TaskStatus::Stopping);
        let apply = |ContainerEvent { container, kind }| {
            self.change(|description, now| {
                changes::apply(description, container, &kind, &self.spec.task_id, now);
                if matches!(kind, EventKind::Ended(_)) {
                    description.execution_stopped_at.get_or_insert(now);
                }
            });
        };
        containers.stop(apply).await;
    }
}
