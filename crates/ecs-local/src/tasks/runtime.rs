//! The runtime of all tasks: the backend of their containers, their pace, and the end of all of them.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::guarded::Guarded;
use crate::latency::Pace;
use crate::log_groups::LogGroups;
use crate::options::Backend;

/// The address of ECS's own metadata endpoint.
const LINK_LOCAL: &str = "http://169.254.170.2";

/// The runtime of all tasks.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) backend: Backend,
    /// The engine of real containers.
    engine: Option<Arc<Engine>>,
    pub(super) logs: LogGroups,
    latency: f64,
    /// Whether containers wait only for their own images.
    pub(super) lazy_pulls: bool,
    /// The address at which the stand-in listens.
    address: OnceLock<SocketAddr>,
    /// Becomes true when the stand-in ends.
    shutdown: watch::Sender<bool>,
    /// The lifecycles of tasks that have not stopped.
    lifecycles: Guarded<JoinSet<()>>,
}

impl Runtime {
    pub(crate) fn new(
        backend: Backend,
        engine: Option<Arc<Engine>>,
        logs: LogGroups,
        latency: f64,
        lazy_pulls: bool,
    ) -> Self {
        Self {
            backend,
            engine,
            logs,
            latency,
            lazy_pulls,
            address: OnceLock::new(),
            shutdown: watch::Sender::new(false),
            lifecycles: Guarded::default(),
        }
    }

    /// The engine of real containers.
    pub(crate) fn engine(&self) -> Option<&Arc<Engine>> {
        self.engine.as_ref()
    }

    /// The pace of all tasks.
    pub(crate) fn pace(&self) -> Pace {
        Pace::new(self.latency, self.shutdown.subscribe())
    }

    /// Sets the address at which the stand-in listens, once.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    /// The address of the task metadata endpoint. Real containers have a network of their own, without a route to the
    /// stand-in.
    pub(crate) fn metadata_address(&self) -> String {
        match (&self.backend, self.address.get()) {
            (Backend::Process { .. }, Some(address)) => format!("http://{address}"),
            _ => LINK_LOCAL.to_owned(),
        }
    }

    /// Runs the lifecycle of a task.
    pub(crate) fn spawn(&self, lifecycle: impl Future<Output = ()> + Send + 'static) {
        let mut lifecycles = self.lifecycles.lock();
        while let Some(ended) = lifecycles.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "the lifecycle of a task failed");
            }
        }
        lifecycles.spawn(lifecycle);
    }

    /// Tells every task to stop.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.send_replace(true);
    }

    /// Stops every task, and waits until their processes or containers are gone.
    pub(crate) async fn end_all_tasks(&self) {
        self.begin_shutdown();
        let mut lifecycles = std::mem::take(&mut *self.lifecycles.lock());
        while let Some(ended) = lifecycles.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the lifecycle of a task failed");
            }
        }
        if let Some(engine) = &self.engine
            && let Err(error) = engine.remove_all().await
        {
            let error = format!("{error:#}");
            tracing::error!(error, "cannot remove all containers");
        }
    }
}
