//! The reasons why there is no connection.

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
    Hidden(Error),
    /// The server refuses the job's key, or is not the task's.
    WrongServer(ConnectError),
    /// The container has run for this long, and no server in it takes connections.
    NoServer(Duration),
    /// The time is over.
    Expired,
    /// A signal stopped this process.
    Stopped(Error),
    /// This process cannot go on.
    Failed(Error),
}
