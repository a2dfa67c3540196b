//! The parts of the stand-in with which RunTask places and starts tasks.

use std::sync::Arc;

use crate::faults::Injector;
use crate::guarded::Guarded;
use crate::network::Networks;
use crate::tasks::Runtime;
use crate::throttle::Throttle;

/// The parts of the stand-in with which RunTask places and starts tasks.
#[derive(Debug)]
pub(crate) struct Launcher {
    pub(crate) networks: Networks,
    pub(crate) throttle: Guarded<Throttle>,
    pub(crate) faults: Guarded<Injector>,
    pub(crate) runtime: Arc<Runtime>,
}
