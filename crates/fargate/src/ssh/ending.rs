//! The end of a script, and the steps towards it.

use std::time::Duration;

use crate::error::Error;

/// How long a script that is told to stop may take, before what is left of it is killed.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long, beyond that, we wait to hear that it is gone.
pub(super) const STOP_LIMIT: Duration = Duration::from_secs(15);

/// How a script ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With this status.
    Exited(i32),
    /// By this signal, without the SIG of its name.
    Signalled(String),
    /// Unknown: the connection or the server went first, and this is why.
    Lost(String),
    /// By us, who were told to stop.
    Stopped(Error),
}

/// The step of ending a script that was taken last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StopStep {
    /// It may go on.
    NotAsked,
    /// Its processes got SIGTERM.
    Terminate,
    /// Its processes get SIGKILL.
    Kill,
}
