//! The whole stand-in: the state of each service, and the parts that they share.
//!
//! The world only composes them. Each part has its own lock, which is never held across an await.

use std::sync::Arc;

use crate::access_key::AccessKeys;
use crate::ecs::{Ecs, Launcher};
use crate::engine::Engine;
use crate::faults::Injector;
use crate::guarded::Guarded;
use crate::log_groups::LogGroups;
use crate::network::Networks;
use crate::options::Options;
use crate::resources::Resources;
use crate::statistics::CallStatistics;
use crate::tasks::Runtime;
use crate::throttle::Throttle;

/// The whole stand-in.
#[derive(Debug)]
pub(crate) struct World {
    /// The keys that may sign requests.
    pub(crate) keys: Guarded<AccessKeys>,
    pub(crate) ecs: Ecs,
    /// The state of EC2.
    pub(crate) networks: Networks,
    /// The state of CloudWatch Logs.
    pub(crate) logs: LogGroups,
    /// What replies show beside these states.
    pub(crate) resources: Guarded<Arc<Resources>>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) faults: Guarded<Injector>,
    pub(crate) throttle: Guarded<Throttle>,
    pub(crate) statistics: Guarded<CallStatistics>,
}

impl World {
    pub(crate) fn new(options: Options, engine: Option<Arc<Engine>>) -> Self {
        let networks = Networks::new(options.seed);
        let logs = LogGroups::default();
        let faults = Guarded::new(Injector::new(options.faults));
        let throttle = Guarded::new(Throttle::new(options.throttle));
        let (latency, lazy_pulls) = (options.latency, options.lazy_pulls);
        let runtime = Runtime::new(options.backend, engine, logs.clone(), latency, lazy_pulls);
        let runtime = Arc::new(runtime);
        Self {
            keys: Guarded::new(AccessKeys::new(options.access_key)),
            ecs: Ecs::new(Launcher {
                networks: networks.clone(),
                throttle: throttle.clone(),
                faults: faults.clone(),
                runtime: runtime.clone(),
            }),
            networks,
            logs,
            resources: Guarded::new(Arc::new(options.resources)),
            runtime,
            faults,
            throttle,
            statistics: Guarded::default(),
        }
    }
}
