//! Asks AWS for the job's task until there is one: place by place, within the time there is.

use std::collections::BTreeMap;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::{Instant, sleep};

use crate::aws::{Aws, AwsError, RunTaskAnswer, RunTaskRequest};
use crate::backoff::{Backoff, jitter};
use crate::config::is_tag_character;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gitlab::Job;
use crate::output::say;
use crate::ssh::random_hex;
use crate::start::queue::Queue;
use crate::start::request::TaskRequest;
use crate::state::record::Record;
use crate::task::definition::ContainerEnvironment;
use crate::task::placement::{Placement, Places, describe, pause_after, placement};
use crate::task::{Loss, Task, console_link};

/// Pauses between repetitions of a call whose trouble may pass.
const REPETITIONS: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20));

/// How long AWS may not know a task definition that was registered a moment ago (AWS: eventual consistency).
const DEFINITION_GRACE: Duration = Duration::from_secs(30);

/// What to start.
pub(crate) struct Launch<'a> {
    pub(crate) request: &'a TaskRequest<'a>,
    /// As AWS takes it.
    pub(crate) definition: &'a str,
    /// What it is, for the job log.
    pub(crate) title: &'a str,
    /// Whether the definition was registered for jobs like this one, maybe a moment ago.
    pub(crate) composed: bool,
    pub(crate) environments: &'a [ContainerEnvironment],
}

/// How many tasks that AWS lost by some trouble of its own are replaced. For want of room it is tried until the deadline.
const LOSSES: u32 = 3;

/// The search for a task that runs: place by place, and on from there when a task was lost.
pub(crate) struct Search<'a> {
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

impl<'a> Search<'a> {
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
                // What a job chose is not changed behind its back.
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

    /// Asks for a task until there is one. Each call is recorded before it is made, and not given up while it is under
    /// way: a stop must find the task that the call may bring.
    pub(crate) async fn task(&mut self, record: &mut Record) -> Result<()> {
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
            let answer = self.insist(&request, record).await?;
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
                    self.elsewhere(&no_room(&place, &reason)).await?;
                }
                Err(refusal) if refusal.has_no_room() => {
                    self.elsewhere(&no_room(&place, &refusal.to_string()))
                        .await?;
                }
                // An operator whose policy was written for GitLab's driver never allowed it.
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

    /// Goes on after the last task was lost; `failure` is the error to end with when that was once too often.
    pub(crate) async fn replace(&mut self, loss: &Loss, failure: Error) -> Result<()> {
        let place = self.place(self.attempt)?;
        match loss {
            Loss::Room(reason) => self.elsewhere(&no_room(&place, reason)).await,
            Loss::Trouble(_) if self.losses >= LOSSES => Err(failure),
            Loss::Trouble(reason) => {
                self.losses += 1;
                self.elsewhere(&format!(
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

    /// Makes the call, again and with the same token as long as AWS does not say yes or no.
    async fn insist(
        &self,
        request: &RunTaskRequest<'_>,
        record: &mut Record,
    ) -> Result<Result<RunTaskAnswer, AwsError>> {
        let context = self.context;
        let mut queue = Queue::new(&context.config.metadata_directory, &request.fargate.region);
        // When the queue is longer than there is time, AWS's answer is worth more than a place.
        let half = self.deadline.saturating_duration_since(Instant::now()) / 2;
        let mut rest = queue.enter().await.min(half);
        let mut backoff = REPETITIONS;
        let mut repeats = false;
        let begun = Instant::now();
        let may_pass = |refusal: &AwsError| {
            let appears = self.launch.composed && refusal.knows_no_definition();
            refusal.may_pass() || (appears && begun.elapsed() < DEFINITION_GRACE)
        };
        loop {
            let rested = async {
                sleep(rest).await;
                Ok(())
            };
            context.shutdown.or(rested).await?;
            record.intend(request.client_token);
            context.records.update(record)?;
            let answer = tokio::select! {
                answer = self.aws.run_task(request) => answer,
                // The intent is recorded; cleanup finds what the call may still bring.
                _ = context.shutdown.insisted() => return Ok(Err(AwsError::abandoned("ecs:RunTask"))),
            };
            let refusal = match answer {
                Err(refusal) if repeats => refusal.of_repetition(),
                Err(refusal) => refusal,
                answer => return Ok(answer),
            };
            repeats |= refusal.may_have_worked();
            if !repeats {
                // From here on no task needs to be looked for.
                record.refuse(request.client_token);
                context.records.update(record)?;
            }
            if refusal.is_throttled() {
                rest = queue.refused().await;
            } else if may_pass(&refusal) {
                rest = backoff.pause();
            } else {
                return Ok(Err(refusal));
            }
            if Instant::now() + rest >= self.deadline {
                return Ok(Err(refusal));
            }
            say(&format!(
                "{refusal}; trying again in {:.1} s",
                rest.as_secs_f64()
            ));
        }
    }

    /// Says what went wrong and where it is tried next, and waits before the places are tried again.
    async fn elsewhere(&mut self, what: &str) -> Result<()> {
        let context = self.context;
        let next = self.place(self.attempt + 1)?;
        let pause = if self.place(self.attempt)?.is_last {
            jitter(pause_after(&self.places, self.attempt))
        } else {
            Duration::ZERO
        };
        if Instant::now() + pause >= self.deadline {
            return Err(Error::system(format!(
                "could not start the job's task within {} s (StartTimeout): {what}",
                context.config.fargate.start_timeout.as_secs()
            ))
            .advise(
                "Run the job again later, or add subnets in other zones ([Fargate] Subnets), a \
                 FallbackCapacityProviderStrategy, or a higher Fargate vCPU quota in the account.",
            ));
        }
        let place = format!("{} with {}", next.subnet, describe(next.strategy));
        if pause.is_zero() {
            say(&format!("{what}; trying {place}"));
        } else {
            say(&format!(
                "{what}; trying {place} in {:.0} s",
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

/// The job's own tags, and the operator's over them.
fn tags(job: &Job, configured: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([
        ("gitlab:job-id".to_owned(), job.id.to_string()),
        ("gitlab:runner".to_owned(), job.runner.clone()),
    ]);
    let facts = [
        ("gitlab:project-id", number(job.project_id)),
        ("gitlab:pipeline-id", number(job.pipeline_id)),
        ("gitlab:project", job.project.clone()),
        ("gitlab:job-name", job.name.clone()),
    ];
    tags.extend(
        facts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), tag_value(&value))),
    );
    tags.extend(configured.clone());
    tags
}

fn number(id: u64) -> String {
    if id == 0 {
        String::new()
    } else {
        id.to_string()
    }
}

/// The value in AWS's alphabet and length.
fn tag_value(value: &str) -> String {
    let allowed = |character| {
        if is_tag_character(character) {
            character
        } else {
            '_'
        }
    };
    value.chars().map(allowed).take(256).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_aws_takes_and_the_operators_win() {
        let job = Job {
            id: 7,
            project_id: 3,
            pipeline_id: 0,
            project: "acme/shop".into(),
            name: "unit tests, [a] #1*".into(),
            runner: "t1_abc".into(),
        };
        let tags = tags(
            &job,
            &BTreeMap::from([
                ("gitlab:runner".into(), "mine".into()),
                ("team".into(), "x".into()),
            ]),
        );
        let tags: Vec<_> = tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            tags,
            [
                "gitlab:job-id=7",
                "gitlab:job-name=unit tests_ _a_ _1_",
                "gitlab:project=acme/shop",
                "gitlab:project-id=3",
                "gitlab:runner=mine",
                "team=x",
            ]
        );
    }
}
