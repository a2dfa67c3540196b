//! What a task's real containers stand on: made before the task has an address, removed after its last container.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::engine::{Engine, Sandbox, Shared};

/// The sandbox of a task whose containers are real ones; of another it has nothing.
#[derive(Debug, Default)]
pub(super) struct Ground {
    sandbox: Option<Arc<Sandbox>>,
    /// What makes it. A stop lets that finish, so that what it makes is found and removed.
    making: Option<JoinHandle<anyhow::Result<Sandbox>>>,
}

impl Ground {
    pub(super) fn sandbox(&self) -> Option<&Arc<Sandbox>> {
        self.sandbox.as_ref()
    }

    /// Makes it and returns the task's address. Cancel-safe.
    pub(super) async fn make(
        &mut self,
        engine: &Arc<Engine>,
        shared: &Shared,
    ) -> anyhow::Result<Ipv4Addr> {
        let making = tokio::spawn(Sandbox::make(engine.clone(), shared.clone()));
        let made = self.making.insert(making).await;
        self.making = None;
        let sandbox = made??;
        let address = sandbox.address;
        self.sandbox = Some(Arc::new(sandbox));
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
            // The end of the stand-in will try again.
            let error = format!("{error:#}");
            tracing::warn!(task, error, "containers are left");
        }
    }
}
