//! The sandbox of a task with real containers: made before the task has an address, removed after its last container.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::engine::{Engine, Sandbox, SandboxSpec};

/// The sandbox of a task. A task whose containers are processes has none.
#[derive(Debug, Default)]
pub(super) struct TaskSandbox {
    made: Option<Arc<Sandbox>>,
    /// The task that makes it. A stop waits for it, so that everything it makes is removed.
    making: Option<JoinHandle<anyhow::Result<Sandbox>>>,
}

impl TaskSandbox {
    pub(super) fn get(&self) -> Option<&Arc<Sandbox>> {
        self.made.as_ref()
    }

    /// Makes it, and returns the task's address. Cancel-safe.
    pub(super) async fn make(
        &mut self,
        engine: &Arc<Engine>,
        spec: &SandboxSpec,
    ) -> anyhow::Result<IpAddr> {
        let making = tokio::spawn(Sandbox::make(engine.clone(), spec.clone()));
        let made = self.making.insert(making).await;
        self.making = None;
        let sandbox = made??;
        let address = sandbox.address.into();
        self.made = Some(Arc::new(sandbox));
        Ok(address)
    }

    /// Removes the task's containers, their network and their volumes.
    pub(super) async fn remove(&mut self, engine: &Engine, task: &str) {
        if let Some(making) = self.making.take()
            && let Err(error) = making.await
        {
            tracing::error!(%error, "making a task's network failed");
        }
        if let Err(error) = engine.remove_task(task).await {
            // The end of the stand-in tries again.
            let error = format!("{error:#}");
            tracing::warn!(task, error, "containers are left");
        }
    }
}
