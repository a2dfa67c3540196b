//! Launches a job's task place by place until one starts or the time is up.

mod room;

use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::{Instant, sleep};

use crate::aws::{Aws, RunTaskAnswer, RunTaskRequest};
use crate::backoff::jitter;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::ssh::random_hex;
use crate::start::adjustments::Adjustments;
use crate::start::journal::{Journal, Marks};
use crate::start::queue::Queue;
use crate::start::register::Registered;
use crate::start::request::TaskRequest;
use crate::start::run_task_retries::run_task;
use crate::start::start_hash::StartHash;
use crate::state::hedges::Hedges;
use crate::task::definition::{ContainerEnvironment, TaskDefinition};
use crate::task::placement::{Placement, Places, beside, describe, pause_after, placement};
use crate::task::{Loss, Task, console_link};

/// The input of a launch.
pub(crate) struct Launch<'a> {
    pub(crate) request: &'a TaskRequest<'a>,
    /// Title for the job log.
    pub(crate) title: &'a str,
    /// The definition that was registered for jobs like this one, if it is not the operator's.
    pub(crate) composed: Option<&'a TaskDefinition>,
    pub(crate) environments: &'a [ContainerEnvironment],
}

/// Most tasks that are replaced after AWS lost them by trouble of its own. Want of room is retried until the deadline.
const LOSSES: u32 = 3;

/// How often a second task is asked for while AWS does not answer, and the pause between.
const HEDGE_CALLS: u32 = 3;
const HEDGE_PAUSE: Duration = Duration::from_secs(1);

/// Launches a task place by place, and goes on from there when AWS lost it.
pub(crate) struct Launcher<'a> {
    aws: &'a Aws,
    context: &'a Context<'a>,
    launch: &'a Launch<'a>,
    deadline: Instant,
    places: Places<'a>,
    /// Tells the calls of this prepare from those of others for the same job.
    nonce: String,
    adjustments: Adjustments<'a>,
    hedges: Hedges<'a>,
    attempt: usize,
    losses: u32,
    /// When tasks last yielded to this job.
    yielded_at: Option<Instant>,
}

impl<'a> Launcher<'a> {
    /// `definition` has the name or ARN of the task definition.
    pub(crate) fn new(
        aws: &'a Aws,
        context: &'a Context<'a>,
        launch: &'a Launch<'a>,
        definition: Registered,
        hedges: Hedges<'a>,
        deadline: Instant,
    ) -> Self {
        let fargate = &context.config.fargate;
        say(&format!(
            "Starting {} in cluster {} ({})",
            launch.title, fargate.cluster, fargate.region
        ));
        let strategy = launch.request.strategy.as_deref();
        let places = Places {
            subnets: &fargate.subnets,
            strategy: strategy.unwrap_or(&fargate.strategy),
            // The job's own choice has no fallback.
            fallback: match strategy {
                Some(_) => &[],
                None => &fargate.fallback_strategy,
            },
        };
        let names_none = places.strategy.is_empty() && places.fallback.is_empty();
        Self {
            aws,
            context,
            launch,
            deadline,
            places,
            nonce: random_hex::<4>(),
            adjustments: Adjustments::new(aws, context, definition, launch.composed, names_none),
            hedges,
            attempt: 0,
            losses: 0,
            yielded_at: None,
        }
    }

    /// Starts a task, trying place after place; returns the token of its start.
    ///
    /// Each call is recorded before it is made and never abandoned under way: a stop must find the task that the call
    /// may bring.
    pub(super) async fn launch(&mut self, journal: &Journal<'_>) -> Result<String> {
        let context = self.context;
        let marks = journal.marks();
        loop {
            let place = self.place(self.attempt)?;
            let token = self.token("");
            let request = self.request(place, &token, &marks);
            let answer = run_task(
                self.aws,
                context,
                &request,
                journal,
                self.hedges,
                self.adjustments.definition_may_appear(),
                self.deadline,
            )
            .await?;
            let hash = match &answer {
                Ok(RunTaskAnswer::Task(task)) => Some(self.hash(task)),
                _ => None,
            };
            journal.answered(&token, &answer, hash)?;
            if answer.is_ok() {
                self.adjustments.accepted();
            }
            match answer {
                Ok(RunTaskAnswer::Task(task)) => {
                    announce(&task, context.config.fargate.endpoint.is_none());
                    return Ok(token);
                }
                Ok(RunTaskAnswer::Nowhere(reason)) => {
                    self.hedges.refused().await;
                    self.make_room(&place, &reason).await;
                    self.move_on(&self.no_room(&place, &reason)).await?;
                }
                Err(refusal) if refusal.has_no_room() => {
                    self.hedges.refused().await;
                    self.make_room(&place, &refusal.to_string()).await;
                    self.move_on(&self.no_room(&place, &refusal.to_string()))
                        .await?;
                }
                Err(refusal) => self.adjustments.adjust(refusal, self.deadline).await?,
            }
        }
    }

    /// Goes on to the next place after the last task was lost, or ends with `failure` after too many losses.
    pub(crate) async fn move_on_after(&mut self, loss: &Loss, failure: Error) -> Result<()> {
        let place = self.place(self.attempt)?;
        let (Loss::Room(reason) | Loss::Trouble(reason)) = loss;
        self.make_room(&place, reason).await;
        match loss {
            Loss::Room(reason) => self.move_on(&self.no_room(&place, reason)).await,
            Loss::Trouble(_) if self.losses >= LOSSES => Err(failure),
            Loss::Trouble(reason) => {
                self.losses += 1;
                self.move_on(&format!(
                    "AWS could not start the task in {}: {reason}",
                    place.subnet
                ))
                .await
            }
        }
    }

    /// The hash of the start of a task, whose definition has its revision.
    fn hash(&self, task: &Task) -> String {
        let request = self.launch.request;
        StartHash {
            fargate: &self.context.config.fargate,
            definition: &task.definition,
            platform_version: request.platform_version.as_deref(),
            strategy: request.strategy.as_deref(),
            environments: self.launch.environments,
            overrides: &request.overrides,
            version: env!("CARGO_PKG_VERSION"),
        }
        .hash()
    }

    /// The client token of the call for the present place, which `role` tells from others for it.
    fn token(&self, role: &str) -> String {
        let mark = self.adjustments.mark();
        let (job, nonce) = (self.context.job.id, &self.nonce);
        format!("job-{job}-{nonce}-{}{role}{mark}", self.attempt)
    }

    fn request<'r>(
        &'r self,
        place: Placement<'r>,
        token: &'r str,
        marks: &'r Marks,
    ) -> RunTaskRequest<'r> {
        let launch = self.launch;
        RunTaskRequest {
            fargate: &self.context.config.fargate,
            definition: &self.adjustments.definition.arn,
            platform_version: launch.request.platform_version.as_deref(),
            subnet: place.subnet,
            strategy: place.strategy,
            by_launch_type: self.adjustments.by_launch_type,
            client_token: token,
            started_by: &marks.started_by,
            group: &marks.group,
            environments: launch.environments,
            changes: &launch.request.overrides,
            tags: &self.adjustments.tags,
        }
    }

    /// Whether jobs of this manager wait to call RunTask.
    pub(super) fn has_queue(&self) -> bool {
        let config = &self.context.config;
        Queue::new(&config.metadata_directory, &config.fargate.region).has_callers()
    }

    /// Asks for a second task beside the one that the last launch has started, in another subnet where there is one.
    /// Returns its start's token, and its task; nothing where AWS starts none, which harms nobody.
    ///
    /// # Errors
    ///
    /// When the record cannot be written.
    pub(super) async fn hedge(
        &self,
        journal: &Journal<'_>,
    ) -> Result<Option<(String, Box<Task>, &'a str)>> {
        let (marks, token) = (journal.marks(), self.token("-hedge"));
        let mut place = self.place(self.attempt)?;
        place.subnet = beside(self.places.subnets, place.subnet);
        let request = self.request(place, &token, &marks);
        let mut is_clear = true;
        for _ in 0..HEDGE_CALLS {
            journal.note(|record| record.intend_hedge(&token))?;
            let answer = self.aws.run_task(&request).await;
            // A call that may have worked before is not settled by a refusal.
            let answer = answer.map_err(|refusal| match is_clear {
                true => refusal,
                false => refusal.of_repetition(),
            });
            journal.answered(&token, &answer, None)?;
            match answer {
                Ok(RunTaskAnswer::Task(task)) => return Ok(Some((token, task, place.subnet))),
                Ok(RunTaskAnswer::Nowhere(reason)) => {
                    tracing::debug!("no second task: {reason}");
                    self.hedges.refused().await;
                    return Ok(None);
                }
                Err(refusal) => {
                    tracing::debug!("no second task: {refusal}");
                    if refusal.has_too_many_calls() || refusal.has_no_room() {
                        self.hedges.refused().await;
                        return Ok(None);
                    }
                    if !refusal.may_have_worked() {
                        return Ok(None);
                    }
                    is_clear = false;
                }
            }
            // A repetition may be the one that starts a task. Nobody wants it after the end.
            let rest = async {
                sleep(HEDGE_PAUSE).await;
                Ok(())
            };
            let is_late = Instant::now() + HEDGE_PAUSE >= self.deadline;
            if is_late || self.context.shutdown.or(rest).await.is_err() {
                break;
            }
            // The first is ready meanwhile. What the call before may have brought is the teardown's.
            if journal.record().has_winner() {
                break;
            }
        }
        Ok(None)
    }

    fn place(&self, attempt: usize) -> Result<Placement<'a>> {
        placement(&self.places, self.context.job.id, attempt)
            .ok_or_else(|| Error::system("[Fargate] names no subnet"))
    }

    /// Moves on to the next place, after a pause when every place was tried. The job log shows the problem.
    async fn move_on(&mut self, problem: &str) -> Result<()> {
        let context = self.context;
        let next = self.place(self.attempt + 1)?;
        let pause = if self.place(self.attempt)?.is_last {
            jitter(pause_after(&self.places, self.attempt))
        } else {
            Duration::ZERO
        };
        if Instant::now() + pause >= self.deadline {
            let bound = context.config.fargate.start_timeout;
            let left = self.deadline.saturating_duration_since(Instant::now());
            return Err(Error::system(format!(
                "could not start the job's task in {} s, and StartTimeout ({} s) is over before the next try: {problem}",
                bound.saturating_sub(left).as_secs(),
                bound.as_secs()
            ))
            .advise(
                "Run the job again later, or add subnets in other zones ([Fargate] Subnets), a \
                 FallbackCapacityProviderStrategy, or a higher Fargate vCPU quota in the account.",
            ));
        }
        let place = self.other(&self.place(self.attempt)?, &next);
        let next = match pause.is_zero() {
            true => format!("trying {place}"),
            false => format!("trying {place} in {:.0} s", pause.as_secs_f64()),
        };
        say(&format!("{problem}; {next}"));
        self.attempt += 1;
        let rest = async {
            sleep(pause).await;
            Ok(())
        };
        context.shutdown.or(rest).await
    }

    /// The parts of the `next` place that are not those of the `last` one.
    fn other(&self, last: &Placement<'_>, next: &Placement<'_>) -> String {
        let strategy = self.describe(next);
        match (next.subnet == last.subnet, next.strategy == last.strategy) {
            (true, true) => "again".to_owned(),
            (true, false) => strategy,
            (false, true) => next.subnet.to_owned(),
            (false, false) => format!("{} with {strategy}", next.subnet),
        }
    }

    fn no_room(&self, place: &Placement<'_>, reason: &str) -> String {
        format!(
            "No room for the task in {} with {}: {reason}",
            place.subnet,
            self.describe(place)
        )
    }

    fn describe(&self, place: &Placement<'_>) -> String {
        match self.adjustments.by_launch_type {
            true => "launch type FARGATE".to_owned(),
            false => describe(place.strategy),
        }
    }
}

fn announce(task: &Task, in_aws: bool) {
    let mut facts = Vec::new();
    facts.extend(
        task.container(COORDINATOR_CONTAINER)
            .and_then(|container| container.image.as_ref())
            .map(|image| format!("image {image}")),
    );
    facts.extend(task.size());
    facts.extend(task.capacity_provider.clone());
    facts.extend(task.availability_zone.clone());
    say(&format!("Task {}: {}", task.id(), facts.join(", ")));
    if let (true, Some(link)) = (in_aws, console_link(&task.arn)) {
        say(&format!("  {link}"));
    }
}
