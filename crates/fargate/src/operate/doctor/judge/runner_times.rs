//! The time limits of GitLab Runner against those of the driver.

use std::time::Duration;

use super::super::catalog::{
    RUNNER_CLEANUP_TIMEOUT, RUNNER_KILL, RUNNER_SHUTDOWN, RUNNER_START_TIMEOUT,
};
use super::super::check::Check;
use super::super::facts::{Facts, RunnerConfig, RunnerEntry};
use super::configuration::or_pass;

/// Defaults of GitLab Runner 19.4, in seconds (executors/custom/config.go; common/config.go). Values up to 0 mean them.
const EXEC_TIMEOUT: i64 = 3600;
const SHUTDOWN_TIMEOUT: i64 = 30;
const GRACEFUL: i64 = 600;
const FORCE: i64 = 10;

/// Least time for a cleanup: it repeats its calls of AWS while they fail.
const CLEANUP: i64 = 60;

/// Least time in which a stopped runner can end its jobs' tasks.
const SHUTDOWN: i64 = 60;

/// Judges the runner's limits for starts, cleanups and its own end.
pub(super) fn times(config: &RunnerConfig, ours: &[&RunnerEntry], facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    match &facts.configuration.whole {
        Ok(config) => {
            let bound = config.fargate.start_timeout;
            let short = ours.iter().filter_map(|entry| start(entry, bound));
            let pass = || RUNNER_START_TIMEOUT.pass(format!("above StartTimeout, {}", told(bound)));
            checks.extend(or_pass(short.collect(), pass));
        }
        Err(_) => checks.push(RUNNER_START_TIMEOUT.skip("StartTimeout cannot be read")),
    }
    let short = ours.iter().filter_map(|entry| cleanup(entry));
    checks.extend(or_pass(short.collect(), || {
        RUNNER_CLEANUP_TIMEOUT.pass("enough")
    }));
    checks.push(shutdown(config));
    let long = ours.iter().filter_map(|entry| kill(entry, config));
    checks.extend(or_pass(long.collect(), || RUNNER_KILL.pass("fits")));
    checks
}

fn start(entry: &RunnerEntry, bound: Duration) -> Option<Check> {
    let seconds = set(entry.custom.prepare_exec_timeout).unwrap_or(EXEC_TIMEOUT);
    let call = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let all = entry.prepare_timeout.as_deref();
    let all = all.and_then(|text| humantime::parse_duration(text).ok());
    let all = all.filter(|all| !all.is_zero());
    let (key, limit, place) = match all {
        Some(all) if all < call => ("prepare_timeout", all, "[[runners]]"),
        _ => ("prepare_exec_timeout", call, "[runners.custom]"),
    };
    (limit < bound).then(|| {
        let name = &entry.name;
        let value = match key {
            "prepare_timeout" => format!("\"{}\"", told(bound + Duration::from_secs(60))),
            _ => (bound.as_secs() + 60).to_string(),
        };
        RUNNER_START_TIMEOUT.fail(
            format!(
                "{name}: {key} is {}, and StartTimeout is {}: the runner ends slow starts first",
                told(limit),
                told(bound)
            ),
            format!(
                "Raise it in {place} of {name}, or lower StartTimeout in [Fargate]:\n$ {key} = {value}"
            ),
        )
    })
}

fn cleanup(entry: &RunnerEntry) -> Option<Check> {
    let seconds = set(entry.custom.cleanup_exec_timeout).filter(|seconds| *seconds < CLEANUP)?;
    let name = &entry.name;
    Some(RUNNER_CLEANUP_TIMEOUT.fail(
        format!(
            "{name}: cleanup_exec_timeout is {seconds} s; a cleanup that AWS throttles needs longer"
        ),
        format!(
            "Raise it in [runners.custom] of {name}, or remove it:\n$ cleanup_exec_timeout = 300"
        ),
    ))
}

/// A runner that is told to stop by SIGTERM ends its jobs' scripts, and then itself, with or without their cleanups.
fn shutdown(config: &RunnerConfig) -> Check {
    let seconds = set(config.shutdown_timeout).unwrap_or(SHUTDOWN_TIMEOUT);
    let found = format!("shutdown_timeout is {seconds} s");
    match seconds >= SHUTDOWN {
        true => RUNNER_SHUTDOWN.pass(found),
        false => RUNNER_SHUTDOWN.warn(
            format!("{found}: tasks may outlive a runner that is stopped by SIGTERM"),
            "Raise it at the top of config.toml, and let systemd stop the service by KillSignal=SIGQUIT and \
             KillMode=mixed:\n\
             $ shutdown_timeout = 120",
        ),
    }
}

/// A runner that is stopped waits for the calls of its jobs, and cleans up only afterwards. The driver's calls end in
/// seconds, so the long defaults do no harm by themselves.
fn kill(entry: &RunnerEntry, config: &RunnerConfig) -> Option<Check> {
    let custom = &entry.custom;
    let (graceful, force) = (
        set(custom.graceful_kill_timeout),
        set(custom.force_kill_timeout),
    );
    graceful.or(force)?;
    let (graceful, force) = (graceful.unwrap_or(GRACEFUL), force.unwrap_or(FORCE));
    let sum = graceful.saturating_add(force);
    let shutdown = set(config.shutdown_timeout).unwrap_or(SHUTDOWN_TIMEOUT);
    let name = &entry.name;
    (sum > shutdown).then(|| {
        RUNNER_KILL.warn(
            format!(
                "{name}: graceful_kill_timeout is {graceful} s and force_kill_timeout {force} s, together more than \
                 shutdown_timeout, {shutdown} s: a runner that is stopped may leave before its cleanups"
            ),
            format!(
                "Raise shutdown_timeout at the top of config.toml, or lower them in [runners.custom] of {name}:\n\
                 $ shutdown_timeout = {}",
                sum.saturating_add(SHUTDOWN)
            ),
        )
    })
}

/// A limit that is not the default.
fn set(limit: Option<i64>) -> Option<i64> {
    limit.filter(|seconds| *seconds > 0)
}

fn told(duration: Duration) -> String {
    humantime::format_duration(duration)
        .to_string()
        .replace(' ', "")
}
