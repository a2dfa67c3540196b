//! A job's environment that stays when the job is over: how to use it, and how to end it.
//!
//! A driver finds an environment by its job. Two small programs in the attempt's private folder remember the job and
//! call the driver as the runner would.

use std::path::{Path, PathBuf};

use crate::cancellation::Cancellation;
use crate::error::Error;
use crate::job_log::JobLog;
use crate::runner::attempt::Attempt;
use crate::script::Quoting;
use crate::variables::Variables;

/// The job variables by which drivers find a job. All others may be large or secret.
const IDENTITY: &[&str] = &["CUSTOM_ENV_CI_JOB_ID", "CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN"];

/// A job's environment that is left running.
#[derive(Debug)]
pub struct KeptTask<'a> {
    pub(crate) attempt: Attempt<'a>,
    /// The folder of the whole run.
    pub(crate) run_folder: &'a Path,
    /// The job's variables at its end.
    pub(crate) variables: Variables,
    /// The job was cancelled, so the next request is the second.
    pub(crate) canceled: bool,
}

impl KeptTask<'_> {
    /// Writes the two programs, and shows how to use them.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub async fn explain(&self, log: &mut JobLog) -> Result<(), Error> {
        let folder = self.attempt.folder().path();
        let commands = word(&folder.join("commands"));
        // The folder of the job's own commands, which is missing when the job did not get that far.
        let start = format!(
            "cd {} 2> /dev/null",
            word(Path::new(self.variables.value("CI_PROJECT_DIR")))
        );
        let start = Quoting::Posix.word(&start);
        let run = self.write_program(
            "run",
            &format!(
                "umask 077\nprintf '%s\\n' {start} \"$*\" > {commands}\ndriver run {commands} build_script\n"
            ),
        )?;
        let stop = self.write_program(
            "stop",
            &format!("driver cleanup && rm -rf {}\n", word(self.run_folder)),
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

    /// Waits until the job is cancelled (once more), then cleans up: the task cannot outlive this process.
    pub async fn stop_on_request(self, log: &mut JobLog, cancellation: &Cancellation) {
        log.plain("It lives as long as this command: Ctrl-C stops both.")
            .await;
        match self.canceled {
            true => cancellation.aborted().await,
            false => cancellation.canceling().await,
        }
        if let Err(failure) = self.attempt.cleanup(log, &self.variables).await {
            log.warning(&format!("Cleanup script failed: {failure}"))
                .await;
        }
    }

    /// Leaves the task running, and the attempt's folder with the two programs on disk.
    pub fn leave(self) {
        self.attempt.keep();
    }

    /// Writes a program in which the function `driver` calls the driver with this job's environment.
    fn write_program(&self, name: &str, body: &str) -> Result<PathBuf, Error> {
        let driver = self.attempt.driver();
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
        words.extend(
            driver
                .arguments
                .iter()
                .map(|argument| word(Path::new(argument))),
        );
        let call = words.join(" ");
        text.push_str(&format!(
            "driver() {{ {call} \"$@\" < /dev/null; }}\n{body}"
        ));
        let program = self.attempt.folder().write_program(name, &text);
        program.map_err(|source| Error::System {
            action: format!("write the program `{name}`"),
            source,
        })
    }
}

fn word(path: &Path) -> String {
    Quoting::Posix.word(&path.display().to_string())
}
