//! When the agent exits by itself: without a driver for too long, or at the job's deadline.
//!
//! A task costs money until it stops, and the manager that should stop it may be gone for good. The agent therefore
//! exits when no driver has been connected for long enough, or when the job has used up its own time; its container is
//! essential, so the task ends with it.
//!
//! A task may have two agents, and the driver speaks to one at a time: the helper is idle while the job's script runs.
//! The agent with a driver therefore notifies the other one, through a socket that only the task's own network has. The
//! job's processes can use that socket too, and so keep their task until its deadline, but no longer.
//!
//! A driver may keep the task of a job that has failed: then a time that the driver names takes the place of both
//! limits. A task that waited for a job has limits of its own until a job claims it, and the job's from then on.

use std::fmt;
use std::io::{self, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use fargate_wire::{Claim, DEADLINE_VARIABLE, IDLE_LIMIT_VARIABLE, LONGEST_KEEP};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// How often, within the idle limit, the other agent is notified of a driver.
const NOTICES: u32 = 4;

/// When the agent exits by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// Time without a driver.
    idle: Option<Duration>,
    deadline: Option<SystemTime>,
    /// The latest deadline that a driver may set, once one has kept the task.
    latest: Option<SystemTime>,
}

impl Limits {
    /// Reads [`IDLE_LIMIT_VARIABLE`] and [`DEADLINE_VARIABLE`].
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
            latest: None,
        })
    }

    /// The limits of a task that a job has claimed.
    fn claimed(self, claim: Claim) -> Self {
        let deadline = Duration::from_secs(claim.deadline);
        Self {
            idle: Some(Duration::from_secs(claim.idle)),
            // One that is too far away is none.
            deadline: SystemTime::UNIX_EPOCH.checked_add(deadline),
            latest: None,
        }
    }

    /// The same for a task that is kept until this time, or as long as it may be; `now` is the present.
    fn kept(self, until: SystemTime, now: SystemTime) -> Self {
        let latest = self.latest.unwrap_or(now + LONGEST_KEEP);
        Self {
            idle: None,
            deadline: Some(until.min(latest)),
            latest: Some(latest),
        }
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

/// Why the agent exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitReason {
    /// It was told to stop.
    Stopped,
    /// No driver was connected for this long.
    Idle(Duration),
    /// The job has used up its time.
    Deadline,
    /// The time is over for which a driver kept the task.
    Kept,
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the agent was told to stop, as when its task is stopped"),
            Self::Idle(limit) => write!(f, "no driver was connected for {} s", limit.as_secs()),
            Self::Deadline => f.write_str("the job's deadline has passed"),
            Self::Kept => f.write_str("the time is over for which the task was kept"),
        }
    }
}

/// The agent's limits, and the drivers that are logged in.
pub(crate) struct Lifetime {
    limits: watch::Sender<Limits>,
    presence: watch::Sender<Presence>,
    /// Address at which this agent is notified.
    own: SocketAddr,
    /// Address of the task's other agent.
    other: SocketAddr,
}

#[derive(Debug, Clone, Copy)]
struct Presence {
    drivers: usize,
    /// When a driver was last connected, here or to the other agent.
    last: Instant,
}

/// A driver that is logged in, until dropped.
pub(crate) struct ConnectedDriver<'a>(&'a Lifetime);

impl Lifetime {
    /// `task` is a name that only the agents of this task share.
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
            limits: watch::Sender::new(limits),
            presence,
            own,
            other,
        })
    }

    /// Notes that a driver has logged in.
    pub(crate) fn driver_connected(&self) -> ConnectedDriver<'_> {
        self.presence.send_modify(|presence| presence.drivers += 1);
        ConnectedDriver(self)
    }

    /// Notes that the other agent has a driver.
    fn driver_elsewhere(&self) {
        let now = Instant::now();
        self.presence.send_modify(|presence| presence.last = now);
    }

    /// Keeps the task until this time, in place of the limits so far; returns the time that holds now.
    pub(crate) fn keep_until(&self, until: SystemTime) -> SystemTime {
        self.limits
            .send_modify(|limits| *limits = limits.kept(until, SystemTime::now()));
        self.limits.borrow().deadline.unwrap_or(until)
    }

    /// Sets the limits of the job that has claimed the task.
    pub(crate) fn claim(&self, claim: Claim) {
        self.limits
            .send_modify(|limits| *limits = limits.claimed(claim));
    }

    /// Resolves when a limit is reached, and reports it on standard error.
    pub(crate) async fn over(&self) -> ExitReason {
        let mut changes = self.limits.subscribe();
        let reason = loop {
            let limits = *changes.borrow_and_update();
            tokio::select! {
                limit = self.idle_for_too_long(limits) => break ExitReason::Idle(limit),
                reason = past_deadline(limits) => break reason,
                // The sender is this one's own.
                _ = changes.changed() => {}
            }
        };
        // Standard error may be closed.
        writeln!(io::stderr(), "fargate-agent: exiting: {reason}").ok();
        reason
    }

    /// Returns the idle limit once it is reached.
    async fn idle_for_too_long(&self, limits: Limits) -> Duration {
        let Some(limit) = limits.idle else {
            return std::future::pending().await;
        };
        tokio::select! {
            () = self.reach_idle_limit(limit) => limit,
            () = self.notify_other_agent(limit) => limit,
            () = self.listen_to_other_agent() => limit,
        }
    }

    async fn reach_idle_limit(&self, limit: Duration) {
        let mut presence = self.presence.subscribe();
        loop {
            let now = *presence.borrow_and_update();
            let changed = presence.changed();
            let reached = match now.drivers {
                0 => timeout(limit.saturating_sub(now.last.elapsed()), changed)
                    .await
                    .is_err(),
                _ => changed.await.is_err(),
            };
            if reached {
                return;
            }
        }
    }

    /// Notifies the other agent, as long as a driver is connected. Never returns.
    async fn notify_other_agent(&self, limit: Duration) {
        let mut presence = self.presence.subscribe();
        let pause = limit / NOTICES;
        loop {
            // Also when the last driver has left: the time without one begins now.
            if let Ok(socket) = UnixDatagram::unbound() {
                // The other agent may not exist, and it may be slow.
                socket.set_nonblocking(true).ok();
                socket.send_to_addr(&[1], &self.other).ok();
            }
            let connected = presence.borrow_and_update().drivers > 0;
            let changed = async {
                while presence.changed().await.is_ok()
                    && (presence.borrow_and_update().drivers > 0) == connected
                {}
            };
            if connected {
                timeout(pause, changed).await.ok();
            } else {
                changed.await;
            }
        }
    }

    /// Notes the other agent's notices. Never returns.
    async fn listen_to_other_agent(&self) {
        let socket = UnixDatagram::bind_addr(&self.own).and_then(|socket| {
            socket.set_nonblocking(true)?;
            tokio::net::UnixDatagram::from_std(socket)
        });
        match socket {
            Ok(socket) => {
                while socket.recv(&mut [0]).await.is_ok() {
                    self.driver_elsewhere();
                }
            }
            Err(error) => {
                let message = "fargate-agent: cannot listen to the task's other agent";
                writeln!(io::stderr(), "{message}: {error}").ok();
            }
        }
        std::future::pending().await
    }
}

async fn past_deadline(limits: Limits) -> ExitReason {
    let Some(deadline) = limits.deadline else {
        return std::future::pending().await;
    };
    let left = deadline.duration_since(SystemTime::now());
    sleep(left.unwrap_or_default()).await;
    match limits.latest {
        None => ExitReason::Deadline,
        Some(_) => ExitReason::Kept,
    }
}

impl Drop for ConnectedDriver<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.0.presence.send_modify(|presence| {
            presence.drivers -= 1;
            presence.last = now;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_task_has_four_hours_from_the_first_request() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let (hour, begin) = (3600, 1_800_000_000);
        let limits = Limits {
            idle: Some(Duration::from_secs(1)),
            deadline: Some(at(begin + 1)),
            latest: None,
        };
        let first = limits.kept(at(begin + hour), at(begin));
        assert_eq!((first.idle, first.deadline), (None, Some(at(begin + hour))));
        // Later, and then sooner.
        let second = first.kept(at(begin + 9 * hour), at(begin + hour));
        assert_eq!(second.deadline, Some(at(begin + 4 * hour)));
        let third = second.kept(at(begin + 2 * hour), at(begin + hour));
        assert_eq!(third.deadline, Some(at(begin + 2 * hour)));
        let at_once = limits.kept(at(u64::from(u32::MAX)), at(begin));
        assert_eq!(at_once.deadline, Some(at(begin + 4 * hour)));
    }
}
