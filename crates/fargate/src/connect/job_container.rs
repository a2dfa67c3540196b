//! The road to the container from the job's image: the first script that needs it waits for it here (JobImage mode).
//!
//! prepare returns as soon as the helper takes scripts, and the job's container may come later.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::{sleep, timeout};

use super::connector::{Blocked, Connector};
use super::inquiry::note_end_told;
use super::obstacle::Obstacle;
use super::policy::Policy;
use super::poll::aws_of;
use super::progress::Progress;
use super::start_failure::{StartFailure, missing, task_ended};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::output::say;
use crate::ssh::{Connection, KeyPair, Target};
use crate::state::record::{Login, Record};
use crate::task::JobContainer;
use crate::task::metadata::{self, ContainerMetadata};

/// Bound of a question to an agent, which answers at once.
const QUESTION: Duration = Duration::from_secs(5);

/// How long prepare waits for the job's container once the helper takes scripts: Fargate pulls all images before it
/// starts a container, so the job's starts at the same time, and one that cannot start ends the task in this time.
const GREETING: Duration = Duration::from_secs(5);

/// How long prepare then waits for AWS's reason where the task seems to be ending: as long as ECS may take to notice,
/// and a look more. The connection to the helper may have been lost for another reason.
const LAST_WORDS: Duration = Duration::from_secs(30);

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
    let (companion, key) = (
        target(context, helper),
        KeyPair::parse(&helper.private_key)?,
    );
    let mut search = Search::new(context, record, helper, container);
    tokio::select! {
        arrived = search.travel() => arrived.map_err(StartFailure::into_error),
        never = accompany(&companion, &key) => match never {},
    }
}

/// A job's container that has taken a connection.
#[derive(Debug)]
pub(crate) struct Greeted {
    /// The warning about the services' names in it, which the job log has.
    pub(crate) warning: Option<String>,
}

/// Waits a moment for the job's container, for prepare: it starts at about the same time as the helper, to which this
/// is the connection. Nothing where it took no connection: one that starts later is left to the script that needs it.
///
/// # Errors
///
/// When the task ends first: an image that cannot start fails in prepare, and not in the runner's first script.
pub(crate) async fn greet(
    context: &Context<'_>,
    record: &Record,
    helper: (&Login, Connection),
    container: &JobContainer,
) -> Result<Option<Greeted>, StartFailure> {
    let (login, helper) = helper;
    let mut search = Search::new(context, record, login, container);
    tokio::select! {
        arrived = search.travel() => arrived.map(drop)?,
        () = lose_patience(&helper) => return Ok(None),
    }
    Ok(Some(Greeted {
        warning: search.warning,
    }))
}

/// Returns when the job's container has had its moment. That lasts longer if the task seems to be ending: AWS will say
/// why.
async fn lose_patience(helper: &Connection) {
    sleep(GREETING).await;
    let has_ended = async {
        let containers = metadata::containers(&helper.metadata().await?)?;
        let is_over = |container: &ContainerMetadata| {
            container.name == COORDINATOR_CONTAINER && container.exit_code.is_some()
        };
        Ok::<_, String>(containers.iter().any(is_over))
    };
    let has_ended = matches!(timeout(QUESTION, has_ended).await, Ok(Ok(true)));
    if has_ended || helper.is_over() {
        sleep(LAST_WORDS).await;
    }
}

/// The search for the job's container.
struct Search<'a> {
    context: &'a Context<'a>,
    record: &'a Record,
    container: &'a JobContainer,
    login: Login,
    progress: Progress,
    /// The warning about the services' names, if the job log has one.
    warning: Option<String>,
}

impl<'a> Search<'a> {
    fn new(
        context: &'a Context<'a>,
        record: &'a Record,
        helper: &Login,
        container: &'a JobContainer,
    ) -> Self {
        Self {
            context,
            record,
            container,
            login: helper.on_port(container.port),
            progress: Progress::of_job_container(&container.image),
            warning: None,
        }
    }

    async fn travel(&mut self) -> Result<Connection, StartFailure> {
        let (context, container) = (self.context, self.container);
        let (ssh, fargate) = (&context.config.ssh, &context.config.fargate);
        let policy = Policy::job_container(ssh, fargate.start_timeout, self.record.age());
        let road = Connector::to_login(context, self.record, &self.login, policy)?;
        let connection = match road.travel(&mut self.progress).await {
            Ok(arrival) => arrival.connection,
            Err(blocked) => return Err(self.failure(blocked).await),
        };
        if self.progress.was_long() {
            say(&format!(
                "The job's container is ready after {:.1} s",
                self.progress.elapsed().as_secs_f64()
            ));
        }
        if !container.services.is_empty() {
            tokio::select! {
                warning = provide_names(&connection) => self.warning = warning,
                stopped = context.shutdown.requested() => return Err(stopped.into()),
            }
        }
        if let Some(warning) = &self.warning {
            say(warning);
        }
        Ok(connection)
    }

    async fn failure(&self, blocked: Blocked) -> StartFailure {
        let (context, container, login) = (self.context, self.container, &self.login);
        let server = SocketAddr::new(login.address, login.port);
        let last = blocked.last_refusal();
        let error = match blocked.obstacle {
            Obstacle::Ending(task) => {
                let aws = aws_of(context, self.record).await;
                let failure = task_ended(&aws, self.record, *task, &context.shutdown).await;
                if !failure.is_stop() {
                    note_end_told(context, self.record);
                }
                return failure;
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
                self.progress.elapsed().as_secs_f64().round()
            ))
            .advise(
                "A large image needs a higher [Fargate] StartTimeout; the task's security group must let the manager in on \
                 that port.",
            ),
            Obstacle::Hidden(error) | Obstacle::Stopped(error) | Obstacle::Failed(error) => error,
        };
        error.into()
    }
}

/// Has the agent in the job's container add the services' names to its `/etc/hosts`, where the helper's is not the same
/// file. Returns the warning for those that it may not add; the job goes on.
async fn provide_names(connection: &Connection) -> Option<String> {
    let answer = timeout(QUESTION, connection.unresolved_names()).await;
    let answer = answer.unwrap_or_else(|_| Err("the agent does not answer".to_owned()));
    let missing = answer
        .inspect_err(|why| tracing::debug!("nothing is known of the services' names: {why}"))
        .unwrap_or_default();
    (!missing.is_empty()).then(|| {
        format!(
            "WARNING: the names {} do not resolve in the job's container: it does not share /etc/hosts with the helper, \
             and its user may not write it. All services are at localhost.",
            missing.join(", ")
        )
    })
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
