//! The road to the container from the job's image: the first script that needs it waits for it here (JobImage mode).
//!
//! prepare returns as soon as the helper takes scripts, and the job's container may come later.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::connector::{Blocked, Connector};
use super::obstacle::Obstacle;
use super::policy::Policy;
use super::poll::aws_of;
use super::progress::Progress;
use super::start::missing;
use super::start_failure::task_ended;
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::output::say;
use crate::ssh::{Connection, KeyPair, Target};
use crate::state::record::{Login, Record};
use crate::task::JobContainer;

/// Bound of the question whether the services' names resolve. The agent there answers at once.
const NAMES: Duration = Duration::from_secs(5);

/// How long to wait before the helper is connected to, first and again.
const COMPANION_PAUSE: Duration = Duration::from_secs(5);

/// Connects to the job's container, once it is there.
///
/// # Errors
///
/// When the task ends first, with AWS's reason, or StartTimeout passes.
pub(crate) async fn connect(
    context: &Context<'_>,
    record: &Record,
    helper: &Login,
    container: &JobContainer,
) -> Result<Connection> {
    let login = helper.on_port(container.port);
    let (ssh, fargate) = (&context.config.ssh, &context.config.fargate);
    let policy = Policy::job_container(ssh, fargate.start_timeout, record.age());
    let road = Connector::to_login(context, record, &login, policy)?;
    let mut progress = Progress::of_job_container(&container.image);
    let (companion, key) = (
        target(context, helper),
        KeyPair::parse(&helper.private_key)?,
    );
    let arrived = tokio::select! {
        arrived = road.travel(&mut progress) => arrived,
        never = accompany(&companion, &key) => match never {},
    };
    match arrived {
        Ok((connection, _)) => {
            if progress.was_long() {
                say(&format!(
                    "The job's container is ready after {:.1} s",
                    progress.elapsed().as_secs_f64()
                ));
            }
            if !container.services.is_empty() {
                tokio::select! {
                    () = provide_names(&connection) => {}
                    stopped = context.shutdown.requested() => return Err(stopped),
                }
            }
            Ok(connection)
        }
        Err(blocked) => Err(failure(context, record, &login, container, &progress, blocked).await),
    }
}

/// Has the agent in the job's container add the services' names to its `/etc/hosts`, where the helper's is not the same
/// file. The job log tells those that it may not add, and the job goes on.
async fn provide_names(connection: &Connection) {
    let missing = match timeout(NAMES, connection.unresolved_names()).await {
        Ok(Ok(missing)) => missing,
        Ok(Err(why)) => return tracing::debug!("nothing is known of the services' names: {why}"),
        Err(_) => return tracing::debug!("the agent does not say whether the names resolve"),
    };
    if !missing.is_empty() {
        say(&format!(
            "WARNING: the names {} do not resolve in the job's container: it does not share /etc/hosts with the helper, \
             and its user may not write it. All services are at localhost.",
            missing.join(", ")
        ));
    }
}

async fn failure(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    container: &JobContainer,
    progress: &Progress,
    blocked: Blocked,
) -> Error {
    let server = SocketAddr::new(login.address, login.port);
    let last = blocked.last_refusal();
    match blocked.obstacle {
        Obstacle::Ending(task) => {
            let aws = aws_of(context, record).await;
            task_ended(&aws, record, *task).await.into_error()
        }
        Obstacle::Missing => missing(),
        Obstacle::WrongServer(refusal) => Error::system(format!(
            "the agent in the job's container, {server}, is not the task's: {refusal}"
        ))
        .advise("Does a service listen on that port? Run the job again."),
        Obstacle::NoServer(time) => no_server(container, time),
        Obstacle::Expired => Error::system(format!(
            "the job's container, from image {}, was not ready after {} s: {server}: {last}",
            container.image,
            progress.elapsed().as_secs()
        ))
        .advise(
            "A large image needs a higher [Fargate] StartTimeout; the task's security group must let the manager in on \
             that port.",
        ),
        Obstacle::Hidden(error) | Obstacle::Stopped(error) | Obstacle::Failed(error) => error,
    }
}

/// The error for a container without a running agent: its entry point does not run its command. The job is to blame
/// when it named the image.
fn no_server(container: &JobContainer, time: Duration) -> Error {
    let blame = if container.is_jobs {
        Blame::Job
    } else {
        Blame::System
    };
    let message = format!(
        "the job's container, from image {}, has been running for {} s without taking scripts",
        container.image,
        time.as_secs()
    );
    Error::new(blame, message).advise(
        "The image's entry point must run the command that it is given, as a shell or exec \"$@\" does: entrypoint: [\"\"] \
         takes it away.",
    )
}

/// The target for a single attempt to reach a server that prepare has seen.
pub(crate) fn target(context: &Context<'_>, login: &Login) -> Target {
    let ssh = &context.config.ssh;
    Target {
        address: SocketAddr::new(login.address, login.port),
        username: login.username.clone(),
        host_key: Some(login.host_key.clone()),
        reach_timeout: ssh.connect_timeout,
        connect_timeout: ssh.connect_timeout,
        keepalive_interval: ssh.keepalive_interval,
    }
}

/// Keeps a connection to the helper, which ends the task when no driver is connected for too long to it or to the agent
/// that is waited for here.
async fn accompany(target: &Target, key: &KeyPair) -> Infallible {
    loop {
        sleep(COMPANION_PAUSE).await;
        match Connection::open(target, key).await {
            Ok(connection) => {
                while !connection.is_over() {
                    sleep(COMPANION_PAUSE).await;
                }
            }
            Err(refusal) => tracing::debug!("the helper is not reached: {refusal}"),
        }
    }
}
