//! Launches a job's task place by place until one starts or the time is up.

use std::collections::BTreeMap;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::{Instant, sleep};

use crate::aws::{Aws, RunTaskAnswer, RunTaskRequest};
use crate::backoff::jitter;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::ssh::random_hex;
use crate::start::request::TaskRequest;
use crate::start::run_task_retries::run_task;
use crate::start::tags::tags;
use crate::state::record::Record;
use crate::task::definition::ContainerEnvironment;
use crate::task::placement::{Placement, Places, describe, pause_after, placement};
use crate::task::{Loss, Task, console_link};

/// The input of a launch.
pub(crate) struct Launch<'a> {
    pub(crate) request: &'a TaskRequest<'a>,
    /// Name or ARN of the task definition.
    pub(crate) definition: &'a str,
    /// Title for the job log.
    pub(crate) title: &'a str,
    /// Whether the definition was registered for jobs like this one, maybe a moment ago.
    pub(crate) is_composed: bool,
    pub(crate) environments: &'a [ContainerEnvironment],
}

/// Most tasks that are replaced after AWS lost them by trouble of its own. Want of room is retried until the deadline.
const LOSSES: u32 = 3;

/// Launches a task place by place, and goes on from there when AWS lost it.
pub(crate) struct Launcher<'a> {
    aws: &'a Aws,
    context: &'a Context<'a>,
    launch: &'a Launch<'a>,
    deadline: Instant,
    places: Places<'a>,
    /// Tells the calls of this prepare from those of others for the same job.
    nonce: String,
    tags: BTreeMap<String, String>,
    attempt: usize,
    losses: u32,
}

impl<'a> Launcher<'a> {
    pub(crate) fn new(
        aws: &'a Aws,
        context: &'a Context<'a>,
        launch: &'a Launch<'a>,
        deadline: Instant,
    ) -> Self {
        let fargate = &context.config.fargate;
        say(&format!(
            "Starting {} in cluster {} ({})",
            launch.title, fargate.cluster, fargate.region
        ));
        Self {
            aws,
            context,
            launch,
            deadline,
            places: Places {
                subnets: &fargate.subnets,
                strategy: launch
                    .request
                    .strategy
                    .as_deref()
                    .unwrap_or(&fargate.strategy),
                // The job's own choice has no fallback.
                fallback: match &launch.request.strategy {
                    Some(_) => &[],
                    None => &fargate.fallback_strategy,
                },
            },
            nonce: random_hex::<4>(),
            tags: tags(&context.job, &fargate.tags),
            attempt: 0,
            losses: 0,
        }
    }

    /// Starts a task, trying place after place.
    ///
    /// Each call is recorded before it is made and never abandoned under way: a stop must find the task that the call
    /// may bring.
    pub(crate) async fn launch(&mut self, record: &mut Record) -> Result<()> {
        let (context, launch) = (self.context, self.launch);
        let fargate = &context.config.fargate;
        let group = record.group();
        let started_by = record.started_by().unwrap_or_default().to_owned();
        loop {
            let place = self.place(self.attempt)?;
            let untagged = if self.tags.is_empty() {
                "-untagged"
            } else {
                ""
            };
            let token = format!(
                "job-{}-{}-{}{untagged}",
                context.job.id, self.nonce, self.attempt
            );
            let request = RunTaskRequest {
                fargate,
                definition: launch.definition,
                platform_version: launch.request.platform_version.as_deref(),
                subnet: place.subnet,
                strategy: place.strategy,
                client_token: &token,
                started_by: &started_by,
                group: &group,
                environments: launch.environments,
                changes: &launch.request.overrides,
                tags: &self.tags,
            };
            let answer = run_task(
                self.aws,
                context,
                &request,
                record,
                launch.is_composed,
                self.deadline,
            )
            .await?;
            match &answer {
                Ok(RunTaskAnswer::Task(task)) => record.started(&token, &task.arn, task.memory),
                Err(refusal) if refusal.may_have_worked() => {}
                _ => record.refuse(&token),
            }
            context.records.update(record)?;
            match answer {
                Ok(RunTaskAnswer::Task(task)) => {
                    announce(&task, fargate.endpoint.is_none());
                    return Ok(());
                }
                Ok(RunTaskAnswer::Nowhere(reason)) => {
                    self.move_on(&no_room(&place, &reason)).await?;
                }
                Err(refusal) if refusal.has_no_room() => {
                    self.move_on(&no_room(&place, &refusal.to_string())).await?;
                }
                // A policy written for GitLab's driver does not allow tags.
                Err(refusal) if refusal.denies_tags() && !self.tags.is_empty() => {
                    tracing::warn!("starting tasks without tags: {refusal}");
                    self.tags.clear();
                }
                Err(refusal) => {
                    return Err(Error::from(refusal).context("could not start the job's task"));
                }
            }
        }
    }

    /// Goes on to the next place after the last task was lost, or ends with `failure` after too many losses.
    pub(crate) async fn move_on_after(&mut self, loss: &Loss, failure: Error) -> Result<()> {
        let place = self.place(self.attempt)?;
        match loss {
            Loss::Room(reason) => self.move_on(&no_room(&place, reason)).await,
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
            return Err(Error::system(format!(
                "could not start the job's task within {} s (StartTimeout): {problem}",
                context.config.fargate.start_timeout.as_secs()
            ))
            .advise(
                "Run the job again later, or add subnets in other zones ([Fargate] Subnets), a \
                 FallbackCapacityProviderStrategy, or a higher Fargate vCPU quota in the account.",
            ));
        }
        let place = format!("{} with {}", next.subnet, describe(next.strategy));
        if pause.is_zero() {
            say(&format!("{problem}; trying {place}"));
        } else {
            say(&format!(
                "{problem}; trying {place} in {:.0} s",
                pause.as_secs_f64()
            ));
        }
        self.attempt += 1;
        let rest = async {
            sleep(pause).await;
            Ok(())
        };
        context.shutdown.or(rest).await
    }
}

fn no_room(place: &Placement<'_>, reason: &str) -> String {
    format!(
        "No room for the task in {} with {}: {reason}",
        place.subnet,
        describe(place.strategy)
    )
}

fn announce(task: &Task, in_aws: bool) {
    let mut facts = Vec::new();
    facts.extend(
        task.container(COORDINATOR_CONTAINER)
            .and_then(|container| container.image.clone()),
    );
    facts.extend(task.size());
    facts.extend(task.capacity_provider.clone());
    facts.extend(task.availability_zone.clone());
    say(&format!("Task {}: {}", task.id(), facts.join(", ")));
    if let (true, Some(link)) = (in_aws, console_link(&task.arn)) {
        say(&format!("  {link}"));
    }
}
