//! `fargate manager run`: the first process of a container with GitLab Runner and this driver.
//!
//! It writes the runner's files from the environment, starts the runner, and lets it end its jobs before the container
//! goes. docs/manager.md is its contract.

mod files;
mod health;
mod jobs;
mod protection;
mod runner;
mod service;
mod settings;

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, interval_at};

pub(crate) use self::health::health;
use self::jobs::Jobs;
use self::protection::Protection;
use self::runner::Runner;
use self::service::Membership;
use self::settings::Settings;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::images;
use crate::operate::doctor::Host;
use crate::signals::Shutdown;

/// How often it looks at its service and renews the task's protection.
const LOOK: Duration = Duration::from_secs(60);

/// How often it ends the leftovers of jobs.
const REAP: Duration = Duration::from_secs(15 * 60);

/// How often it looks whether a runner that was told to end still has jobs. Two looks are less than the 120 seconds
/// after which ECS kills the container.
const LAST_LOOKS: Duration = Duration::from_secs(45);

/// A runner that was told to end, and whether the last look saw it without jobs.
///
/// Two such looks in a row are enough: it is gone between one and two times [`LAST_LOOKS`] after its last job.
#[derive(Default)]
struct Farewell {
    was_idle: bool,
}

impl Farewell {
    /// Takes what this look sees. Returns whether the runner has outstayed its last job.
    fn is_over(&mut self, has_jobs: bool) -> bool {
        std::mem::replace(&mut self.was_idle, !has_jobs) && !has_jobs
    }
}

/// Runs the manager until the runner has ended.
///
/// # Errors
///
/// Without settings; when the agent's image cannot be pushed, or the runner ends unasked.
pub(crate) async fn run(shutdown: &Shutdown) -> Result<()> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let mut signals = Signals::listen()?;
    let agent = images::agent::publish(&settings.agent_repository);
    let agent = shutdown.or(agent).await?;
    let host = Host::look(None).await;
    files::write(&settings, &agent, host.runner_version())?;
    let config = Config::load(Path::new(files::FARGATE_TOML))?;
    let mut membership = Membership::of(&settings);
    let protection = Protection::of_environment(&settings)?;
    if membership.is_over(&config).await {
        tracing::info!("this service has a newer deployment, so the runner is not started");
        return Ok(());
    }
    let mut manager = Manager {
        config: &config,
        jobs: Jobs::default(),
        membership,
        protection,
    };
    manager.protect().await;
    let runner = Runner::start()?;
    tracing::info!("gitlab-runner runs, as process {}", runner.id());
    let ended = manager.attend(runner, &mut signals, shutdown).await;
    manager.protection.lift().await;
    ended
}

/// The signals beside those of every command.
struct Signals {
    quit: Signal,
    child: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let handle = |kind| {
            signal(kind)
                .map_err(|error| Error::system(format!("could not handle signals: {error}")))
        };
        Ok(Self {
            quit: handle(SignalKind::quit())?,
            child: handle(SignalKind::child())?,
        })
    }
}

/// What the manager looks after while the runner runs.
struct Manager<'a> {
    config: &'a Config,
    jobs: Jobs,
    membership: Membership,
    protection: Protection,
}

impl Manager<'_> {
    /// Returns when the runner has ended.
    async fn attend(
        &mut self,
        mut runner: Runner,
        signals: &mut Signals,
        shutdown: &Shutdown,
    ) -> Result<()> {
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        let mut reap = interval_at(Instant::now() + REAP, REAP);
        let mut farewell: Option<Farewell> = None;
        loop {
            let is_ending = farewell.is_some();
            let reason = tokio::select! {
                status = runner.ended() => return judged(status?, is_ending),
                _ = signals.child.recv() => {
                    runner.bury_orphans();
                    continue;
                }
                _ = signals.quit.recv(), if !is_ending => "SIGQUIT",
                _ = shutdown.requested(), if !is_ending => "a signal to stop",
                _ = reap.tick() => {
                    runner::reap_leftovers();
                    continue;
                }
                _ = look.tick() => {
                    let has_jobs = self.protect().await;
                    if farewell.as_mut().is_some_and(|farewell| farewell.is_over(has_jobs)) {
                        runner.kill();
                    }
                    if is_ending || !self.membership.is_over(self.config).await {
                        continue;
                    }
                    "a newer deployment of this service"
                }
            };
            tracing::info!(
                "gitlab-runner takes no more jobs, and ends after the last one: {reason}"
            );
            runner.quit();
            farewell = Some(Farewell::default());
            look = interval_at(Instant::now() + LAST_LOOKS, LAST_LOOKS);
        }
    }

    /// Renews the task's protection. Returns whether there are jobs, or may be.
    async fn protect(&mut self) -> bool {
        let look = self.jobs.look(self.config);
        self.protection.renew(look.until).await;
        look.has_jobs
    }
}

/// The result of the whole, from the runner's exit status.
fn judged(status: std::process::ExitStatus, is_ending: bool) -> Result<()> {
    match is_ending {
        true => {
            tracing::info!("gitlab-runner has ended: {status}");
            Ok(())
        }
        false => Err(
            Error::system(format!("gitlab-runner ended by itself: {status}"))
                .advise("Its own lines above say why."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_without_jobs_has_until_the_second_look() {
        let mut farewell = Farewell::default();
        let looks = [true, false, true, false, false].map(|has_jobs| farewell.is_over(has_jobs));
        assert_eq!(looks, [false, false, false, false, true]);
    }
}
