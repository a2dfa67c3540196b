//! One attempt at a job: a private folder, and the driver's calls from it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::signals::Shutdown;

use super::call::{Call, Environment, Stdout};
use super::failure::{BUILD_FAILURE, Failure, SYSTEM_FAILURE};
use super::log::Log;
use super::plan::Plan;
use super::private;
use super::variables::Variables;

/// `cleanup_exec_timeout`.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(3600);

/// The driver under trial: this program.
#[derive(Debug, Clone)]
pub(super) struct Driver {
    pub(super) program: PathBuf,
    /// What it is called with before `custom`. Paths are absolute, since calls are made from private folders.
    pub(super) arguments: Vec<OsString>,
    /// What stands in for the environment of the runner's process, where it differs from ours.
    pub(super) environment: Environment,
}

/// What the driver's `config` answers; unknown keys are ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) driver: DriverName,
    pub(super) hostname: Option<String>,
    pub(super) builds_dir: Option<String>,
    pub(super) shell: Option<String>,
    /// For later calls of this attempt.
    job_env: BTreeMap<String, String>,
}

/// How the driver calls itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DriverName {
    pub(super) name: String,
    pub(super) version: String,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    driver: &'a Driver,
    plan: &'a Plan,
    stop: &'a Shutdown,
    folder: TempDir,
    job_env: BTreeMap<String, String>,
}

impl<'a> Attempt<'a> {
    /// Makes the private folder with the job's JSON in it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(super) fn new(driver: &'a Driver, plan: &'a Plan, stop: &'a Shutdown) -> Result<Self> {
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
            job_env: BTreeMap::new(),
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

    /// `config`, and what it answers.
    pub(super) async fn config(
        &mut self,
        log: &mut Log,
        variables: &Variables,
        interrupt: impl Future<Output = Failure>,
    ) -> Result<Answer, Failure> {
        let call = self.call("config", variables);
        let text = call
            .execute(log, Stdout::Returned, interrupt, self.stop)
            .await?;
        if text.is_empty() {
            return Ok(Answer::default());
        }
        let answer: Answer = serde_json::from_slice(&text).map_err(|error| {
            Failure::System(format!("error while parsing JSON output: {error}"))
        })?;
        self.job_env.clone_from(&answer.job_env);
        Ok(answer)
    }

    /// `prepare`.
    pub(super) async fn prepare(
        &self,
        log: &mut Log,
        variables: &Variables,
        interrupt: impl Future<Output = Failure>,
    ) -> Result<(), Failure> {
        let call = self.call("prepare", variables);
        call.execute(log, Stdout::Logged, interrupt, self.stop)
            .await
            .map(drop)
    }

    /// `run` of `script` as `stage`.
    pub(super) async fn run(
        &self,
        log: &mut Log,
        variables: &Variables,
        (stage, script): (&str, &str),
        interrupt: impl Future<Output = Failure>,
    ) -> Result<(), Failure> {
        let file = self
            .script_file(script)
            .map_err(|error| Failure::System(format!("could not write the script: {error}")))?;
        let mut call = self.call("run", variables);
        call.arguments
            .extend([file.into_os_string(), OsString::from(stage)]);
        call.execute(log, Stdout::Logged, interrupt, self.stop)
            .await
            .map(drop)
    }

    /// `cleanup`, which nothing interrupts. A runner logs what it prints to its own log; here it is shown.
    pub(super) async fn cleanup(
        &self,
        log: &mut Log,
        variables: &Variables,
    ) -> Result<(), Failure> {
        let too_long = async {
            tokio::time::sleep(CLEANUP_TIMEOUT).await;
            Failure::TimedOut(CLEANUP_TIMEOUT)
        };
        let call = self.call("cleanup", variables);
        call.execute(log, Stdout::Logged, too_long, self.stop)
            .await
            .map(drop)
    }

    /// The environment of a call, in the runner's order: what comes later wins.
    pub(super) fn environment(&self, variables: &Variables) -> Environment {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let runners = [
            ("TMPDIR", self.folder.path().display().to_string()),
            ("BUILD_FAILURE_EXIT_CODE", BUILD_FAILURE.to_string()),
            ("SYSTEM_FAILURE_EXIT_CODE", SYSTEM_FAILURE.to_string()),
            ("BUILD_EXIT_CODE_FILE", file("build_exit_code")),
            ("JOB_RESPONSE_FILE", file("response.json")),
        ];
        let mut all = self.driver.environment.clone();
        all.extend(runners.map(|(key, value)| (key.to_owned(), Some(value))));
        let job_env = self.job_env.iter();
        all.extend(job_env.map(|(key, value)| (key.clone(), Some(value.clone()))));
        all.extend(self.plan.driver_environment(variables));
        all
    }

    fn call(&self, stage: &str, variables: &Variables) -> Call {
        let mut arguments = self.driver.arguments.clone();
        arguments.extend(["custom", stage].map(OsString::from));
        Call {
            program: self.driver.program.clone(),
            arguments,
            folder: self.folder.path().to_owned(),
            environment: self.environment(variables),
            code_file: self.folder.path().join("build_exit_code"),
        }
    }

    /// A new folder per script, as the runner makes it.
    fn script_file(&self, script: &str) -> std::io::Result<PathBuf> {
        let folder = private::folder_in(self.folder.path(), "script")?;
        let file = folder.join("script");
        private::program(&file, script.as_bytes())?;
        Ok(file)
    }
}
