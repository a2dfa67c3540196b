//! prepare's road: from a task that AWS has promised to a login that works.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::connector::{Arrival, Connector};
use super::findings::Findings;
use super::job_container::{Greeted, greet};
use super::obstacle::Obstacle;
use super::policy::Policy;
use super::progress::{Progress, seconds};
use super::start_failure::{StartFailure, missing, task_ended};
use super::timeline::timeline;
use crate::aws::Aws;
use crate::config::{Mode, Ssh};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::ssh::{ConnectError, Connection, KeyPair};
use crate::state::record::{Login, Record};
use crate::task::{Phase, Task};

/// After this long without an answer from AWS, the error names that as the reason.
const UNANSWERED: std::time::Duration = std::time::Duration::from_secs(5);

/// A task that takes scripts.
pub(crate) struct ReadyTask {
    pub(crate) login: Login,
    /// The job's own container, if it took a connection, too (JobImage mode).
    pub(crate) job_container: Option<Greeted>,
    /// The look at the task that showed the most of it.
    pub(crate) seen: Option<Box<Task>>,
}

/// Returns how to log in to the task of this record, once that works. The job's preparation has `begun` then, and its
/// time is over at `deadline`.
///
/// # Errors
///
/// With the reason why no task takes scripts, which says whether another task may fare better.
pub(crate) async fn until_ready(
    aws: &Aws,
    context: &Context<'_>,
    record: &Record,
    key: &KeyPair,
    begun: Instant,
    deadline: Instant,
    mut progress: Progress,
) -> Result<ReadyTask, StartFailure> {
    let policy = Policy::start(&context.config.ssh, deadline);
    let road = Connector::to_new_task(context, record, aws, key, policy);
    let blocked = match road.travel(&mut progress).await {
        Ok(Arrival {
            connection,
            server,
            seen,
        }) => {
            let ssh = &context.config.ssh;
            let login = login(ssh, key, &connection, server)?;
            let job_container = match &record.build {
                Some(container) => greet(context, record, (&login, connection), container).await?,
                None => None,
            };
            let (time, user) = (seconds(begun), &ssh.username);
            progress.ready(&format!("for scripts after {time} ({user}@{server})"));
            let times = seen.as_ref().map(|task| task.times).unwrap_or_default();
            if let Some(line) = timeline(&times, progress.elapsed()) {
                say(&line);
            }
            return Ok(ReadyTask {
                login,
                job_container,
                seen,
            });
        }
        Err(blocked) => blocked,
    };
    let error = match blocked.obstacle {
        Obstacle::Ending(task) => {
            return Err(task_ended(aws, record, *task, &context.shutdown).await);
        }
        Obstacle::Missing => missing(),
        Obstacle::WrongServer(refusal) => key_refused(context, &refusal),
        Obstacle::Expired | Obstacle::NoServer(_) => expired(context, &blocked.findings),
        Obstacle::Hidden(error) | Obstacle::Stopped(error) | Obstacle::Failed(error) => error,
    };
    Err(error.into())
}

/// How to log in to the server that this connection leads to.
fn login(ssh: &Ssh, key: &KeyPair, connection: &Connection, server: SocketAddr) -> Result<Login> {
    Ok(Login {
        address: server.ip(),
        port: server.port(),
        username: ssh.username.clone(),
        host_key: connection.host_key()?,
        private_key: key.private()?,
    })
}

fn key_refused(context: &Context<'_>, refusal: &ConnectError) -> Error {
    let ssh = &context.config.ssh;
    let user = &ssh.username;
    match refusal {
        ConnectError::KeyRefused(_) => {}
        ConnectError::Flood => {
            return Error::system(format!("the task's SSH server cannot be used: {refusal}"));
        }
        _ => {
            let stranger = format!("the task's SSH server is not the task's: {refusal}");
            return Error::system(stranger);
        }
    }
    let refused = Error::system(format!(
        "the task's SSH server rejects the job's key for user {user}"
    ));
    match context.config.mode {
        Mode::JobImage(_) => refused.advise(
            "The agent in the task must be of this driver's version ([JobImage] AgentImage).",
        ),
        Mode::TaskDefinition(_) => refused.advise(format!(
            "The image must install the environment variable SSH_PUBLIC_KEY as an authorized key of {user} \
             ([SSH] Username = \"{user}\"), with the file modes that sshd requires.",
        )),
    }
}

/// The error for a StartTimeout that is over.
fn expired(context: &Context<'_>, findings: &Findings) -> Error {
    let bound = context.config.fargate.start_timeout.as_secs();
    let what = format!("the job's task was not ready within {bound} s (StartTimeout)");
    let phase = findings.phase.unwrap_or(Phase::Provisioning);
    match findings.address {
        None => without_address(findings, &what, phase),
        Some(_) if phase != Phase::Running => starts_slowly(&what, phase),
        Some(address) => unreachable(context, findings, &what, address),
    }
}

fn starts_slowly(what: &str, phase: Phase) -> Error {
    Error::system(format!("{what}: still {}", phase.doing())).advise(
        "Look at the task in AWS's console; a large image needs a higher [Fargate] StartTimeout. Run the job again.",
    )
}

fn without_address(findings: &Findings, what: &str, phase: Phase) -> Error {
    if let Some(refusal) = &findings.unanswered {
        return Error::from(refusal.clone()).context(what);
    }
    let asked_at = findings.asked_at.filter(|at| at.elapsed() >= UNANSWERED);
    if let Some(at) = asked_at {
        return Error::system(format!("{what}: no answer from AWS for {}", seconds(at)))
            .advise("Check that the manager reaches AWS's API, and run the job again.");
    }
    if phase == Phase::Running {
        return Error::system(format!(
            "{what}: it runs, but AWS shows no address to connect to"
        ))
        .advise(
            "With UsePublicIP the task needs a public address: [Fargate] EnablePublicIP, and a subnet with a route to an \
             internet gateway. Run the job again.",
        );
    }
    starts_slowly(what, phase)
}

fn unreachable(
    context: &Context<'_>,
    findings: &Findings,
    what: &str,
    address: std::net::IpAddr,
) -> Error {
    let server = SocketAddr::new(address, context.config.ssh.port);
    match &findings.last_refusal {
        Some(ConnectError::Refused) => {
            let advice = match context.config.mode {
                Mode::TaskDefinition(_) => {
                    "The image of the task definition must start an SSH server on that port ([SSH] Port); see its \
                     container's log."
                }
                Mode::JobImage(_) => {
                    "The agent must listen there: see the logs of the containers bootstrap and helper ([JobImage] LogGroup)."
                }
            };
            Error::system(format!("{what}: nothing listens on {server}")).advise(advice)
        }
        Some(ConnectError::Silent) | None => {
            Error::system(format!("{what}: no answer from {server}")).advise(
                "The task's security group must let the manager in on that port, and the manager must reach the subnet \
                 (with EnablePublicIP: UsePublicIP chooses the address).",
            )
        }
        Some(other) => Error::system(format!("{what}: {server}: {other}"))
            .advise("Read the SSH server's messages in the log of the job's container."),
    }
}
