//! The end of a road that leads nowhere.

use std::time::Duration;

use crate::error::Error;
use crate::ssh::ConnectError;
use crate::task::Task;

/// A reason why there is no connection.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The task's end has begun.
    Ending(Box<Task>),
    /// AWS has not known the task for longer than it may.
    Missing,
    /// AWS refuses to show the task, or its address.
    Unwatched(Error),
    /// The server takes no key of ours, or is not the task's.
    Stranger(ConnectError),
    /// The container has been running for this long, and nothing in it takes connections.
    Deaf(Duration),
    /// The time is over.
    Expired,
    /// This process was told to stop.
    Stopped(Error),
    /// This process cannot go on.
    Failed(Error),
}
