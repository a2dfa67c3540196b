//! The state of a search for a connection: facts about the task and its server, and when to give up.

use std::net::IpAddr;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::Instant;

use super::obstacle::Obstacle;
use super::policy::Policy;
use super::poll::TaskPoll;
use crate::aws::AwsError;
use crate::error::Error;
use crate::ssh::ConnectError;
use crate::task::{Phase, Task};

/// Time between attempts once the server has refused the key: servers punish clients that keep failing.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// The facts about a task and its server.
#[derive(Debug)]
pub(crate) struct Findings {
    /// Where the server is.
    pub(crate) address: Option<IpAddr>,
    /// How far the task is; nothing before AWS was asked.
    pub(crate) phase: Option<Phase>,
    /// The look that showed the most of it.
    pub(crate) seen: Option<Box<Task>>,
    /// When that was.
    pub(crate) seen_at: Instant,
    /// Whether AWS says that the container of the server runs.
    pub(crate) container_runs: bool,
    /// Why AWS did not answer when it was last asked.
    pub(crate) unanswered: Option<AwsError>,
    /// Since when AWS has been asked without an answer yet.
    pub(crate) asked_at: Option<Instant>,
    /// How the last attempt to connect ended.
    pub(crate) last_refusal: Option<ConnectError>,
    /// When the search began: a new task's a moment after its creation.
    begun: Instant,
    /// How long after that the last look was that showed no address of the task.
    unaddressed: Duration,
    /// About when the task got its address, in milliseconds since 1970.
    addressed: Option<u64>,
    missing_since: Option<Instant>,
    wrong_server_since: Option<Instant>,
    refused_since: Option<Instant>,
}

impl Findings {
    /// Starts with the address at most.
    pub(crate) fn new(address: Option<IpAddr>) -> Self {
        Self {
            address,
            phase: None,
            seen: None,
            seen_at: Instant::now(),
            container_runs: false,
            unanswered: None,
            asked_at: None,
            last_refusal: None,
            begun: Instant::now(),
            unaddressed: Duration::ZERO,
            addressed: None,
            missing_since: None,
            wrong_server_since: None,
            refused_since: None,
        }
    }

    /// AWS is being asked.
    pub(crate) fn asked(&mut self) {
        self.asked_at = Some(Instant::now());
    }

    /// Takes note of a look.
    pub(crate) fn looked(
        &mut self,
        look: Result<TaskPoll, AwsError>,
        policy: &Policy,
    ) -> Result<(), Obstacle> {
        self.asked_at = None;
        let look = match look {
            Ok(look) => look,
            Err(refusal) => return self.hidden(refusal, "could not watch the job's task"),
        };
        self.unanswered = None;
        match look.task {
            Some(task) if task.is_ending() => return Err(Obstacle::Ending(Box::new(task))),
            Some(task) => self.lives(task, policy)?,
            None => {
                let since = *self.missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() > policy.missing_grace {
                    return Err(Obstacle::Missing);
                }
            }
        }
        if let Some(refusal) = look.address_refused {
            self.hidden(refusal, "could not look up the task's address")?;
        }
        // Once known it does not change, and a login says where prepare saw the server.
        self.address = self.address.or(look.address);
        Ok(())
    }

    /// Takes note of AWS's refusal to show something. With an address that is known, AWS is not needed.
    fn hidden(&mut self, refusal: AwsError, doing: &str) -> Result<(), Obstacle> {
        tracing::debug!("{doing}: {refusal}");
        if refusal.may_pass() || self.address.is_some() {
            self.unanswered = Some(refusal);
            return Ok(());
        }
        Err(Obstacle::Hidden(Error::from(refusal).context(doing)))
    }

    /// Takes note of a task that has not ended.
    fn lives(&mut self, mut task: Task, policy: &Policy) -> Result<(), Obstacle> {
        self.missing_since = None;
        self.note_address(&mut task);
        // AWS's servers may answer with an older state than the last one.
        let phase = Some(task.phase());
        self.phase = self.phase.max(phase);
        self.container_runs = task
            .container(COORDINATOR_CONTAINER)
            .is_some_and(|container| container.last_status == "RUNNING");
        if phase == self.phase {
            self.seen = Some(Box::new(task));
            self.seen_at = Instant::now();
        }
        let is_refused = matches!(self.last_refusal, Some(ConnectError::Refused));
        match policy.no_server_grace {
            Some(grace) if self.container_runs && is_refused => {
                let since = *self.refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() > grace {
                    return Err(Obstacle::NoServer(grace));
                }
            }
            _ => self.refused_since = None,
        }
        Ok(())
    }

    /// Notes about when the task got its address, which AWS does not say: between the last look without it and the
    /// first with it.
    fn note_address(&mut self, task: &mut Task) {
        let waited = self.begun.elapsed();
        match task.private_ip(COORDINATOR_CONTAINER) {
            None => self.unaddressed = waited,
            Some(_) if self.addressed.is_none() => {
                let about = (self.unaddressed + waited) / 2;
                let about = u64::try_from(about.as_millis()).unwrap_or(u64::MAX);
                let created = task.times.created;
                self.addressed = created.map(|created| created.saturating_add(about));
            }
            Some(_) => {}
        }
        task.times.addressed = self.addressed;
    }

    /// Takes note of an attempt that failed. Returns the pause before the next one.
    pub(crate) fn refused(
        &mut self,
        refusal: ConnectError,
        policy: &mut Policy,
    ) -> Result<Duration, Obstacle> {
        tracing::debug!("no connection to the job's task: {refusal}");
        let mut pause = policy.backoff.pause();
        if refusal.is_of_stranger() {
            pause = pause.max(REFUSED_PAUSE.min(policy.wrong_server_grace));
            let since = *self.wrong_server_since.get_or_insert_with(Instant::now);
            // Before the task runs this may be another task's server: addresses are soon used again.
            let may_be_ours = matches!(self.phase, None | Some(Phase::Running));
            if may_be_ours && since.elapsed() >= policy.wrong_server_grace {
                return Err(Obstacle::WrongServer(refusal));
            }
        } else {
            self.wrong_server_since = None;
        }
        self.last_refusal = Some(refusal);
        Ok(pause)
    }
}
