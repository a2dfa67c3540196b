//! `--keep`: how a task that was left running is reached and stopped.
//!
//! The driver finds a task by its job, so two small programs in the attempt's private folder remember the job
//! and call the driver as the runner would.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::signals::Shutdown;

use super::attempt::{Attempt, Driver};
use super::log::Log;
use super::private;
use super::quote::Quoting;
use super::variables::Variables;

/// The job variables that the driver finds a job by; all others may be large or secret.
const IDENTITY: &[&str] = &["CUSTOM_ENV_CI_JOB_ID", "CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN"];

/// A task that was left running.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    pub(super) attempt: Attempt<'a>,
    /// The job's variables at its end.
    pub(super) variables: Variables,
    /// The person has stopped the job before.
    pub(super) canceled: bool,
}

impl Kept<'_> {
    /// Writes the two programs and says what they are for.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(super) async fn explain(&self, log: &mut Log, driver: &Driver) -> Result<()> {
        let folder = self.attempt.folder();
        let commands = word(&folder.join("commands"));
        // Where the job's own commands were; there is no such folder when it did not get that far.
        let start = format!(
            "cd {} 2> /dev/null",
            word(Path::new(self.variables.value("CI_PROJECT_DIR")))
        );
        let run = self.program(
            driver,
            "run",
            &format!(
                "umask 077\nprintf '%s\\n' {} \"$*\" > {commands}\ndriver run {commands} build_script\n",
                Quoting::Posix.word(&start)
            ),
        )?;
        let stop = self.program(
            driver,
            "stop",
            &format!("driver cleanup && rm -rf {}\n", word(folder)),
        )?;
        log.plain("The task is left running.").await;
        log.plain(&format!(
            "  run commands in it:  {} 'ls -l; env'",
            run.display()
        ))
        .await;
        log.plain(&format!("  stop it:             {}", stop.display()))
            .await;
        Ok(())
    }

    /// Waits for Ctrl-C, then cleans up: a task of the stand-in lives no longer than this process.
    pub(super) async fn stop_when_told(self, log: &mut Log, stop: &Shutdown) {
        log.plain("It lives as long as this command: Ctrl-C stops both.")
            .await;
        match self.canceled {
            true => stop.insisted().await,
            false => stop.requested().await,
        };
        if let Err(failure) = self.attempt.cleanup(log, &self.variables).await {
            log.warning(&format!("Cleanup script failed: {failure}"))
                .await;
        }
    }

    /// Leaves the task, and the private folder with the two programs.
    pub(super) fn leave(self) {
        self.attempt.keep();
    }

    /// Writes a program that does `what`, in which `driver` is the driver with this job's environment.
    fn program(&self, driver: &Driver, name: &str, what: &str) -> Result<PathBuf> {
        let mut text = "#!/bin/sh\n".to_owned();
        for (key, value) in self.attempt.environment(&self.variables) {
            match value {
                _ if key.starts_with("CUSTOM_ENV_") && !IDENTITY.contains(&key.as_str()) => {}
                Some(value) => {
                    text.push_str(&format!("export {key}={}\n", Quoting::Posix.word(&value)))
                }
                None => text.push_str(&format!("unset {key}\n")),
            }
        }
        let mut words = vec![word(&driver.program)];
        let arguments = driver.arguments.iter().map(Path::new);
        words.extend(arguments.map(word));
        let call = words.join(" ");
        text.push_str(&format!(
            "driver() {{ {call} custom \"$@\" < /dev/null; }}\n{what}"
        ));
        let path = self.attempt.folder().join(name);
        private::program(&path, text.as_bytes()).map_err(|error| {
            Error::system(format!("could not write {}: {error}", path.display()))
        })?;
        Ok(path)
    }
}

fn word(path: &Path) -> String {
    Quoting::Posix.word(&path.display().to_string())
}
