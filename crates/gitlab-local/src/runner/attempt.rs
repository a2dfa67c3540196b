//! One attempt at a job: a private folder, and the driver's calls from it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::cancellation::Cancellation;
use crate::error::Error;
use crate::job_log::JobLog;
use crate::runner::call::{DriverCall, Stdout};
use crate::runner::driver::{ConfigReply, Driver, Environment};
use crate::runner::failure::{BUILD_FAILURE, JobFailure, SYSTEM_FAILURE};
use crate::runner::folder::AttemptFolder;
use crate::runner::received::ReceivedJob;
use crate::script::Script;
use crate::transfer::{Markers, Received, Receiver};
use crate::variables::Variables;

/// `cleanup_exec_timeout`
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(3600);

/// One attempt.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    driver: &'a Driver,
    job: &'a ReceivedJob,
    cancellation: &'a Cancellation,
    folder: AttemptFolder,
    job_env: BTreeMap<String, String>,
}

impl<'a> Attempt<'a> {
    /// Makes the private folder in `parent`, with the job response in it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(crate) fn new(
        driver: &'a Driver,
        job: &'a ReceivedJob,
        cancellation: &'a Cancellation,
        parent: &Path,
    ) -> Result<Self, Error> {
        let response = job.response.to_string();
        let folder = AttemptFolder::new(parent, response.as_bytes());
        let folder = folder.map_err(|source| Error::System {
            action: "make a private folder".to_owned(),
            source,
        })?;
        Ok(Self {
            driver,
            job,
            cancellation,
            folder,
            job_env: BTreeMap::new(),
        })
    }

    /// The driver that is called.
    pub(crate) fn driver(&self) -> &'a Driver {
        self.driver
    }

    /// The private folder.
    pub(crate) fn folder(&self) -> &AttemptFolder {
        &self.folder
    }

    /// Leaves the private folder on disk.
    pub(crate) fn keep(self) {
        self.folder.keep();
    }

    /// Calls `config`, and returns its answer.
    pub(crate) async fn config(
        &mut self,
        log: &mut JobLog,
        variables: &Variables,
        interrupt: impl Future<Output = JobFailure>,
    ) -> Result<ConfigReply, JobFailure> {
        let call = self.call("config", variables);
        let text = call
            .execute(log, Stdout::Returned, interrupt, self.cancellation)
            .await?;
        if text.is_empty() {
            return Ok(ConfigReply::default());
        }
        let reply: ConfigReply = serde_json::from_slice(&text).map_err(|error| {
            JobFailure::System(format!("error while parsing JSON output: {error}"))
        })?;
        self.job_env.clone_from(&reply.job_env);
        Ok(reply)
    }

    /// Calls `prepare`.
    pub(crate) async fn prepare(
        &self,
        log: &mut JobLog,
        variables: &Variables,
        interrupt: impl Future<Output = JobFailure>,
    ) -> Result<(), JobFailure> {
        let call = self.call("prepare", variables);
        self.logged(&call, log, interrupt).await
    }

    /// Calls `run` with `script` as `stage`.
    pub(crate) async fn run(
        &self,
        log: &mut JobLog,
        variables: &Variables,
        stage: (&str, &Script<'_>),
        interrupt: impl Future<Output = JobFailure>,
    ) -> Result<(), JobFailure> {
        let call = self.script_call(variables, stage)?;
        self.logged(&call, log, interrupt).await
    }

    /// As [`Self::run`]; takes the files between `markers` out of the script's output, each of at most `limit` bytes.
    pub(crate) async fn receive(
        &self,
        log: &mut JobLog,
        variables: &Variables,
        stage: (&str, &Script<'_>),
        (markers, limit): (Markers, u64),
        interrupt: impl Future<Output = JobFailure>,
    ) -> Result<Vec<Received>, JobFailure> {
        let call = self.script_call(variables, stage)?;
        let mut receiver = Receiver::new(markers, limit);
        let stdout = Stdout::Received(&mut receiver);
        let ended = call
            .execute(log, stdout, interrupt, self.cancellation)
            .await;
        let (received, rest) = receiver.finish();
        log.raw(&rest).await;
        ended.map(|_| received)
    }

    fn script_call(
        &self,
        variables: &Variables,
        (stage, script): (&str, &Script<'_>),
    ) -> Result<DriverCall, JobFailure> {
        let file = self.folder.write_script(script);
        let file = file
            .map_err(|error| JobFailure::System(format!("could not write the script: {error}")))?;
        let mut call = self.call("run", variables);
        call.arguments
            .extend([file.into_os_string(), OsString::from(stage)]);
        Ok(call)
    }

    /// Calls `cleanup`, which nothing interrupts. A runner writes its output to its own log; here it is shown.
    pub(crate) async fn cleanup(
        &self,
        log: &mut JobLog,
        variables: &Variables,
    ) -> Result<(), JobFailure> {
        let timeout = async {
            tokio::time::sleep(CLEANUP_TIMEOUT).await;
            JobFailure::TimedOut(CLEANUP_TIMEOUT)
        };
        let call = self.call("cleanup", variables);
        self.logged(&call, log, timeout).await
    }

    /// The environment of a call, in the runner's order: later ones win.
    pub(crate) fn environment(&self, variables: &Variables) -> Environment {
        let text = |path: &Path| path.display().to_string();
        let runners = [
            ("TMPDIR", text(self.folder.path())),
            ("BUILD_FAILURE_EXIT_CODE", BUILD_FAILURE.to_string()),
            ("SYSTEM_FAILURE_EXIT_CODE", SYSTEM_FAILURE.to_string()),
            ("BUILD_EXIT_CODE_FILE", text(&self.folder.exit_code_file())),
            ("JOB_RESPONSE_FILE", text(&self.folder.response_file())),
        ];
        let mut all = self.driver.environment.clone();
        all.extend(runners.map(|(key, value)| (key.to_owned(), Some(value))));
        let job_env = self.job_env.iter();
        all.extend(job_env.map(|(key, value)| (key.clone(), Some(value.clone()))));
        all.extend(self.job.driver_environment(variables));
        all
    }

    fn call(&self, stage: &str, variables: &Variables) -> DriverCall {
        let mut arguments = self.driver.arguments.clone();
        arguments.push(OsString::from(stage));
        DriverCall {
            program: self.driver.program.clone(),
            arguments,
            folder: self.folder.path().to_owned(),
            environment: self.environment(variables),
            code_file: self.folder.exit_code_file(),
        }
    }

    async fn logged(
        &self,
        call: &DriverCall,
        log: &mut JobLog,
        interrupt: impl Future<Output = JobFailure>,
    ) -> Result<(), JobFailure> {
        let output = call
            .execute(log, Stdout::Logged, interrupt, self.cancellation)
            .await;
        output.map(drop)
    }
}
