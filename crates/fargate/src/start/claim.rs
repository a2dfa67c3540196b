//! A job's start on a task that waits for it: seconds in place of a minute.
//!
//! The record says which task the job is about to claim, the task's file is renamed under the folder's lock, and the
//! task proves by SSH that it is there. Killed in between, each step leaves what cleanup and sweeps need.

use std::net::SocketAddr;
use std::time::Duration;

use fargate_wire::Claim;
use futures_util::future::try_join_all;
use rand::seq::SliceRandom;
use tokio::time::{Instant, timeout};

use crate::config::Mode;
use crate::context::Context;
use crate::error::Result;
use crate::output::say;
use crate::ssh::{Connection, KeyPair, Target};
use crate::start::plan::StartPlan;
use crate::start::request::TaskRequest;
use crate::start::start_hash::StartHash;
use crate::start::tags::job_tags;
use crate::state::clock::now;
use crate::state::record::{Login, Record, Warm};
use crate::state::waiting::Waiting;
use crate::state::warm::{Keeper, WarmTasks};
use crate::task;
use crate::teardown::Teardown;

/// How long a claimed task has to answer at all. A job that starts cold for want of an answer has lost no more.
const REACH: Duration = Duration::from_secs(1);

/// How long the proof of a task may take that has answered. The time is the manager's: hundreds of jobs that start
/// together share its processors, and a cold start would cost them more.
const PROOF: Duration = Duration::from_secs(5);

/// How long a job tries to claim tasks that others are faster at.
const RACES: Duration = Duration::from_secs(5);

/// How long a job waits until a task is stopped that did not prove itself: any sweep goes on with it.
const STOP: Duration = Duration::from_secs(1);

/// How long after its keeper's last sign a task is believed to run the latest revision of its family.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// The tasks that wait for the start of a job.
pub(crate) struct Claimant<'a> {
    context: &'a Context<'a>,
    plan: &'a StartPlan,
    ready: Waiting,
    others: Candidates<'a>,
}

impl<'a> Claimant<'a> {
    /// Looks for tasks that wait for the start of this job. Nothing where the job starts cold; the record notes why, if
    /// tasks wait at all, or are meant to.
    pub(crate) fn find(
        context: &'a Context<'a>,
        request: &'a TaskRequest<'_>,
        plan: &'a StartPlan,
        record: &mut Record,
    ) -> Option<Self> {
        let waiting = WarmTasks::of(&context.records).waiting_ids();
        let mut ids = waiting.unwrap_or_else(|error| {
            tracing::debug!("no task is claimed: {error}");
            Vec::new()
        });
        if ids.is_empty() && !context.config.warm.is_on() {
            return None;
        }
        // Jobs that start together try different ones.
        ids.shuffle(&mut rand::rng());
        let mut candidates = Candidates {
            context,
            request,
            plan,
            ids: ids.into_iter(),
            starting: false,
        };
        let ready = match request.cold {
            Some(why) => Err(why),
            None => candidates.next().ok_or(match candidates.starting {
                true => "the tasks that wait for such a start are not ready yet",
                false => "no task waits for such a start",
            }),
        };
        match ready {
            Ok(ready) => Some(Self {
                context,
                plan,
                ready,
                others: candidates,
            }),
            Err(why) => {
                record.warm = Some(Warm::Missed(why.to_owned()));
                None
            }
        }
    }

    /// Claims one of the tasks for the job with this record, which is saved. Returns whether the job has one: the
    /// record has its login then.
    ///
    /// # Errors
    ///
    /// When the record cannot be written, or cleanup has come meanwhile.
    pub(crate) async fn claim(
        mut self,
        record: &mut Record,
        teardown: &Teardown<'_>,
    ) -> Result<bool> {
        let over = Instant::now() + RACES;
        let mut next = Some(self.ready.clone());
        while let Some(Waiting { id, .. }) = next
            && Instant::now() < over
        {
            let Some(task) = self.take(&id, record)? else {
                next = self.others.next();
                continue;
            };
            return match self.prove(&task).await {
                Ok(login) => {
                    self.announce(&task);
                    record.claimed(&task, login);
                    record.warm = Some(Warm::Claimed);
                    // They follow: a call of AWS would delay the claim.
                    let configured = &self.context.config.fargate.tags;
                    record.missing_tags = job_tags(&self.context.job, configured);
                    self.context.records.update(record)?;
                    let warm = WarmTasks::of(&self.context.records);
                    warm.forget(&task.id, record.attempt());
                    Ok(true)
                }
                Err(why) => self
                    .miss(&task, &why, record, teardown)
                    .await
                    .map(|()| false),
            };
        }
        record.warm = Some(Warm::Missed("other jobs were faster".to_owned()));
        Ok(false)
    }

    /// Takes a task for the job with this record, which says so first; nothing where another job was faster.
    fn take(&self, id: &str, record: &mut Record) -> Result<Option<Waiting>> {
        let warm = WarmTasks::of(&self.context.records);
        // A look costs nothing, and an intent a write to the disk.
        if !matches!(warm.find(id), Ok(Some(_))) {
            return Ok(None);
        }
        record.intend_claim(id);
        self.context.records.update(record)?;
        let taken = warm.claim(id, record)?;
        if taken.is_none() {
            tracing::debug!("another job was faster at waiting task {id}");
            record.forget_claim(id);
        }
        Ok(taken)
    }

    /// Checks that the task is there, that it is the one that was seen when it became ready, and that it has run
    /// nothing; gives it the job's limits.
    async fn prove(&self, task: &Waiting) -> Result<Login, String> {
        let login = task.login.clone().ok_or("it is not ready")?;
        let key = KeyPair::parse(task.private_key()).map_err(|error| error.to_string())?;
        let idle = match &self.context.config.mode {
            Mode::JobImage(settings) => settings.idle_timeout,
            // An agent in the operator's image has the limits that the operator gave it.
            Mode::TaskDefinition(_) => Duration::ZERO,
        };
        let limits = (!idle.is_zero()).then(|| Claim {
            deadline: (now() + self.plan.lifetime).as_secs(),
            idle: idle.as_secs().max(1),
        });
        let mut servers = vec![login.clone()];
        if let Some(composed) = &self.plan.composed {
            servers.push(login.on_port(composed.job_container().port));
        }
        let proofs = servers
            .iter()
            .map(|server| self.prove_server(server, &key, limits));
        match timeout(PROOF, try_join_all(proofs)).await {
            Ok(proved) => proved.map(|_| login),
            Err(_) => Err(format!("no answer in {} s", PROOF.as_secs())),
        }
    }

    async fn prove_server(
        &self,
        server: &Login,
        key: &KeyPair,
        limits: Option<Claim>,
    ) -> Result<(), String> {
        let target = Target {
            address: SocketAddr::new(server.address, server.port),
            username: server.username.clone(),
            host_key: Some(server.host_key.clone()),
            reach_timeout: REACH,
            connect_timeout: PROOF,
            keepalive_interval: self.context.config.ssh.keepalive_interval,
        };
        let connection = Connection::open(&target, key).await;
        let connection = connection.map_err(|refusal| format!("{}: {refusal}", target.address))?;
        match limits {
            Some(limits) => connection.claim(limits).await,
            None => Ok(()),
        }
    }

    /// Stops a task that a job has claimed and cannot use. Any sweep goes on where that takes long: the job has nothing
    /// to do with it from here on.
    async fn miss(
        &self,
        task: &Waiting,
        why: &str,
        record: &mut Record,
        teardown: &Teardown<'_>,
    ) -> Result<()> {
        say(&format!(
            "The task that waited for this job cannot be used ({why}); starting another one"
        ));
        record.warm = Some(Warm::Missed(why.to_owned()));
        let reason = format!("the job that claimed it could not use it: {why}");
        let warm = WarmTasks::of(&self.context.records);
        let holder = warm.give_away(&task.id, record)?;
        record.forget_claim(&task.id);
        let updated = self.context.records.update(record);
        match timeout(STOP, teardown.end_taken(task, &holder, &reason)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!("{error}"),
            Err(_) => tracing::debug!("waiting task {} is not stopped yet", task.id),
        }
        updated
    }

    fn announce(&self, task: &Waiting) {
        let id = task.task.as_deref().map_or("", task::id);
        let age = humantime::format_duration(Duration::from_secs(task.age().as_secs()));
        say(&format!(
            "Claimed task {id}, which waited for {}: it is {age} old, and so may be its image",
            self.plan.title
        ));
        if let Some(warning) = &task.warning {
            say(warning);
        }
    }
}

/// The waiting tasks of a folder, of which those are looked for that a job may claim. Each look reads a file, and
/// hundreds of jobs may look at hundreds of tasks at once.
struct Candidates<'a> {
    context: &'a Context<'a>,
    request: &'a TaskRequest<'a>,
    plan: &'a StartPlan,
    ids: std::vec::IntoIter<String>,
    /// Whether one was met that is not ready yet.
    starting: bool,
}

impl Candidates<'_> {
    /// The next one that is ready.
    fn next(&mut self) -> Option<Waiting> {
        let warm = WarmTasks::of(&self.context.records);
        while let Some(id) = self.ids.next() {
            match warm.find(&id) {
                Ok(Some(task)) if !self.fits(&task) => {}
                Ok(Some(task)) if task.is_ready() => return Some(task),
                Ok(Some(_)) => self.starting = true,
                Ok(None) => {}
                Err(damaged) => tracing::warn!("{damaged}"),
            }
        }
        None
    }

    /// Whether a task is what RunTask would start for this job.
    fn fits(&self, task: &Waiting) -> bool {
        let Self { context, plan, .. } = self;
        let warm = WarmTasks::of(&context.records);
        let is_named = match &plan.composed {
            Some(composed) => family(&task.definition) == composed.definition.family(),
            None => names(&task.definition).contains(&plan.title.as_str()),
        };
        is_named
            && task.age() < context.config.warm.max_age
            && task.over_at > now().as_secs()
            && hash(context, self.request, plan, &task.definition) == task.hash
            && (plan.composed.is_some() || is_latest(task, plan, warm))
    }
}

/// Whether the task runs what a name without a revision means now: its keeper looks that up.
fn is_latest(task: &Waiting, plan: &StartPlan, warm: WarmTasks<'_>) -> bool {
    let [_, _, family] = names(&task.definition);
    plan.title != family
        || match warm.keeper(&task.keeper) {
            Keeper::Lives => true,
            Keeper::GoneFor(time) => time < FRESH,
            Keeper::Unknown => false,
        }
}

/// The hash of the start of a job with this definition, an ARN with a revision.
pub(crate) fn hash(
    context: &Context<'_>,
    request: &TaskRequest<'_>,
    plan: &StartPlan,
    definition: &str,
) -> String {
    StartHash {
        fargate: &context.config.fargate,
        definition,
        platform_version: request.platform_version.as_deref(),
        strategy: request.strategy.as_deref(),
        environments: &plan.environments,
        overrides: &request.overrides,
        version: env!("CARGO_PKG_VERSION"),
    }
    .hash()
}

/// The family in the ARN of a definition.
fn family(arn: &str) -> &str {
    let [_, _, family] = names(arn);
    family
}

/// The names by which an operator may mean the definition with this ARN: itself, `family:revision` and `family`.
fn names(arn: &str) -> [&str; 3] {
    let revision = arn.rsplit_once('/').map_or(arn, |(_, revision)| revision);
    let family = revision
        .split_once(':')
        .map_or(revision, |(family, _)| family);
    [arn, revision, family]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_has_three_names() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/ci:7";
        assert_eq!(names(arn), [arn, "ci:7", "ci"]);
        assert_eq!(family(arn), "ci");
    }
}
