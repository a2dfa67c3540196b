//! One attempt at a job: a private folder, and the driver's calls from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::stop::Stop;

use super::call::{Call, CallError, Ended, Environment};
use super::log::Log;
use super::outcome::{BUILD_FAILURE, Outcome, SYSTEM_FAILURE};
use super::plan::Plan;
use super::private;
use super::variables::Variables;

/// `cleanup_exec_timeout`, and the other calls' own limit too.
const CALL_TIMEOUT: Duration = Duration::from_secs(3600);

/// The driver under trial: this program.
#[derive(Debug, Clone)]
pub(super) struct Driver {
    pub(super) program: PathBuf,
    /// Its configuration; absolute, since calls are made from private folders.
    pub(super) config: PathBuf,
    /// What stands in for the environment of the runner's process, where it differs from ours.
    pub(super) environment: Environment,
}

/// What the driver's `config` answers; unknown keys are ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) driver: Option<DriverName>,
    pub(super) hostname: Option<String>,
    pub(super) builds_dir: Option<String>,
    pub(super) cache_dir: Option<String>,
    pub(super) builds_dir_is_shared: Option<bool>,
    pub(super) shell: Option<String>,
    /// For later calls of this attempt.
    job_env: Option<std::collections::BTreeMap<String, String>>,
}

/// How the driver calls itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DriverName {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
}

/// How a call ended that may have been told to stop.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finished<I> {
    pub(super) outcome: Outcome,
    pub(super) interrupted: Option<I>,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    driver: &'a Driver,
    plan: &'a Plan,
    stop: &'a Stop,
    folder: TempDir,
    job_env: Vec<(String, String)>,
}

impl<'a> Attempt<'a> {
    /// Makes the private folder with the job's JSON in it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(super) fn new(driver: &'a Driver, plan: &'a Plan, stop: &'a Stop) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::system(format!("could not make a private folder: {error}"))
        };
        let folder = private::temporary_folder("custom-executor").map_err(failed)?;
        let response = plan.response.to_string();
        private::file(&folder.path().join("response.json"), response.as_bytes()).map_err(failed)?;
        Ok(Self {
            driver,
            plan,
            stop,
            folder,
            job_env: Vec::new(),
        })
    }

    /// The private folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the private folder where it is.
    pub(super) fn keep(mut self) {
        self.folder.disable_cleanup(true);
    }

    /// `config`: its answer, and how it ended. What cannot be understood is a system failure.
    pub(super) async fn config<I>(
        &mut self,
        log: &mut Log,
        variables: &Variables,
        interrupt: impl Future<Output = I>,
    ) -> (Finished<I>, Answer) {
        let call = self.call(&["config"], variables);
        let ended = call.execute(log, true, interrupt, self.stop).await;
        let text = ended
            .as_ref()
            .map(|ended| ended.answer.clone())
            .unwrap_or_default();
        let mut finished = self.finished(ended);
        if finished.outcome != Outcome::Success || text.is_empty() {
            return (finished, Answer::default());
        }
        match serde_json::from_slice::<Answer>(&text) {
            Ok(answer) => {
                self.job_env = answer
                    .job_env
                    .clone()
                    .unwrap_or_default()
                    .into_iter()
                    .collect();
                (finished, answer)
            }
            Err(error) => {
                finished.outcome =
                    Outcome::SystemFailure(format!("error while parsing JSON output: {error}"));
                (finished, Answer::default())
            }
        }
    }

    /// `prepare`.
    pub(super) async fn prepare<I>(
        &self,
        log: &mut Log,
        variables: &Variables,
        interrupt: impl Future<Output = I>,
    ) -> Finished<I> {
        let call = self.call(&["prepare"], variables);
        self.finished(call.execute(log, false, interrupt, self.stop).await)
    }

    /// `run` of `script` as `stage`.
    pub(super) async fn run<I>(
        &self,
        log: &mut Log,
        variables: &Variables,
        (stage, script): (&str, &str),
        interrupt: impl Future<Output = I>,
    ) -> Finished<I> {
        let file = match self.script_file(script) {
            Ok(file) => file,
            Err(error) => {
                let outcome =
                    Outcome::SystemFailure(format!("could not write the script: {error}"));
                return Finished {
                    outcome,
                    interrupted: None,
                };
            }
        };
        let mut call = self.call(&["run"], variables);
        call.arguments
            .extend([file.into_os_string(), OsString::from(stage)]);
        self.finished(call.execute(log, false, interrupt, self.stop).await)
    }

    /// `cleanup`, which nothing interrupts. A runner logs what it prints to its own log; here it is shown.
    pub(super) async fn cleanup(&self, log: &mut Log, variables: &Variables) -> Outcome {
        let call = self.call(&["cleanup"], variables);
        self.finished(
            call.execute(log, false, tokio::time::sleep(CALL_TIMEOUT), self.stop)
                .await,
        )
        .outcome
    }

    /// The environment of a call, in the runner's order: what comes later wins.
    pub(super) fn environment(&self, variables: &Variables) -> Environment {
        let mut all = self.driver.environment.clone();
        let file = |name: &str| Some(self.folder.path().join(name).display().to_string());
        all.extend([
            (
                "TMPDIR".to_owned(),
                Some(self.folder.path().display().to_string()),
            ),
            (
                "BUILD_FAILURE_EXIT_CODE".to_owned(),
                Some(BUILD_FAILURE.to_string()),
            ),
            (
                "SYSTEM_FAILURE_EXIT_CODE".to_owned(),
                Some(SYSTEM_FAILURE.to_string()),
            ),
            ("BUILD_EXIT_CODE_FILE".to_owned(), file("build_exit_code")),
            ("JOB_RESPONSE_FILE".to_owned(), file("response.json")),
        ]);
        all.extend(
            self.job_env
                .iter()
                .map(|(key, value)| (key.clone(), Some(value.clone()))),
        );
        all.extend(self.plan.driver_environment(variables));
        all
    }

    fn call(&self, stage: &[&str], variables: &Variables) -> Call {
        let mut arguments = vec![
            OsString::from("--config"),
            self.driver.config.clone().into_os_string(),
            OsString::from("custom"),
        ];
        arguments.extend(stage.iter().map(OsString::from));
        Call {
            program: self.driver.program.clone(),
            arguments,
            folder: self.folder.path().to_owned(),
            environment: self.environment(variables),
        }
    }

    /// A new folder per script, as the runner makes it.
    fn script_file(&self, script: &str) -> std::io::Result<PathBuf> {
        let folder = private::folder_in(self.folder.path(), "script")?;
        let file = folder.join("script");
        private::program(&file, script.as_bytes())?;
        Ok(file)
    }

    fn finished<I>(&self, ended: Result<Ended<I>, CallError>) -> Finished<I> {
        match ended {
            Ok(Ended {
                status,
                interrupted,
                ..
            }) => {
                let outcome = Outcome::of(status, &self.folder.path().join("build_exit_code"));
                Finished {
                    outcome,
                    interrupted,
                }
            }
            Err(error) => Finished {
                outcome: Outcome::SystemFailure(error.to_string()),
                interrupted: None,
            },
        }
    }
}
