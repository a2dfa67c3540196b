//! Asks AWS for the job's task until there is one: place by place, within the time there is.

use std::collections::BTreeMap;
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::time::{Instant, sleep};

use super::wanted::Wanted;
use super::{Context, say};
use crate::config::is_tag_character;
use crate::ecs::{Aws, Refusal, Request, Started};
use crate::error::{Error, Result};
use crate::job_image::Environment;
use crate::placement::{Placement, Places, describe, pause_after, placement};
use crate::record::Record;
use crate::runner::Job;
use crate::ssh::random_hex;
use crate::task::{Task, console_link};

/// How the manager's tasks are named to AWS, so that they can be listed (AWS: startedBy).
pub(super) fn started_by(manager: &str) -> String {
    format!("fargate/{manager}")
}

/// How the job's task is named to AWS, so that it can be found among the manager's (AWS: group). Needs no
/// permission of its own, as tags do.
pub(super) fn group(job: &Job) -> String {
    format!("gitlab/{}/{}", job.project_id, job.id)
}

/// How long AWS may not know a task definition that was registered a moment ago (AWS: eventual consistency).
const DEFINITION_GRACE: Duration = Duration::from_secs(30);

/// What to start.
pub(super) struct Launch<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    /// As AWS takes it.
    pub(super) definition: &'a str,
    /// What it is, for the job log.
    pub(super) title: &'a str,
    /// Whether the definition was registered for jobs like this one, maybe a moment ago.
    pub(super) composed: bool,
    pub(super) environments: &'a [Environment],
    pub(super) manager: &'a str,
}

/// Starts the task. Each call is recorded before it is made, and not given up while it is under way: a stop
/// must find the task that the call may bring.
pub(super) async fn start(
    aws: &Aws,
    context: &Context<'_>,
    launch: &Launch<'_>,
    deadline: Instant,
) -> Result<Record> {
    let (fargate, wanted) = (&context.config.fargate, launch.wanted);
    let nonce = random_hex::<4>();
    let places = Places {
        subnets: &fargate.subnets,
        strategy: wanted.strategy.as_deref().unwrap_or(&fargate.strategy),
        // What a job chose is not changed behind its back.
        fallback: match &wanted.strategy {
            Some(_) => &[],
            None => &fargate.fallback_strategy,
        },
    };
    let mut tags = tags(&context.job, &fargate.tags);
    let mut attempt = 0;
    let mut record = Record::new(&context.job, &fargate.cluster);
    say(&format!(
        "Starting {} in cluster {} ({})",
        launch.title, fargate.cluster, fargate.region
    ));
    loop {
        let place = placement(&places, context.job.id, attempt)
            .ok_or_else(|| Error::system("[Fargate] names no subnet"))?;
        let untagged = if tags.is_empty() { "-untagged" } else { "" };
        let token = format!("job-{}-{nonce}-{attempt}{untagged}", context.job.id);
        record.intend(token.clone());
        context.records.save(&record)?;
        let request = Request {
            fargate,
            definition: launch.definition,
            platform_version: wanted.platform_version.as_deref(),
            subnet: place.subnet,
            strategy: place.strategy,
            client_token: &token,
            started_by: &started_by(launch.manager),
            group: &group(&context.job),
            environments: launch.environments,
            changes: &wanted.changes,
            tags: &tags,
        };
        let answer = insist(aws, &request, launch.composed, context, deadline).await;
        if !matches!(&answer, Err(refusal) if refusal.may_have_worked()) {
            record.call = None;
        }
        if let Ok(Started::Task(task)) = &answer {
            record.task = Some(task.arn.clone());
        }
        context.records.save(&record)?;
        match answer {
            Ok(Started::Task(task)) => {
                announce(&task, fargate.endpoint.is_none());
                return Ok(record);
            }
            Ok(Started::Nowhere(reason)) => {
                next_place(context, &places, &place, attempt, &reason, deadline).await?;
                attempt += 1;
            }
            // An operator whose policy was written for GitLab's driver never allowed it.
            Err(refusal) if refusal.denies_tags() && !tags.is_empty() => {
                tracing::warn!("tasks get no tags: {refusal}");
                tags.clear();
            }
            Err(refusal) => {
                return Err(Error::from(refusal).context("could not start the job's task"));
            }
        }
    }
}

/// Makes the call, again and with the same token as long as AWS does not say yes or no.
async fn insist(
    aws: &Aws,
    request: &Request<'_>,
    composed: bool,
    context: &Context<'_>,
    deadline: Instant,
) -> Result<Started, Refusal> {
    let mut pause = Duration::from_secs(1);
    let begun = Instant::now();
    let may_pass = |refusal: &Refusal| {
        let appears = composed && refusal.knows_no_definition();
        refusal.may_pass() || (appears && begun.elapsed() < DEFINITION_GRACE)
    };
    loop {
        let answer = tokio::select! {
            answer = aws.run_task(request) => answer,
            // The intent is recorded; cleanup finds what the call may still bring.
            _ = context.stop.insisted() => return Err(Refusal::abandoned("ecs:RunTask")),
        };
        match answer {
            Err(refusal) if may_pass(&refusal) && Instant::now() + pause < deadline => {
                say(&format!("{refusal}; trying again in {} s", pause.as_secs()));
                let rest = async {
                    sleep(pause.mul_f64(jitter())).await;
                    Ok(())
                };
                if context.stop.or(rest).await.is_err() {
                    return Err(refusal);
                }
                pause = (pause * 2).min(Duration::from_secs(20));
            }
            answer => return answer,
        }
    }
}

/// Says that there was no room at `place`, and waits before the places are tried again.
async fn next_place(
    context: &Context<'_>,
    places: &Places<'_>,
    place: &Placement<'_>,
    attempt: usize,
    reason: &str,
    deadline: Instant,
) -> Result<()> {
    let fargate = &context.config.fargate;
    let here = format!(
        "no room for the task in {} with {}: {reason}",
        place.subnet,
        describe(place.strategy)
    );
    let pause = if place.is_last {
        pause_after(places, attempt).mul_f64(jitter())
    } else {
        Duration::ZERO
    };
    if Instant::now() + pause >= deadline {
        return Err(Error::system(format!(
            "could not start the job's task within {} s (StartTimeout): {here}",
            fargate.start_timeout.as_secs()
        ))
        .advise(
            "Run the job again later, or give more subnets in other zones ([Fargate] Subnets), a \
             FallbackCapacityProviderStrategy, or a higher Fargate vCPU quota in the account.",
        ));
    }
    if place.is_last {
        say(&format!(
            "{here}; trying again in {:.0} s",
            pause.as_secs_f64()
        ));
    } else {
        say(&format!("{here}; trying the next place"));
    }
    context
        .stop
        .or(async {
            sleep(pause).await;
            Ok(())
        })
        .await
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

/// A factor around 1, so that many jobs that wait for the same thing do not ask for it at once.
fn jitter() -> f64 {
    rand::random_range(0.75..1.25)
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
