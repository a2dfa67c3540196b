//! A stage's road to a task that took scripts before: its first connection, and one in place of a connection that was
//! lost.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::connector::Connector;
use super::inquiry::explain;
use super::obstacle::Obstacle;
use super::policy::Policy;
use super::progress::Progress;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ssh::{ConnectError, Connection};
use crate::state::record::{Login, Record};

/// Connects a stage that begins. The network may fail at that moment as at any other, so it has `ReconnectTimeout`.
///
/// # Errors
///
/// When the task is gone or is another, or that time is over, with AWS's account of the task.
pub(crate) async fn first_connection(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
) -> Result<Connection> {
    let road = Connector::to_login(context, record, login, Policy::stage(&context.config.ssh))?;
    let blocked = match road.travel(&mut Progress::of_stage()).await {
        Ok(arrival) => return Ok(arrival.connection),
        Err(blocked) => blocked,
    };
    let last = blocked.last_refusal();
    let is_job_container = record
        .build
        .as_ref()
        .is_some_and(|container| container.port == login.port);
    let why = match blocked.obstacle {
        // It took scripts before, so its image is not at fault.
        Obstacle::Ending(_) if is_job_container => {
            let gone = Error::system("the job's container is gone");
            return Err(explain(gone, context, record).await);
        }
        Obstacle::Stopped(error) | Obstacle::Failed(error) => return Err(error),
        Obstacle::WrongServer(refusal) => {
            return Err(wrong_server(context, record, login, &refusal).await);
        }
        Obstacle::Expired => within(context.config.ssh.reconnect_timeout, &last),
        Obstacle::Ending(_) | Obstacle::Missing | Obstacle::Hidden(_) | Obstacle::NoServer(_) => {
            last
        }
    };
    let server = SocketAddr::new(login.address, login.port);
    let error = Error::system(format!(
        "could not connect to the job's task at {server}: {why}"
    ));
    Err(explain(error, context, record).await)
}

/// Why there is no connection in place of the one that was lost.
#[derive(Debug)]
pub(crate) enum ReconnectFailure {
    /// A signal stopped this process.
    Stopped(Error),
    /// The task is gone, or AWS does not show it.
    TaskGone,
    /// The time is over; the text says why.
    Expired(String),
    /// The server is not the task's any more, or this process cannot go on.
    Failed(Error),
}

/// Connects again after a connection was lost, the first time after `first_pause`, until `deadline`.
///
/// # Errors
///
/// When there is nothing to connect to, or `ReconnectTimeout` is over.
pub(crate) async fn reconnect(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    first_pause: Duration,
    deadline: Instant,
) -> Result<Connection, ReconnectFailure> {
    let ssh = &context.config.ssh;
    let policy = Policy::reconnect(ssh, first_pause, deadline);
    let road =
        Connector::to_login(context, record, login, policy).map_err(ReconnectFailure::Failed)?;
    let blocked = match road.travel(&mut Progress::of_lost_connection()).await {
        Ok(arrival) => return Ok(arrival.connection),
        Err(blocked) => blocked,
    };
    let last = blocked.last_refusal();
    Err(match blocked.obstacle {
        Obstacle::Stopped(error) => ReconnectFailure::Stopped(error),
        Obstacle::Failed(error) => ReconnectFailure::Failed(error),
        Obstacle::WrongServer(refusal) => {
            ReconnectFailure::Failed(wrong_server(context, record, login, &refusal).await)
        }
        Obstacle::Expired => ReconnectFailure::Expired(format!(
            "could not reconnect {}",
            within(ssh.reconnect_timeout, &last)
        )),
        Obstacle::Ending(_) | Obstacle::Missing | Obstacle::Hidden(_) | Obstacle::NoServer(_) => {
            ReconnectFailure::TaskGone
        }
    })
}

fn within(time: Duration, why: &str) -> String {
    format!("within {} s (ReconnectTimeout): {why}", time.as_secs())
}

async fn wrong_server(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    refusal: &ConnectError,
) -> Error {
    let server = SocketAddr::new(login.address, login.port);
    let error = Error::system(format!(
        "could not connect to the job's task at {server}: {refusal}"
    ));
    match refusal {
        ConnectError::OtherHost { .. } => error.advise(
            "This is not the server that prepare saw: the task is gone and its address in use again, or somebody is in \
             between. Nothing was sent to it. Run the job again.",
        ),
        _ => explain(error, context, record).await,
    }
}
