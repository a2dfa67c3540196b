//! `--start`: a real job through the driver's own stages, and what it shows of AWS.
//!
//! Doctor plays GitLab Runner: it calls the stages of this very program as child processes. So the job takes the same
//! way as any other, is in the records and the ledger, and a doctor that is killed is a runner that is gone: the next
//! sweep ends its task.

mod claims;
mod observed;
mod scripts;
mod stage_calls;
mod watch;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::observed::{Observed, Outcome};
use self::stage_calls::StageCalls;
use self::watch::Watch;
use super::catalog::START_TASK;
use super::check::Check;
use super::facts::Facts;
use crate::aws::Aws;
use crate::config::Config;
use crate::signals::Shutdown;

/// Bound of a script, and of cleanup.
const SCRIPT: Duration = Duration::from_secs(60);

/// What prepare may take beyond `StartTimeout`.
const BEYOND_START: Duration = Duration::from_secs(60);

/// Runs the job, and judges what it showed. A signal ends the job's stages, and cleanup follows all the same.
pub(super) async fn start(facts: &Facts, shutdown: &Shutdown) -> Vec<Check> {
    let config = match &facts.configuration.whole {
        Ok(config) => config,
        Err(_) => return vec![START_TASK.skip("the configuration cannot be used")],
    };
    // The only category that takes longer than a breath.
    if std::io::stderr().is_terminal() {
        let patience =
            "\nRunning a job in a real task, which takes a minute or two; Ctrl-C ends it …\n\n";
        let _nobody_listens = std::io::stderr().write_all(patience.as_bytes());
    }
    match observe(config, &facts.configuration.file, shutdown).await {
        Ok(observed) => claims::judge(&observed),
        Err(error) => vec![START_TASK.fail(
            format!("could not play GitLab Runner: {error}"),
            "Let this user write to the folder of temporary files.",
        )],
    }
}

async fn observe(config: &Config, file: &Path, shutdown: &Shutdown) -> std::io::Result<Observed> {
    // Above the ids of GitLab's jobs, and different each time.
    let id = SystemTime::now().duration_since(UNIX_EPOCH);
    let id = id.map_or(0, |since| since.as_millis()) as u64;
    let calls = StageCalls::new(config, file, id, shutdown)?;
    let aws = Aws::connect(&config.fargate.region, config.fargate.endpoint.as_deref()).await;
    let mut observed = Observed {
        is_job_image: matches!(config.mode, crate::config::Mode::JobImage(_)),
        ..Observed::default()
    };
    let begun = Instant::now();
    let mut watch = Watch::new(config, &aws, id);
    let prepare = async {
        calls.call("config", &[], SCRIPT).await;
        calls
            .call("prepare", &[], config.fargate.start_timeout + BEYOND_START)
            .await
    };
    observed.prepare = watch.beside(prepare).await;
    observed.took = begun.elapsed();
    if observed.prepare.is_success {
        for (stage, script) in scripts::SCRIPTS {
            let outcome = calls.script(stage, script, SCRIPT).await?;
            let is_success = outcome.is_success;
            scripts::read(&outcome, &mut observed);
            observed.scripts.push((stage, outcome));
            if !is_success {
                break;
            }
        }
    }
    // Before cleanup, for a task that stops may lose its tags.
    watch.look(&mut observed).await;
    observed.cleanup = calls.call("cleanup", &[], SCRIPT).await;
    if !is_over(shutdown).await {
        watch.until_stopped(&mut observed).await;
    }
    Ok(observed)
}

/// Whether a signal came.
async fn is_over(shutdown: &Shutdown) -> bool {
    tokio::select! {
        biased;
        _signal = shutdown.requested() => true,
        () = std::future::ready(()) => false,
    }
}

/// An outcome without a call.
impl Default for Outcome {
    fn default() -> Self {
        Self {
            is_success: false,
            text: String::new(),
        }
    }
}
