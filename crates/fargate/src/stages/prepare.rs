//! `custom prepare`: starts the job's task and returns when it can take scripts.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::service_log::NO_OUTPUT;
use crate::aws::Aws;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::ssh::KeyPair;
use crate::start::claim::Claimant;
use crate::start::follow;
use crate::start::launch::{Launch, Launcher};
use crate::start::plan::StartPlan;
use crate::start::race::{LOSER, Race};
use crate::start::register::{self, Registered};
use crate::start::request::TaskRequest;
use crate::state::ending::Ending;
use crate::state::hedges::Hedges;
use crate::state::identity::Identity;
use crate::state::ledger::Entry;
use crate::state::liveness::RunnerProcess;
use crate::state::outcome::Outcome;
use crate::state::record::Record;
use crate::state::records::Found;
use crate::state::sweep_log::SweepLog;
use crate::task::definition::ComposedTask;
use crate::teardown::sweep::{self, Sweep};
use crate::teardown::{self, Teardown};

/// How long a prepare that has failed repeats a call that stops its task, and how long all of that may take: cleanup
/// comes at once, and has more patience. A call of RunTask that was not answered may bring a task for 15 s.
const LAST_CALLS: Duration = Duration::from_secs(10);
const LAST_LOOK: Duration = Duration::from_secs(30);

pub(super) async fn prepare(context: &Context<'_>) -> Result<()> {
    let is_recorded = Cell::new(false);
    let prepared = attempt(context, &is_recorded).await;
    if let (Err(failure), false) = (&prepared, is_recorded.get()) {
        // No teardown finds anything of this attempt.
        let entry = Entry::unrecorded(&context.job, Outcome::of(failure));
        context.records.enter(&entry);
    }
    prepared
}

/// Prepares the job, and notes whether it got a record.
async fn attempt(context: &Context<'_>, is_recorded: &Cell<bool>) -> Result<()> {
    let begun = Instant::now();
    // At once: if the runner dies now, this process gets another parent.
    let runner = RunnerProcess::runner();
    match &runner {
        Some(runner) => tracing::debug!("this job's GitLab Runner is {runner}"),
        None => tracing::debug!("this job's GitLab Runner cannot be seen"),
    }
    let fargate = &context.config.fargate;
    for warning in context
        .config
        .warnings
        .iter()
        .chain(&context.records.warning())
    {
        tracing::warn!("{warning}");
    }
    let request = TaskRequest::new(context)?;
    for line in &request.notes {
        say(line);
    }
    let key = KeyPair::generate()?;
    let plan = StartPlan::new(&request, &key, fargate.start_timeout)?;
    let identity = context.identity()?;
    let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
    let preparation = Preparation {
        context,
        begun,
        is_recorded,
        runner,
        request: &request,
        plan: &plan,
        key: &key,
        identity: &identity,
        aws: &aws,
    };

    preparation.end_earlier().await?;
    let prepared = tokio::select! {
        prepared = preparation.start() => prepared,
        never = preparation.sweep() => match never {},
    };
    if let Err(failure) = &prepared {
        preparation.give_up(failure).await;
    }
    prepared
}

/// The parts that preparing a job takes.
struct Preparation<'a> {
    context: &'a Context<'a>,
    begun: Instant,
    /// Whether it has a record.
    is_recorded: &'a Cell<bool>,
    /// The GitLab Runner that the job belongs to.
    runner: Option<RunnerProcess>,
    request: &'a TaskRequest<'a>,
    plan: &'a StartPlan,
    key: &'a KeyPair,
    identity: &'a Identity,
    aws: &'a Aws,
}

impl Preparation<'_> {
    /// Stops the tasks of an earlier attempt: its cleanup may never have come.
    async fn end_earlier(&self) -> Result<()> {
        let context = self.context;
        match context.records.find(&context.job)? {
            Found::Nothing => {
                tracing::debug!("no earlier attempt of this job has a record");
                Ok(())
            }
            earlier => {
                say("Stopping what an earlier attempt of this job left behind");
                let why = Ending::Abandoned("a new attempt of the job begins");
                let ending = self.teardown(teardown::PATIENCE);
                let ending = ending.end(&context.job, earlier, &why);
                context.shutdown.or(ending).await.map(drop)
            }
        }
    }

    /// Starts tasks until one takes scripts; records the login.
    async fn start(&self) -> Result<()> {
        let (context, plan, aws) = (self.context, self.plan, self.aws);
        let fargate = &context.config.fargate;
        let deadline = self.begun + fargate.start_timeout;
        if plan.hides_output {
            say(NO_OUTPUT);
        }
        let runner = self.runner.as_ref();
        let mut record = Record::new(&context.job, fargate, self.identity, plan.lifetime, runner);
        record.build = plan.composed.as_ref().map(ComposedTask::job_container);
        follow::note(context, self.request, plan);
        let claimant = Claimant::find(context, self.request, plan, &mut record);
        // From here on, a missing record means that the job's cleanup has come.
        context.records.save(&record)?;
        self.is_recorded.set(true);
        let _running = context.records.prepares(&context.job);
        if let Some(claimant) = claimant
            && claimant
                .claim(&mut record, &self.teardown(LAST_CALLS))
                .await?
        {
            return Ok(());
        }
        let definition = match &plan.composed {
            None => Registered::by_operator(&plan.title),
            Some(composed) => {
                let registering =
                    register::registered(aws, context, &composed.definition, None, deadline);
                context.shutdown.or(registering).await?
            }
        };
        let launch = Launch {
            request: self.request,
            title: &plan.title,
            composed: plan.composed.as_ref().map(|composed| &composed.definition),
            environments: &plan.environments,
        };
        let hedge_after = self.request.hedge_after;
        // Starts and refusals of a job without a second task count for the others.
        let hedges = Hedges::new(context.records.directory(), fargate.hedge_after.is_on());
        let mut launcher = Launcher::new(aws, context, &launch, definition, hedges, deadline);
        let race = Race {
            aws,
            context,
            key: self.key,
            teardown: self.teardown(LOSER),
            hedge_after,
            hedges,
            begun: self.begun,
            deadline,
        };
        race.run(&mut launcher, record).await
    }

    /// Ends the leftovers of other jobs while this is polled. The task's start leaves time for it, and nothing waits
    /// for it.
    async fn sweep(&self) -> Infallible {
        let records = &self.context.records;
        let log = SweepLog::of(records.directory());
        let sweep = Sweep {
            aws: self.aws,
            records,
            fargate: &self.context.config.fargate,
            identity: self.identity,
            patience: sweep::PATIENCE,
            most_kept: self.context.config.fargate.keep_failed.tasks,
            dry_run: false,
            log: Some(&log),
        };
        sweep::now_and_then(&sweep, records.directory(), self.runner.as_ref()).await;
        std::future::pending().await
    }

    /// Stops the task after a failure. The runner calls cleanup after this, but may itself be stopping: the task
    /// must not outlive its failure.
    async fn give_up(&self, failure: &Error) {
        let context = self.context;
        let found = match context.records.find(&context.job) {
            // The runner gave up on this process, and has begun another.
            Ok(Found::Record(record)) if !record.is_ours() => return,
            Ok(found) => found,
            // The failure itself says more.
            Err(unread) => return not_stopped(&unread),
        };
        let (teardown, ending) = (self.teardown(LAST_CALLS), Ending::Prepare(failure));
        let stopping = timeout(LAST_LOOK, teardown.end(&context.job, found, &ending));
        let unanswered =
            || Error::system(format!("no answer from AWS in {} s", LAST_LOOK.as_secs()));
        let left = tokio::select! {
            left = stopping => left.unwrap_or_else(|_| Err(unanswered())).err(),
            insisted = context.shutdown.insisted() => Some(insisted),
        };
        if let Some(why) = left {
            not_stopped(&why);
        }
    }

    fn teardown(&self, patience: Duration) -> Teardown<'_> {
        Teardown {
            aws: self.aws,
            records: &self.context.records,
            identity: self.identity,
            cluster: &self.context.config.fargate.cluster,
            patience,
        }
    }
}

/// Says that the task of a failed prepare may still run.
fn not_stopped(why: &Error) {
    say(&format!(
        "The task could not be stopped either ({why}); cleanup will try again."
    ));
}
