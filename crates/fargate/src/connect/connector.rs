//! The one road to a task's SSH server.
//!
//! AWS limits its calls, so readiness is found by connecting. AWS is asked only for an address that is not known yet,
//! and, slower, whether the task ended. prepare, a stage's first connection, the job's own container and a script that
//! lost its connection all come here. They differ by their [`Policy`].

use std::net::{IpAddr, SocketAddr};

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::findings::Findings;
use super::obstacle::Obstacle;
use super::policy::{OnShutdown, Policy};
use super::poll::{TaskPoll, TaskPoller};
use super::progress::Progress;
use crate::aws::{Aws, AwsError};
use crate::context::Context;
use crate::error::Error;
use crate::ssh::{ConnectError, Connection, KeyPair, Target};
use crate::state::record::{Login, Record};
use crate::task::Task;

/// An obstacle, and the state of the search when it was met.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) obstacle: Obstacle,
    pub(crate) findings: Box<Findings>,
}

impl Blocked {
    /// How the last attempt to connect ended.
    pub(crate) fn last_refusal(&self) -> String {
        let refusal = self.findings.last_refusal.as_ref();
        refusal.map_or_else(|| "no answer".to_owned(), ToString::to_string)
    }
}

/// A connection, and the state of the search when it was made.
pub(crate) struct Arrival {
    pub(crate) connection: Connection,
    /// The server's address.
    pub(crate) server: SocketAddr,
    /// The look at the task that showed the most of it.
    pub(crate) seen: Option<Box<Task>>,
}

/// One search for a connection to a job's task.
pub(crate) struct Connector<'a> {
    context: &'a Context<'a>,
    looker: TaskPoller,
    server: Server,
    key: KeyPair,
    policy: Policy,
}

/// The server that is sought.
#[derive(Debug, Clone)]
struct Server {
    address: Option<IpAddr>,
    port: u16,
    username: String,
    host_key: Option<String>,
}

/// News of an activity under way.
enum News {
    Looked(Box<TaskPoller>, Box<Result<TaskPoll, AwsError>>),
    Connected(Connection),
    Refused(ConnectError),
}

impl<'a> Connector<'a> {
    /// The road to a task that was asked for a moment ago, and has neither address nor host key yet.
    pub(crate) fn to_new_task(
        context: &'a Context<'a>,
        record: &Record,
        aws: &Aws,
        key: &KeyPair,
        policy: Policy,
    ) -> Self {
        let ssh = &context.config.ssh;
        Self {
            context,
            looker: TaskPoller::new(context, record, Some(aws.clone())),
            server: Server {
                address: None,
                port: ssh.port,
                username: ssh.username.clone(),
                host_key: None,
            },
            key: key.clone(),
            policy,
        }
    }

    /// The road to a server that prepare has seen.
    ///
    /// # Errors
    ///
    /// When the login's key cannot be read.
    pub(crate) fn to_login(
        context: &'a Context<'a>,
        record: &Record,
        login: &Login,
        policy: Policy,
    ) -> Result<Self, Error> {
        Ok(Self {
            context,
            looker: TaskPoller::new(context, record, None),
            server: Server {
                address: Some(login.address),
                port: login.port,
                username: login.username.clone(),
                host_key: Some(login.host_key.clone()),
            },
            key: KeyPair::parse(&login.private_key)?,
            policy,
        })
    }

    /// Seeks a connection until there is one, or an obstacle. `progress` reports in the job log.
    pub(crate) async fn travel(self, progress: &mut Progress) -> Result<Arrival, Blocked> {
        let mut findings = Findings::new(self.server.address);
        match self.seek(&mut findings, progress).await {
            Ok((connection, server)) => Ok(Arrival {
                connection,
                server,
                seen: findings.seen,
            }),
            Err(obstacle) => Err(Blocked {
                obstacle,
                findings: Box::new(findings),
            }),
        }
    }

    async fn seek(
        self,
        findings: &mut Findings,
        progress: &mut Progress,
    ) -> Result<(Connection, SocketAddr), Obstacle> {
        let Self {
            context,
            looker,
            server,
            key,
            mut policy,
        } = self;
        let begun = Instant::now();
        let mut under_way: JoinSet<News> = JoinSet::new();
        // Away during a look.
        let mut looker = Some(Box::new(looker));
        let mut connecting = 0;
        let mut pause = policy.ask_after;
        let (mut look_at, mut connect_at) = (begun + pause, begun + policy.first_pause);
        loop {
            tokio::select! {
                news = under_way.join_next(), if !under_way.is_empty() => match news {
                    Some(Ok(News::Looked(back, look))) => {
                        looker = Some(back);
                        findings.looked(*look, &policy)?;
                        progress.looked(findings);
                        pause = policy.ask_pace.pause(begun.elapsed(), findings.address.is_some());
                        look_at = Instant::now() + pause;
                    }
                    Some(Ok(News::Connected(connection))) => {
                        let address = findings.address.map(|ip| SocketAddr::new(ip, server.port));
                        let none = || Obstacle::Failed(Error::system("the task has no address"));
                        return Ok((connection, address.ok_or_else(none)?));
                    }
                    Some(Ok(News::Refused(refusal))) => {
                        connecting -= 1;
                        connect_at = Instant::now() + findings.refused(refusal, &mut policy)?;
                    }
                    Some(Err(error)) => return Err(Obstacle::Failed(Error::system(format!(
                        "fargate itself failed while it connected to the task: {error}"
                    )))),
                    None => {}
                },
                () = sleep_until(look_at), if looker.is_some() => {
                    let Some(mut away) = looker.take() else { continue };
                    findings.asked();
                    let public = context.config.fargate.connect_to_public_ip && findings.address.is_none();
                    under_way.spawn(async move {
                        let look = away.look(pause, public).await;
                        News::Looked(away, Box::new(look))
                    });
                }
                () = sleep_until(connect_at), if findings.address.is_some() && connecting < policy.attempts => {
                    let Some(address) = findings.address else { continue };
                    connecting += 1;
                    connect_at = Instant::now() + policy.spacing;
                    under_way.spawn(attempt(server.target(context, address, &policy), key.clone()));
                }
                () = sleep_until(progress.due_at()) => progress.remind(findings),
                stopped = told_to_stop(context, &policy) => return Err(Obstacle::Stopped(stopped)),
                () = sleep_until(policy.deadline) => return Err(Obstacle::Expired),
            }
        }
    }
}

impl Server {
    fn target(&self, context: &Context<'_>, address: IpAddr, policy: &Policy) -> Target {
        let ssh = &context.config.ssh;
        Target {
            address: SocketAddr::new(address, self.port),
            username: self.username.clone(),
            host_key: self.host_key.clone(),
            reach_timeout: policy.reach_timeout,
            connect_timeout: ssh.connect_timeout,
            keepalive_interval: ssh.keepalive_interval,
        }
    }
}

async fn attempt(target: Target, key: KeyPair) -> News {
    tracing::debug!("connecting to {}", target.address);
    match Connection::open(&target, &key).await {
        Ok(connection) => News::Connected(connection),
        Err(refusal) => News::Refused(refusal),
    }
}

/// Returns when a signal to this process ends the search.
async fn told_to_stop(context: &Context<'_>, policy: &Policy) -> Error {
    let stopped = context.shutdown.requested().await;
    if let OnShutdown::GoOn(patience) = policy.on_shutdown {
        tokio::select! {
            _ = context.shutdown.insisted() => {}
            () = context.shutdown.after(patience) => {}
        }
    }
    stopped
}
