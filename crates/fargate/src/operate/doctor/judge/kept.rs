//! Tasks of failed jobs that are kept: whether somebody may enter them, and what ends them.

use super::super::catalog::KEPT_TASKS;
use super::super::check::Check;
use super::super::facts::Facts;
use crate::config::{Config, Mode};

/// Judges `KeepFailedFor`.
pub(super) fn kept_tasks(config: &Config, facts: &Facts) -> Check {
    let keep = config.fargate.keep_failed;
    if keep.time.is_zero() {
        return KEPT_TASKS.pass("none: a failed job's task ends with its job");
    }
    let time = humantime::format_duration(keep.time);
    if !config.ssh.is_interactive {
        return KEPT_TASKS.warn(
            format!(
                "they stay for {time}, and [SSH] Interactive is false: `fargate ssh` enters none"
            ),
            "Set [SSH] Interactive to true, or remove [Fargate] KeepFailedFor.",
        );
    }
    match (&config.mode, &facts.machine.reaper) {
        (Mode::JobImage(_), _) => {
            KEPT_TASKS.pass(format!("{} at most, which end by themselves after {time}", keep.tasks))
        }
        (Mode::TaskDefinition(_), Some(reaper)) => {
            KEPT_TASKS.pass(format!("for {time}; {} calls `fargate reap`", reaper.display()))
        }
        (Mode::TaskDefinition(_), None) => KEPT_TASKS.warn(
            format!(
                "nothing but the next job ends a task that was kept for {time}, where its SSH server is OpenSSH: no timer \
                 was found that calls `fargate reap`"
            ),
            format!(
                "Let a timer call it. docs/operations.md has one for systemd; with cron:\n$ echo '*/5 * * * * gitlab-runner {} --config {} reap' | sudo tee \
                 /etc/cron.d/fargate-reap",
                facts.machine.program.display(),
                config.file.display()
            ),
        ),
    }
}
