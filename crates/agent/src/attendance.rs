//! Whether a driver is there, and when the agent leaves because none is.
//!
//! A task costs money until it stops, and whoever should stop it may be gone for good. So the agent goes by itself
//! when no driver has been connected for long enough, or the job has run out of its own time; its container is
//! essential, and the task ends with it.
//!
//! A task may have two agents, and the driver speaks to one at a time: the helper has nothing to do while the job's
//! script runs. So the one that has a driver tells the other, through a socket that only the task's own network
//! has. The job's processes could speak there too, and so keep their task until its deadline, no longer.

use std::fmt;
use std::io::{self, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use fargate_wire::{DEADLINE_VARIABLE, IDLE_LIMIT_VARIABLE};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

/// How often, within the limit, the other agent hears that a driver is here.
const WORDS: u32 = 4;

/// When to leave.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// After so long without a driver.
    idle: Option<Duration>,
    deadline: Option<SystemTime>,
}

impl Limits {
    /// Takes them from [`IDLE_LIMIT_VARIABLE`] and [`DEADLINE_VARIABLE`].
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            idle: seconds(IDLE_LIMIT_VARIABLE)?,
            deadline: match seconds(DEADLINE_VARIABLE)? {
                Some(time) => Some(
                    SystemTime::UNIX_EPOCH
                        .checked_add(time)
                        .with_context(|| format!("{DEADLINE_VARIABLE} is too far away"))?,
                ),
                None => None,
            },
        })
    }
}

fn seconds(variable: &str) -> Result<Option<Duration>> {
    let Some(value) = std::env::var_os(variable) else {
        return Ok(None);
    };
    match value.to_str().and_then(|value| value.parse().ok()) {
        Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        None => bail!("{variable} is {value:?}, but must be a number of seconds"),
    }
}

/// Why the agent leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// It was told to.
    Told,
    /// There was no driver for so long.
    Idle(Duration),
    /// The job has run out of its time.
    Deadline,
}

impl fmt::Display for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told => f.write_str("the agent was told to stop, as when its task is stopped"),
            Self::Idle(limit) => write!(f, "no driver was connected for {} s", limit.as_secs()),
            Self::Deadline => f.write_str("the job's deadline has passed"),
        }
    }
}

/// The drivers that are logged in.
pub(crate) struct Attendance {
    limits: Limits,
    presence: watch::Sender<Presence>,
    own: SocketAddr,
    other: SocketAddr,
}

#[derive(Debug, Clone, Copy)]
struct Presence {
    drivers: usize,
    /// When there last was one, here or at the other agent.
    last: Instant,
}

/// One driver that is logged in, until dropped.
pub(crate) struct Present<'a>(&'a Attendance);

impl Attendance {
    /// `task` is what the agents of this task have in common, and those of no other.
    pub(crate) fn new(limits: Limits, task: &str, helper: bool) -> io::Result<Self> {
        let name = |role| SocketAddr::from_abstract_name(format!("fargate-agent {task} {role}"));
        let (job, helpers) = (name("job")?, name("helper")?);
        let (own, other) = if helper {
            (helpers, job)
        } else {
            (job, helpers)
        };
        let presence = watch::Sender::new(Presence {
            drivers: 0,
            last: Instant::now(),
        });
        Ok(Self {
            limits,
            presence,
            own,
            other,
        })
    }

    /// A driver has logged in.
    pub(crate) fn enter(&self) -> Present<'_> {
        self.presence.send_modify(|presence| presence.drivers += 1);
        Present(self)
    }

    fn seen(&self) {
        let now = Instant::now();
        self.presence.send_modify(|presence| presence.last = now);
    }

    /// Resolves when it is time to leave, and says so on standard error.
    pub(crate) async fn over(&self) -> Leaving {
        let leaving = tokio::select! {
            limit = self.idle_for_too_long() => Leaving::Idle(limit),
            () = self.past_deadline() => Leaving::Deadline,
        };
        // Nobody needs to be listening.
        writeln!(io::stderr(), "fargate-agent: leaving: {leaving}").ok();
        leaving
    }

    async fn past_deadline(&self) {
        let Some(deadline) = self.limits.deadline else {
            return std::future::pending().await;
        };
        let left = deadline.duration_since(SystemTime::now());
        sleep(left.unwrap_or_default()).await;
    }

    /// Returns the limit once it has been reached.
    async fn idle_for_too_long(&self) -> Duration {
        let Some(limit) = self.limits.idle else {
            return std::future::pending().await;
        };
        tokio::select! {
            () = self.reach(limit) => limit,
            () = self.tell(limit) => limit,
            () = self.hear() => limit,
        }
    }

    async fn reach(&self, limit: Duration) {
        let mut presence = self.presence.subscribe();
        loop {
            let now = *presence.borrow_and_update();
            let changed = presence.changed();
            let reached = match now.drivers {
                0 => timeout_at(now.last + limit, changed).await.is_err(),
                _ => changed.await.is_err(),
            };
            if reached {
                return;
            }
        }
    }

    /// Tells the other agent, for ever, as long as there is a driver.
    async fn tell(&self, limit: Duration) {
        let mut presence = self.presence.subscribe();
        let pause = limit / WORDS;
        loop {
            // Also when there is none any more: the time without one begins now.
            if let Ok(socket) = UnixDatagram::unbound() {
                // There need not be another agent, and it may be slow.
                socket.set_nonblocking(true).ok();
                socket.send_to_addr(&[1], &self.other).ok();
            }
            let there = presence.borrow_and_update().drivers > 0;
            let changed = async {
                while presence.changed().await.is_ok()
                    && (presence.borrow_and_update().drivers > 0) == there
                {}
            };
            if there {
                tokio::time::timeout(pause, changed).await.ok();
            } else {
                changed.await;
            }
        }
    }

    /// Hears the other agent, for ever.
    async fn hear(&self) {
        let socket = UnixDatagram::bind_addr(&self.own).and_then(|socket| {
            socket.set_nonblocking(true)?;
            tokio::net::UnixDatagram::from_std(socket)
        });
        match socket {
            Ok(socket) => {
                while socket.recv(&mut [0]).await.is_ok() {
                    self.seen();
                }
            }
            Err(error) => {
                let told = "fargate-agent: cannot hear of the task's other agent";
                writeln!(io::stderr(), "{told}: {error}").ok();
            }
        }
        std::future::pending().await
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.0.presence.send_modify(|presence| {
            presence.drivers -= 1;
            presence.last = now;
        });
    }
}
