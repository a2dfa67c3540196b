//! A container's health check, with Docker's rules.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use crate::engine::ContainerExec;
use crate::process;
use crate::shapes::HealthCheck;

/// The container that a check examines.
pub(super) enum CheckTarget {
    /// A process of this machine, with its environment.
    Process(BTreeMap<String, String>),
    Container(ContainerExec),
}

/// Runs the check forever, and reports `HEALTHY` or `UNHEALTHY` whenever that changes.
pub(super) async fn watch(
    check: &HealthCheck,
    target: &CheckTarget,
    mut report: impl FnMut(&'static str),
) {
    let seconds = |value: Option<i64>, default: u64| {
        Duration::from_secs(value.and_then(|v| u64::try_from(v).ok()).unwrap_or(default))
    };
    let interval = seconds(check.interval, 30);
    let timeout = seconds(check.timeout, 5);
    let retries = check.retries.unwrap_or(3);
    let grace = tokio::time::Instant::now() + seconds(check.start_period, 0);
    let command = command(check);
    let mut failed = 0;
    let mut reported = None;
    loop {
        let status = if target.passes(&command, timeout).await {
            failed = 0;
            Some("HEALTHY")
        } else {
            // Failures within the start period do not count.
            failed += i64::from(tokio::time::Instant::now() >= grace);
            (failed >= retries).then_some("UNHEALTHY")
        };
        if let Some(status) = status
            && reported != Some(status)
        {
            report(status);
            reported = Some(status);
        }
        tokio::time::sleep(interval).await;
    }
}

/// The command: the words after `CMD`, or one shell command after `CMD-SHELL`.
fn command(check: &HealthCheck) -> Vec<String> {
    match check.command.as_deref().unwrap_or_default() {
        [form, words @ ..] if form == "CMD-SHELL" => {
            vec!["/bin/sh".into(), "-c".into(), words.join(" ")]
        }
        [_, words @ ..] => words.to_vec(),
        [] => Vec::new(),
    }
}

impl CheckTarget {
    async fn passes(&self, command: &[String], timeout: Duration) -> bool {
        let run = async {
            match self {
                Self::Process(environment) => succeeds(command, environment).await,
                Self::Container(exec) => exec.run(command).await,
            }
        };
        matches!(tokio::time::timeout(timeout, run).await, Ok(Ok(true)))
    }
}

async fn succeeds(
    command: &[String],
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<bool> {
    let mut command = process::command(command, environment)?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    Ok(command.status().await?.success())
}
