//! `fargate manager run`: the first process of a container with GitLab Runner and this driver.
//!
//! It writes the runner's files from the environment, starts the runner, and lets it end its jobs before the container
//! goes. docs/manager.md is its contract.

mod files;
mod health;
mod protection;
mod runner;
mod service;
mod settings;

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, interval_at};

pub(crate) use self::health::health;
use self::protection::{Protection, latest_end};
use self::runner::Runner;
use self::service::Membership;
use self::settings::Settings;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::images;
use crate::operate::doctor::Host;
use crate::signals::Shutdown;
use crate::state::records::Records;

/// How often it looks at its service and renews the task's protection.
const LOOK: Duration = Duration::from_secs(60);

/// How often it ends the leftovers of jobs.
const REAP: Duration = Duration::from_secs(15 * 60);

/// The runner has this long after its last job, once it was told to end.
const LAST_WORDS: Duration = Duration::from_secs(120);

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
    let membership = Membership::find(&settings).await;
    let protection = Protection::of_environment()?;
    if membership.is_over(&config).await {
        tracing::info!("this service has a newer deployment, so the runner is not started");
        return Ok(());
    }
    let manager = Manager {
        config: &config,
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
    membership: Membership,
    protection: Protection,
}

impl Manager<'_> {
    /// Returns when the runner has ended.
    async fn attend(
        &self,
        mut runner: Runner,
        signals: &mut Signals,
        shutdown: &Shutdown,
    ) -> Result<()> {
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        let mut reap = interval_at(Instant::now() + REAP, REAP);
        // The moment at which the runner was told to end, or had its last job after that.
        let mut idle_since: Option<Instant> = None;
        loop {
            let is_ending = idle_since.is_some();
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
                    idle_since = idle_since.map(|since| if has_jobs { Instant::now() } else { since });
                    if idle_since.is_some_and(|since| since.elapsed() > LAST_WORDS) {
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
            idle_since = Some(Instant::now());
        }
    }

    /// Renews the task's protection. Returns whether there are jobs.
    async fn protect(&self) -> bool {
        let config = self.config;
        let entries = Records::open(&config.metadata_directory, config.ledger_months)
            .and_then(|records| records.all());
        let entries = entries.unwrap_or_else(|error| {
            tracing::warn!("the records of jobs cannot be read: {error}");
            Vec::new()
        });
        let ends = entries.iter().map(|entry| {
            let record = entry.record.as_ref().ok()?;
            record.over_at
        });
        self.protection.renew(latest_end(ends)).await;
        !entries.is_empty()
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
