//! A job's start: one task, a second one beside it when that lags, and another one for each that AWS loses. The first
//! that takes scripts wins, and the other is stopped at once.

#[cfg(test)]
mod model;

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::hedge::lagging;
use super::journal::Journal;
use super::launch::Launcher;
use crate::aws::Aws;
use crate::config::HedgeAfter;
use crate::connect::progress::{Progress, Sight};
use crate::connect::start::{ReadyTask, until_ready};
use crate::connect::start_failure::StartFailure;
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::output::say;
use crate::ssh::KeyPair;
use crate::state::hedges::Hedges;
use crate::state::record::Record;
use crate::task::{Loss, Task};
use crate::teardown::Teardown;

/// How long prepare waits for AWS to accept the stop of the task that lost, and for the answer to a call under way
/// that may bring it. Cleanup and sweeps stop it otherwise.
pub(crate) const LOSER: Duration = Duration::from_secs(1);

/// The parts that a race takes.
pub(crate) struct Race<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) context: &'a Context<'a>,
    /// The job's key, which all of its tasks take.
    pub(crate) key: &'a KeyPair,
    pub(crate) teardown: Teardown<'a>,
    /// When a second task is asked for.
    pub(crate) hedge_after: HedgeAfter,
    pub(crate) hedges: Hedges<'a>,
    /// When the job's preparation began, and when its time is over.
    pub(crate) begun: Instant,
    pub(crate) deadline: Instant,
}

/// A start that has a task which takes scripts.
struct Winner {
    token: String,
    ready: ReadyTask,
}

/// How far the second task of a race is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    /// There is no reason for one yet.
    Idle,
    /// Its RunTask is under way.
    Asked,
    /// It starts.
    Starts,
}

/// Whether a heat is over with this failure of its first task. Otherwise it goes on with the second.
fn is_over(failure: &StartFailure, second: Second) -> bool {
    match failure {
        // Its call is answered first: a stop must find the task that it brings.
        StartFailure::Failed(_) if failure.is_stop() => second != Second::Asked,
        StartFailure::Failed(error) => error.blame() == Blame::Job || second == Second::Idle,
        StartFailure::Lost(..) => second == Second::Idle,
    }
}

impl Race<'_> {
    /// Starts tasks until one takes scripts, notes how, and stops those that are behind.
    ///
    /// # Errors
    ///
    /// With the reason why none does.
    pub(crate) async fn run(&self, launcher: &mut Launcher<'_>, record: Record) -> Result<()> {
        let journal = Journal::new(&self.context.records, record);
        self.hedges.started().await;
        loop {
            let first = launcher.launch(&journal).await?;
            match self.heat(launcher, &journal, &first).await {
                Ok(()) => return self.stop_lost(&journal).await,
                Err(StartFailure::Lost(loss, failure, _)) => {
                    launcher.move_on_after(&loss, failure).await?;
                }
                Err(StartFailure::Failed(failure)) => return Err(failure),
            }
        }
    }

    /// Waits until the `first` task is ready, or a second one that is started meanwhile, and notes which. With both
    /// gone the failure is that of the first.
    async fn heat(
        &self,
        launcher: &Launcher<'_>,
        journal: &Journal<'_>,
        first: &str,
    ) -> Result<(), StartFailure> {
        let (sights, seen) = watch::channel(None);
        let state = Cell::new(Second::Idle);
        let mut leader = pin!(self.ready(journal, first, Progress::of_task(sights)));
        let mut second = pin!(self.second(launcher, journal, seen, &state));
        let led = tokio::select! {
            led = &mut leader => led,
            seconded = &mut second => match seconded? {
                Some(winner) => return Ok(self.win(journal, winner)?),
                None => {
                    state.set(Second::Idle);
                    leader.await
                }
            },
        };
        let failure = match led {
            Ok(winner) => {
                self.win(journal, winner)?;
                if state.get() == Second::Asked {
                    // AWS mostly answers at once. What it starts is stopped like any other.
                    timeout(LOSER, second).await.unwrap_or(Ok(None))?;
                }
                return Ok(());
            }
            Err(failure) => failure,
        };
        if let StartFailure::Lost(loss, _, task) = &failure {
            self.lose(journal, loss, task).await?;
        }
        if is_over(&failure, state.get()) {
            return Err(failure);
        }
        // The first takes no scripts. It must not run for as long as the second starts.
        journal.note(|record| record.give_up(first))?;
        let going_on = async { tokio::join!(self.stop_lost(journal), second) };
        let seconded = tokio::select! {
            (stopped, seconded) = going_on => stopped.and(seconded)?,
            _ = self.context.shutdown.insisted() => None,
        };
        match seconded {
            Some(winner) => Ok(self.win(journal, winner)?),
            None => Err(failure),
        }
    }

    /// Starts a second task when the first lags, and waits until it is ready. Nothing where it is not to be had: the
    /// first goes on alone.
    async fn second(
        &self,
        launcher: &Launcher<'_>,
        journal: &Journal<'_>,
        sights: watch::Receiver<Option<Sight>>,
        state: &Cell<Second>,
    ) -> Result<Option<Winner>> {
        let directory = self.context.records.directory();
        let reason = lagging(self.hedge_after, directory, sights).await;
        // Nor before others that wait for their only one.
        if launcher.has_queue() || !self.hedges.take().await {
            tracing::debug!("no second task, though {reason}");
            return Ok(None);
        }
        state.set(Second::Asked);
        let Some((token, task, subnet)) = launcher.hedge(journal).await? else {
            return Ok(None);
        };
        if journal.record().has_winner() {
            return Ok(None);
        }
        state.set(Second::Starts);
        let id = task.id();
        say(&format!(
            "The task lags, {reason}: a second one starts in {subnet}, {id}"
        ));
        match self
            .ready(journal, &token, Progress::of_second_task())
            .await
        {
            Ok(winner) => return Ok(Some(winner)),
            Err(StartFailure::Lost(loss, failure, task)) => {
                tracing::debug!("the second task is lost: {failure}");
                self.lose(journal, &loss, &task).await?;
            }
            Err(StartFailure::Failed(failure)) => {
                tracing::debug!("the second task takes no scripts: {failure}");
                journal.note(|record| record.give_up(&token))?;
                self.stop_lost(journal).await?;
            }
        }
        Ok(None)
    }

    /// Waits until the task of the start with this token takes scripts.
    async fn ready(
        &self,
        journal: &Journal<'_>,
        token: &str,
        progress: Progress,
    ) -> Result<Winner, StartFailure> {
        let Self {
            aws, context, key, ..
        } = self;
        let record = journal.record().of_start(token);
        let waiting = until_ready(
            aws,
            context,
            &record,
            key,
            self.begun,
            self.deadline,
            progress,
        );
        let ready = waiting.await?;
        Ok(Winner {
            token: token.to_owned(),
            ready,
        })
    }

    /// Notes how the winner is reached, and that it left the others behind.
    fn win(&self, journal: &Journal<'_>, winner: Winner) -> Result<()> {
        let Winner { token, ready } = winner;
        tracing::debug!("the job's task takes scripts, at {:?}", ready.login);
        journal.note(|record| {
            record.began = ready.job_container.is_some();
            record.leave_behind_all_but(&token);
            record.win(ready.login, ready.seen.as_deref());
        })
    }

    /// Notes that AWS lost a task. Where it had no room, it has none for second tasks either.
    async fn lose(&self, journal: &Journal<'_>, loss: &Loss, task: &Task) -> Result<()> {
        journal.note(|record| record.lose(task))?;
        if let Loss::Room(_) = loss {
            self.hedges.refused().await;
        }
        Ok(())
    }

    /// Stops the tasks of starts that have lost, for a moment: the job's own waits. A call that AWS throttles is
    /// repeated as long.
    async fn stop_lost(&self, journal: &Journal<'_>) -> Result<(), Error> {
        let record = journal.record();
        if record.lost().next().is_none() {
            return Ok(());
        }
        let stopped = self.teardown.stop_lost(&record, LOSER).await;
        journal.note(|record| {
            for task in stopped {
                record.stopped(&task.arn, task.accepted, task.facts);
            }
        })
    }
}
