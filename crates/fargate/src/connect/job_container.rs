//! The container from the job's image: the first script that needs it waits for it here (JobImage mode).
//!
//! prepare returns as soon as the helper takes scripts, so that the checkout runs while the job's image is still being
//! pulled. Then the job's container is found as the helper was, by connecting, while AWS is asked at a slow pace
//! whether the task died.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::{Instant, sleep, sleep_until};

use crate::aws::Aws;
use crate::connect::inquiry::of_task;
use crate::connect::ready::{MISSING_GRACE, seconds};
use crate::connect::start_failure::{died, last_look};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::output::say;
use crate::ssh::{ConnectError, Connection, KeyPair, Target};
use crate::state::looks::TaskWatcher;
use crate::state::record::{Login, Record};
use crate::task::JobContainer;
use crate::task::look_again;

/// How long nothing is said, and AWS is not asked: it usually is there.
const SILENCE: Duration = Duration::from_secs(2);

/// Bound of one attempt to reach the port, and the pause between attempts.
const REACH_TIMEOUT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);

/// How long an agent may refuse the key, or show another host key, before it is believed.
const STRANGER_GRACE: Duration = Duration::from_secs(5);

/// What is left of StartTimeout at least: the time was the checkout's.
const LEAST: Duration = Duration::from_secs(60);

/// How often the job log hears that the wait goes on.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the container may run without the agent in it, or half of StartTimeout: entry points may do something first.
const DEAFNESS: Duration = Duration::from_secs(120);

/// How long to wait before the helper is connected to, first and again.
const COMPANION_PAUSE: Duration = Duration::from_secs(5);

/// How the task is reached.
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

/// A connection to the job's container, once it is there.
///
/// # Errors
///
/// When the task dies first, with AWS's reason, or StartTimeout passes.
pub(crate) async fn connect(
    context: &Context<'_>,
    record: &Record,
    login: &Login,
    build: &JobContainer,
) -> Result<Connection> {
    let target = Target {
        reach_timeout: REACH_TIMEOUT.min(context.config.ssh.connect_timeout),
        ..target(context, &login.on_port(build.port))
    };
    let helper = self::target(context, login);
    let key = KeyPair::parse(&login.private_key)?;
    let begun = Instant::now();
    let bound = context.config.fargate.start_timeout;
    let deadline = begun + bound.saturating_sub(record.age()).max(LEAST.min(bound));
    let last = RefCell::new(None);
    let connection = tokio::select! {
        connected = keep_trying(&target, &key, &last) => connected?,
        failure = watch(context, record, build, begun, &last) => return Err(failure),
        never = accompany(&helper, &key) => match never {},
        () = sleep_until(deadline) => {
            let why = last.take().map_or_else(String::new, |refusal: ConnectError| format!(": {}: {refusal}", target.address));
            let waited = begun.elapsed().as_secs();
            let error = if record.began {
                Error::system(format!("the job's container took no connection for {waited} s{why}"))
            } else {
                Error::system(format!(
                    "the job's container, from image {}, was not ready after {} s{why}",
                    build.image, waited
                ))
            };
            return Err(error.advise("A large image needs a higher [Fargate] StartTimeout; the task's security group must let the manager in on that port."));
        }
    };
    if begun.elapsed() > SILENCE {
        say(&format!(
            "The job's container is there after {}",
            seconds(begun)
        ));
    }
    Ok(connection)
}

/// Connects until it works. Refusals are normal while the container starts.
async fn keep_trying(
    target: &Target,
    key: &KeyPair,
    last: &RefCell<Option<ConnectError>>,
) -> Result<Connection> {
    let mut stranger_since: Option<Instant> = None;
    loop {
        let refusal = match Connection::open(target, key).await {
            Ok(connection) => return Ok(connection),
            Err(refusal) => refusal,
        };
        tracing::debug!("not ready: {refusal}");
        if matches!(
            refusal,
            ConnectError::KeyRefused(_) | ConnectError::OtherHost { .. }
        ) {
            let since = *stranger_since.get_or_insert_with(Instant::now);
            if since.elapsed() > STRANGER_GRACE {
                return Err(Error::system(format!(
                    "the agent in the job's container, {}, is not the task's: {refusal}",
                    target.address
                ))
                .advise("Does a service listen on that port? Run the job again."));
            }
        } else {
            stranger_since = None;
        }
        last.replace(Some(refusal));
        sleep(PAUSE).await;
    }
}

/// Says what is waited for, and returns when it will not come; `last` is how the last attempt to connect ended.
async fn watch(
    context: &Context<'_>,
    record: &Record,
    build: &JobContainer,
    begun: Instant,
    last: &RefCell<Option<ConnectError>>,
) -> Error {
    sleep(SILENCE).await;
    let fargate = &context.config.fargate;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let arn = record.task().unwrap_or_default();
    let mut lookout = match TaskWatcher::new(context.records.directory(), &record.cluster, arn) {
        Ok(lookout) => lookout,
        Err(error) => return error,
    };
    let deafness = DEAFNESS.min(fargate.start_timeout / 2);
    let mut deaf_since = None;
    let mut said_at: Option<Instant> = None;
    let mut missing_since = None;
    let mut pause = Duration::ZERO;
    loop {
        match lookout.look(&aws, pause).await {
            Ok(Some(task)) if task.is_ending() && record.began => {
                let task = last_look(&aws, record, task).await;
                return of_task(Error::system("the job's container is gone"), &task, record);
            }
            Ok(Some(task)) if task.is_ending() => {
                return died(&aws, record, task).await.into_error();
            }
            Ok(Some(task)) => {
                missing_since = None;
                let runs = task
                    .container(COORDINATOR_CONTAINER)
                    .is_some_and(|container| container.last_status == "RUNNING");
                let refuses = matches!(*last.borrow(), Some(ConnectError::Refused));
                if !(runs && refuses) {
                    deaf_since = None;
                } else if deaf_since.get_or_insert_with(Instant::now).elapsed() > deafness {
                    return deaf(build, deafness);
                }
                if said_at.is_none_or(|said| said.elapsed() >= PATIENCE) {
                    let doing = if runs {
                        "for the agent in the job's container, from image"
                    } else {
                        "while AWS pulls and starts the image"
                    };
                    say(&format!(
                        "Waiting {doing} {}: {}",
                        build.image,
                        seconds(begun)
                    ));
                    said_at = Some(Instant::now());
                }
            }
            Ok(None) => {
                let since = *missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() > MISSING_GRACE {
                    return Error::system("AWS no longer knows the job's task (MISSING)")
                        .advise("Run the job again.");
                }
            }
            Err(refusal) if refusal.may_pass() => tracing::debug!("{refusal}"),
            Err(refusal) => {
                return Error::from(refusal).context("could not watch the job's task");
            }
        }
        pause = look_again(begun.elapsed(), true);
        sleep(pause).await;
    }
}

/// The error for a container that runs without the agent in it: its entry point does not run what it is given. It is the
/// job's when the job named the image.
fn deaf(build: &JobContainer, time: Duration) -> Error {
    let blame = if build.is_jobs {
        Blame::Job
    } else {
        Blame::System
    };
    let message = format!(
        "the job's container, from image {}, has been running for {} s without taking scripts",
        build.image,
        time.as_secs()
    );
    Error::new(blame, message).advise(
        "The image's entry point must run the command that it is given, as a shell or exec \"$@\" does: entrypoint: [\"\"] \
         takes it away.",
    )
}

/// Keeps a connection to the helper, which ends the task when no driver is connected to it, or to the agent that is
/// waited for here, for too long.
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
