//! Starts a task that waits for a job.
//!
//! The task's file is written before RunTask is called, as a job's record is. Nothing here ends a task: whoever asked
//! for one that does not get ready ends it by its file.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::adjustments::Adjustments;
use super::claim::hash;
use super::plan::StartPlan;
use super::queue::Queue;
use super::register::{self, Registered};
use super::request::TaskRequest;
use crate::aws::{Aws, AwsError, RunTaskAnswer, RunTaskRequest};
use crate::connect::job_container::target;
use crate::connect::progress::Progress;
use crate::connect::services::{Knowledge, PATIENCE, ServedTask, Services};
use crate::connect::start::until_ready;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::ssh::{Connection, KeyPair, random_hex};
use crate::state::clock::now;
use crate::state::identity::Identity;
use crate::state::record::{Login, Record};
use crate::state::waiting::{Intent, Waiting};
use crate::state::warm::{Rest, WarmTasks};
use crate::task::Task;
use crate::task::definition::ComposedTask;
use crate::task::ownership;
use crate::task::placement::{Places, placement};

/// How long a waiting task may outlive its age: the time until a sweep ends it that nobody keeps.
pub(crate) const AFTER_AGE: Duration = Duration::from_secs(10 * 60);

/// How often one request is made, and the pause in between.
const CALLS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// Why a start ends that is under way while a job finds no room for its own task.
const YIELDED: &str = "a job found none for its own task, and jobs come first";

/// Bound of a question to an agent, which answers at once.
const QUESTION: Duration = Duration::from_secs(5);

/// A task to start.
pub(crate) struct WarmUp<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) context: &'a Context<'a>,
    pub(crate) identity: &'a Identity,
    pub(crate) request: &'a TaskRequest<'a>,
    /// The pool it is for, and the keeper that starts it.
    pub(crate) pool: &'a str,
    pub(crate) keeper: &'a str,
    /// How long it waits at most.
    pub(crate) max_age: Duration,
}

/// Why a task did not get ready.
#[derive(Debug)]
pub(crate) enum NotReady {
    /// AWS has no room for it.
    NoRoom(String),
    /// Somebody has taken its file while it was started, and does not know its task.
    Taken(Box<Waiting>),
    /// Another one would fail as well.
    Failed(Error),
}

impl From<Error> for NotReady {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'a> WarmUp<'a> {
    /// An id for a task.
    pub(crate) fn new_id() -> String {
        random_hex::<8>()
    }

    /// The ARN of the definition that the task will run, as AWS has it now.
    ///
    /// # Errors
    ///
    /// When AWS refuses, or does not know it.
    pub(crate) async fn definition(&self, deadline: Instant) -> Result<Registered> {
        let plan = self.plan(&KeyPair::generate()?)?;
        match &plan.composed {
            Some(composed) => {
                let definition = &composed.definition;
                register::registered(self.aws, self.context, definition, None, deadline).await
            }
            None => {
                let found = self.aws.find_definition(&plan.title).await;
                let found = found.map_err(|refusal| {
                    Error::from(refusal).context("could not look up the pool's task definition")
                })?;
                let missing =
                    || Error::system(format!("AWS knows no task definition {}", plan.title));
                Ok(Registered {
                    arn: found.ok_or_else(missing)?,
                    is_fresh: true,
                })
            }
        }
    }

    /// The hash of its start with this definition.
    ///
    /// # Errors
    ///
    /// When its key cannot be made.
    pub(crate) fn hash(&self, definition: &str) -> Result<String> {
        let plan = self.plan(&KeyPair::generate()?)?;
        Ok(hash(self.context, self.request, &plan, definition))
    }

    /// Starts the task with this id, and returns when jobs may claim it.
    ///
    /// # Errors
    ///
    /// When it does not get ready by `deadline`. It may run nevertheless, and its file is there.
    pub(crate) async fn start(
        &self,
        id: &str,
        definition: Registered,
        deadline: Instant,
    ) -> Result<(), NotReady> {
        let begun = Instant::now();
        let warm = WarmTasks::of(&self.context.records);
        let key = KeyPair::generate()?;
        let plan = self.plan(&key)?;
        let waiting = self.intent(id, &plan, &key, &definition.arn)?;
        warm.save(&waiting)?;
        let task = self.run(&waiting, &plan, definition, deadline).await?;
        let mut started = waiting.clone();
        started.started(&task);
        match warm.change(id, |waiting| waiting.started(&task)) {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(NotReady::Taken(Box::new(started))),
        }
        let record = self.stand_in(&plan, &waiting, &task);
        let progress = Progress::of_task(watch::Sender::new(None));
        let ready = until_ready(
            self.aws,
            self.context,
            &record,
            &key,
            begun,
            deadline,
            progress,
        );
        let ready = ready.await.map_err(|failure| failure.into_error())?;
        if plan.composed.is_some() && ready.job_container.is_none() {
            return Err(Error::system("the job's container took no connection in time").into());
        }
        self.check_agents(&ready.login, &plan, &key).await?;
        let are_silent = self.wait_for_services(id, &record, &ready.login).await?;
        let changed = warm.change(id, |waiting| {
            if let Some(seen) = &ready.seen {
                waiting.saw(seen);
            }
            waiting.services_had_time = are_silent;
            waiting.warning = ready.job_container.and_then(|greeted| greeted.warning);
            waiting.ready(ready.login);
        })?;
        still_ours(changed.as_ref())?;
        Ok(())
    }

    fn plan(&self, key: &KeyPair) -> Result<StartPlan> {
        StartPlan::within(self.request, key, self.max_age + AFTER_AGE)
    }

    fn intent(
        &self,
        id: &str,
        plan: &StartPlan,
        key: &KeyPair,
        definition: &str,
    ) -> Result<Waiting> {
        let fargate = &self.context.config.fargate;
        let over_at = (now() + plan.lifetime).as_secs();
        Ok(Waiting::intended(Intent {
            id: id.to_owned(),
            pool: self.pool,
            keeper: self.keeper,
            hash: hash(self.context, self.request, plan, definition),
            definition: definition.to_owned(),
            cluster: &fargate.cluster,
            region: &fargate.region,
            endpoint: fargate.endpoint.as_deref(),
            started_by: ownership::started_by(&self.identity.name),
            group: ownership::warm_group(id, &self.identity.folder, over_at),
            public_ip: fargate.assign_public_ip,
            over_at,
            private_key: key.private()?,
        }))
    }

    /// Calls RunTask place by place, once for each. Jobs search longer: a pool tries again later.
    async fn run(
        &self,
        waiting: &Waiting,
        plan: &StartPlan,
        definition: Registered,
        deadline: Instant,
    ) -> Result<Task, NotReady> {
        let fargate = &self.context.config.fargate;
        let strategy = self.request.strategy.as_deref();
        let places = Places {
            subnets: &fargate.subnets,
            strategy: strategy.unwrap_or(&fargate.strategy),
            fallback: match strategy {
                Some(_) => &[],
                None => &fargate.fallback_strategy,
            },
        };
        let names_none = places.strategy.is_empty() && places.fallback.is_empty();
        let composed = plan.composed.as_ref().map(|composed| &composed.definition);
        let adjustments =
            Adjustments::new(self.aws, self.context, definition, composed, names_none);
        let mut adjustments = adjustments.without_job();
        // Pools spread over subnets as jobs do.
        let first = u64::from_str_radix(&waiting.id, 16).unwrap_or_default();
        let mut attempt = 0;
        loop {
            let place = placement(&places, first, attempt)
                .ok_or_else(|| Error::system("[Fargate] names no subnet"))?;
            let token = format!("warm-{}-{attempt}{}", waiting.id, adjustments.mark());
            let request = RunTaskRequest {
                fargate,
                definition: &adjustments.definition.arn,
                platform_version: self.request.platform_version.as_deref(),
                subnet: place.subnet,
                strategy: place.strategy,
                by_launch_type: adjustments.by_launch_type,
                client_token: &token,
                started_by: &waiting.started_by,
                group: &waiting.group,
                environments: &plan.environments,
                changes: &self.request.overrides,
                tags: &adjustments.tags,
            };
            let called = self.call(&waiting.id, &request).await?;
            let no_room = match called {
                Ok(RunTaskAnswer::Task(task)) => {
                    adjustments.accepted();
                    return Ok(*task);
                }
                Ok(RunTaskAnswer::Nowhere(reason)) => reason,
                Err(refusal) if refusal.has_no_room() => refusal.to_string(),
                Err(refusal) => {
                    adjustments.adjust(refusal, deadline).await?;
                    continue;
                }
            };
            if place.is_last || Instant::now() >= deadline {
                return Err(NotReady::NoRoom(no_room));
            }
            attempt += 1;
        }
    }

    /// Makes a request, behind the jobs that queue for RunTask, and repeats it while its end is unknown.
    async fn call(
        &self,
        id: &str,
        request: &RunTaskRequest<'_>,
    ) -> Result<Result<RunTaskAnswer, AwsError>, NotReady> {
        let directory = &self.context.config.metadata_directory;
        let mut queue = Queue::new(directory, &request.fargate.region);
        let mut rest = queue.enter().await;
        let mut calls = 1..CALLS;
        loop {
            sleep(rest).await;
            let warm = WarmTasks::of(&self.context.records);
            if warm.rest() == Some(Rest::Yielded) {
                return Err(NotReady::NoRoom(YIELDED.to_owned()));
            }
            still_ours(warm.change(id, Waiting::ask)?.as_ref())?;
            let refusal = match self.aws.run_task(request).await {
                Err(refusal) if refusal.may_pass() && calls.next().is_some() => refusal,
                answer => return Ok(answer),
            };
            rest = match refusal.is_throttled() {
                true => queue.refused().await,
                false => PAUSE,
            };
        }
    }

    /// A record for the road to the task. It is never saved: the task has no job.
    fn stand_in(&self, plan: &StartPlan, waiting: &Waiting, task: &Task) -> Record {
        let context = self.context;
        let fargate = &context.config.fargate;
        let mut record = Record::new(&context.job, fargate, self.identity, plan.lifetime, None);
        record.build = plan.composed.as_ref().map(ComposedTask::job_container);
        record.intend(&waiting.id);
        record.started(&waiting.id, task);
        record
    }

    /// Waits for the services as a job's script would. Returns whether some do not listen after that: its job goes on
    /// with them, and is told.
    async fn wait_for_services(&self, id: &str, record: &Record, login: &Login) -> Result<bool> {
        let Some(build) = &record.build else {
            return Ok(false);
        };
        let services = Services {
            task: ServedTask {
                context: self.context,
                record,
                login,
            },
            build,
            knowledge: &Knowledge::default(),
            tell: &|line| say(&format!("Waiting task {id}: {line}")),
        };
        let warning = services.wait(PATIENCE).await?;
        if let Some(warning) = &warning {
            (services.tell)(warning);
        }
        Ok(warning.is_some())
    }

    /// Checks that both agents would agree to a claim.
    async fn check_agents(&self, login: &Login, plan: &StartPlan, key: &KeyPair) -> Result<()> {
        let Some(composed) = &plan.composed else {
            return Ok(());
        };
        let job = login.on_port(composed.job_container().port);
        let checks = [login, &job].map(|server| self.check_agent(server, key));
        let checked = timeout(QUESTION, try_join_all(checks)).await;
        let checked = checked.unwrap_or_else(|_| Err("it gives no answer".to_owned()));
        checked.map(drop).map_err(|why| {
            Error::system(format!(
                "an agent of the waiting task takes no claims: {why}"
            ))
            .advise(
                "The agent in the task must be of this driver's version ([JobImage] AgentImage).",
            )
        })
    }

    async fn check_agent(&self, server: &Login, key: &KeyPair) -> Result<(), String> {
        let target = target(self.context, server);
        let connection = Connection::open(&target, key).await;
        let connection = connection.map_err(|refusal| format!("{}: {refusal}", target.address))?;
        connection.is_claimable().await
    }
}

fn still_ours(waiting: Option<&Waiting>) -> Result<()> {
    match waiting {
        Some(_) => Ok(()),
        None => Err(Error::system("somebody has ended it while it started")),
    }
}
