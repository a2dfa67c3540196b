//! Says in the job log that the task of a failed job stays, and how to enter it.
//!
//! Cleanup keeps the task, but what it prints goes to GitLab Runner's own log.

use std::time::Duration;

use crate::context::Context;
use crate::error::{Blame, Result};
use crate::gitlab::fails_job;
use crate::output::say;
use crate::state::record::Record;

/// Says it where a script of this stage has `ended` so that the job fails.
pub(super) fn announce(context: &Context<'_>, record: &Record, stage: &str, ended: &Result<()>) {
    let has_failed = match ended {
        Err(failure) => matches!(failure.blame(), Blame::Script(_)),
        Ok(()) => false,
    };
    if has_failed && fails_job(stage) && record.keep_for > 0 {
        let time = humantime::format_duration(Duration::from_secs(record.keep_for));
        let stays = format!("If the job fails, its task stays for up to {time}");
        if !context.config.ssh.is_interactive {
            return say(&stays);
        }
        let command = format!(
            "fargate --config {} ssh {}",
            context.config.file.display(),
            record.job.id
        );
        say(&format!(
            "{stays}. A shell in it, on the host of GitLab Runner:"
        ));
        say(&format!("  {command}"));
    }
}
