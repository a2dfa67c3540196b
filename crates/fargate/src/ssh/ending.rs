//! The end of a script, and the steps towards it.

use std::time::Duration;

use crate::error::Error;

/// Time between SIGTERM and SIGKILL when a script is stopped.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);

/// Bound of the whole stop from the first signal on, over all connections, until the server reports the end.
pub(super) const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Bound of the stop after the second signal.
pub(super) const INSISTED_LIMIT: Duration = Duration::from_secs(5);

/// How a script ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With this status, of 0 to 255.
    Exited(i32),
    /// By this signal, without the SIG of its name.
    Signalled(String),
    /// Unknown, because the connection or the server was lost first, for this reason.
    Lost(String),
    /// Stopped by this process after a signal.
    Stopped(Error),
}

impl Ended {
    /// A script that ended with this status. A server may report any number, and none of them may pass for 0.
    pub(super) fn exited(status: u32) -> Self {
        Self::Exited(u8::try_from(status).map_or(i32::from(u8::MAX), i32::from))
    }
}

/// The step of ending a script that was taken last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StopStep {
    /// It was not asked to end.
    NotAsked,
    /// Its processes got SIGTERM.
    Terminate,
    /// Its processes get SIGKILL.
    Kill,
}
