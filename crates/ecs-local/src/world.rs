//! Everything the stand-in knows, and the tasks' drivers.
//!
//! One lock holds it all, never across an await: every call sees and leaves a consistent state, as small as it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::account::Region;
use crate::engine::Engine;
use crate::faults::Injector;
use crate::latency::Step;
use crate::metadata::LINK_LOCAL;
use crate::options::{Backend, Options, Seed};
use crate::task::Task;

/// The stand-in.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) latency: f64,
    pub(crate) throttle: bool,
    pub(crate) backend: Backend,
    /// What runs containers, if that is the backend.
    pub(crate) engine: Option<Arc<Engine>>,
    seed: Seed,
    /// Where it is asked, once it is.
    address: OnceLock<SocketAddr>,
    state: Mutex<State>,
    /// True once the server is to end.
    shutdown: watch::Sender<bool>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) regions: BTreeMap<String, Region>,
    pub(crate) faults: Injector,
    pub(crate) stats: Stats,
    /// What drives the tasks, one each.
    drivers: JoinSet<()>,
}

/// What was asked so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) throttled: u64,
}

/// Names a task.
#[derive(Clone, Debug)]
pub(crate) struct TaskKey {
    pub(crate) region: String,
    pub(crate) id: String,
}

impl World {
    /// Takes note of where it is asked, which does not change any more.
    pub(crate) fn answers_at(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    /// Where containers ask about their task. Real ones have a network of their own, from which nothing leads here.
    pub(crate) fn metadata(&self) -> String {
        match (&self.backend, self.address.get()) {
            (Backend::Process { .. }, Some(address)) => format!("http://{address}"),
            _ => LINK_LOCAL.to_owned(),
        }
    }

    pub(crate) fn new(options: Options, engine: Option<Arc<Engine>>) -> Self {
        let Options {
            latency,
            throttle,
            faults,
            backend,
            seed,
        } = options;
        Self {
            latency,
            throttle,
            backend,
            engine,
            seed,
            address: OnceLock::new(),
            state: Mutex::new(State {
                regions: BTreeMap::new(),
                faults: Injector::new(faults),
                stats: Stats::default(),
                drivers: JoinSet::new(),
            }),
            shutdown: watch::Sender::new(false),
        }
    }

    /// The state. A panic elsewhere leaves it usable: changes are small and complete.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new region begins with.
    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Reads or changes a task; `None` when its record is gone.
    pub(crate) fn with_task<T>(
        &self,
        key: &TaskKey,
        act: impl FnOnce(&mut Task) -> T,
    ) -> Option<T> {
        self.lock()
            .regions
            .get_mut(&key.region)?
            .tasks
            .get_mut(&key.id)
            .map(act)
    }

    /// Waits for a step of a task, but not when everything is to end.
    pub(crate) async fn wait(&self, step: Step) {
        let mut shutdown = self.shutdown.subscribe();
        tokio::select! {
            () = step.wait(self.latency) => {}
            // The sender lives in `self`, so an error cannot be.
            _ = shutdown.wait_for(|ended| *ended) => {}
        }
    }

    /// To be told when the server is to end.
    pub(crate) fn shutdown(&self) -> watch::Receiver<bool> {
        self.shutdown.subscribe()
    }

    /// Tells every task to stop.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.send_replace(true);
    }

    /// Stops every task and waits until their processes or containers are gone.
    pub(crate) async fn end_all_tasks(self: &Arc<Self>) {
        self.begin_shutdown();
        let mut drivers = std::mem::take(&mut self.lock().drivers);
        while let Some(ended) = drivers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task's driver failed");
            }
        }
        if let Some(engine) = &self.engine
            && let Err(error) = engine.remove_all().await
        {
            tracing::error!(error = format!("{error:#}"), "containers are left");
        }
    }
}

impl State {
    /// Starts what drives a task, and forgets drivers that are done.
    pub(crate) fn drive(&mut self, driver: impl Future<Output = ()> + Send + 'static) {
        while let Some(ended) = self.drivers.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a task's driver failed");
            }
        }
        self.drivers.spawn(driver);
    }
}
