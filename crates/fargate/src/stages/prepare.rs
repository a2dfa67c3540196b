//! `custom prepare`: starts the job's task and returns when it can take scripts.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use fargate_wire::{COORDINATOR_CONTAINER, PUBLIC_KEY_VARIABLE};
use tokio::time::Instant;

use super::ready::{Unready, until_ready};
use super::start::{Launch, Search};
use super::wanted::{Task, Wanted};
use super::{Context, register, say, services};
use crate::ecs::Aws;
use crate::error::Result;
use crate::job_image::{Composed, Environment};
use crate::manager::Process;
use crate::record::{self, Found, Record};
use crate::retire::Retirement;
use crate::runner::{debugs_services, job_timeout};
use crate::ssh::KeyPair;
use crate::sweep::{self, Sweep};

/// How long after a job's own time its task may still be there: the runner stops scripts gracefully, and runs some more.
const AFTER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

pub(super) async fn prepare(context: &Context<'_>) -> Result<()> {
    let begun = Instant::now();
    // At once: should it die now, this process is given to another one.
    let runner = Process::runner();
    let fargate = &context.config.fargate;
    for warning in &context.config.warnings {
        tracing::warn!("{warning}");
    }
    let wanted = Wanted::of(context)?;
    for line in &wanted.said {
        say(line);
    }
    let key = KeyPair::generate()?;
    let plan = Plan::of(&wanted, &key, fargate.start_timeout)?;
    let manager = context.records.manager()?;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let retirement = Retirement {
        aws: &aws,
        records: &context.records,
        manager: &manager,
        cluster: &fargate.cluster,
    };

    // Whatever an earlier attempt left: its cleanup may never have come.
    match context.records.find(&context.job)? {
        Found::Nothing => {}
        earlier => {
            say("Stopping what an earlier attempt of this job left behind");
            let why = "a new attempt of the job begins";
            context
                .stop
                .or(retirement.retire(&context.job, earlier, why))
                .await?;
        }
    }

    let deadline = begun + fargate.start_timeout;
    let prepared = async {
        let definition = match &plan.composed {
            None => plan.title.clone(),
            Some(composed) => {
                let registered =
                    register::registered(&aws, context, &composed.definition, deadline);
                context.stop.or(registered).await?
            }
        };
        let launch = Launch {
            wanted: &wanted,
            definition: &definition,
            title: &plan.title,
            composed: plan.composed.is_some(),
            environments: &plan.environments,
            manager: &manager,
            lifetime: plan.lifetime,
            runner: runner.as_ref(),
        };
        if plan.hides_output {
            say(services::NO_OUTPUT);
        }
        // From here on a record that is gone means that the job's cleanup has come.
        let record = Record::new(&context.job, fargate, plan.lifetime, runner.as_ref());
        context.records.save(&record)?;
        let mut search = Search::new(&aws, context, &launch, deadline);
        loop {
            let mut record = search.task().await?;
            record.build = plan.composed.as_ref().map(Composed::build_side);
            let waiting =
                async { Ok(until_ready(&aws, context, &record, &key, begun, deadline).await) };
            match context.stop.or(waiting).await? {
                Ok(login) => {
                    record.login = Some(login);
                    return context.records.update(&record);
                }
                Err(Unready::Lost(loss, failure)) => search.replace(&loss, failure).await?,
                Err(Unready::Failed(failure)) => return Err(failure),
            }
        }
    };
    // Others may have left something, too. There is time for that while the task starts, and no need to wait for it.
    let sweep = Sweep {
        aws: &aws,
        records: &context.records,
        fargate,
        manager: &manager,
        patience: sweep::PATIENCE,
        dry_run: false,
    };
    let prepared = tokio::select! {
        prepared = prepared => prepared,
        never = beside(&sweep, context) => match never {},
    };
    let Err(failure) = prepared else {
        return Ok(());
    };
    // The runner calls cleanup after this, but may itself be stopping: the task is not to outlive its failure.
    let (found, why) = (context.records.find(&context.job)?, failure.to_string());
    let left = tokio::select! {
        left = retirement.retire(&context.job, found, &why) => left.err(),
        insisted = context.stop.insisted() => Some(insisted),
    };
    if let Some(why) = left {
        say(&format!(
            "The task could not be stopped either ({why}); cleanup will try again."
        ));
    }
    Err(failure)
}

/// Ends what nobody else will, for as long as it is waited for something else.
async fn beside(sweep: &Sweep<'_>, context: &Context<'_>) -> Infallible {
    sweep::now_and_then(sweep, context.records.directory()).await;
    std::future::pending().await
}

/// What is to be started, decided before anything is.
struct Plan {
    /// The task definition's name, or the job's image and services.
    title: String,
    /// Nothing when the operator's task definition runs.
    composed: Option<Composed>,
    environments: Vec<Environment>,
    /// When the job is over in any case, from now on.
    lifetime: Duration,
    /// Whether somebody wants to see what the services print and cannot.
    hides_output: bool,
}

impl Plan {
    fn of(wanted: &Wanted<'_>, key: &KeyPair, start_timeout: Duration) -> Result<Self> {
        let public_key = key.public()?;
        let lifetime = start_timeout + job_timeout() + AFTER_TIMEOUT;
        let by_image = match &wanted.task {
            Task::JobImage(by_image) => by_image,
            Task::Definition(definition) => {
                return Ok(Self {
                    title: definition.to_string(),
                    composed: None,
                    lifetime,
                    hides_output: false,
                    environments: vec![Environment {
                        container: COORDINATOR_CONTAINER.to_owned(),
                        variables: BTreeMap::from([(PUBLIC_KEY_VARIABLE.to_owned(), public_key)]),
                    }],
                });
            }
        };
        let deadline = record::now() + lifetime;
        let composed = by_image.compose(&public_key, deadline.as_secs())?;
        for note in &composed.notes {
            say(note);
        }
        let labels: Vec<_> = composed
            .services
            .iter()
            .map(|service| service.label.as_str())
            .collect();
        let title = match labels.as_slice() {
            [] => composed.image.clone(),
            labels => format!("{} with {}", composed.image, labels.join(", ")),
        };
        Ok(Self {
            title,
            lifetime,
            environments: composed.environments.clone(),
            hides_output: debugs_services()
                && !labels.is_empty()
                && by_image.settings.log_group.is_none(),
            composed: Some(composed),
        })
    }
}
