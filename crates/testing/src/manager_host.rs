//! A manager host of a test's own: configuration, records, and the environment in which GitLab Runner calls the driver.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::account::Account;
use crate::command::{Outcome, RunningCommand};
use crate::ssh_server::{self, SshServer};
use crate::wait::SECOND;

/// A manager host with one job at a time, unless a test brings more.
pub struct ManagerHost {
    /// The account that its configuration names.
    pub aws: Account,
    /// Everything it has, removed when dropped.
    pub folder: TempDir,
    /// Id of the job that calls are for.
    pub job: u64,
    /// More environment variables of calls.
    pub variables: Vec<(String, String)>,
    driver: String,
}

/// The project of all jobs.
pub(crate) const PROJECT: u64 = 77;

/// The content of a job response file, with these members beside the usual ones.
pub(crate) fn job_response(id: u64, more: &Value) -> String {
    let mut response = json!({ "id": id, "token": "secret-job-token",
        "job_info": { "name": "unit tests", "project_id": PROJECT, "project_full_path": "acme/shop", "pipeline_id": 5150 } });
    let members = response.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    response.to_string()
}

impl ManagerHost {
    /// A host for the driver at this path, whose tasks run this server.
    pub fn new(driver: &str, server: SshServer) -> Self {
        Self::with_faults(driver, server, &json!({}))
    }

    /// The same with faults.
    pub fn with_faults(driver: &str, server: SshServer, faults: &Value) -> Self {
        Self::with_latency(driver, server, faults, 0.0)
    }

    /// The same with time between the states of tasks, as a part of Fargate's.
    pub fn with_latency(driver: &str, server: SshServer, faults: &Value, latency: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let backend = server.backend(driver, folder.path());
        Self::in_account(driver, Account::start(backend, faults, latency), folder)
    }

    /// A host with its files in `folder`, configured for this account.
    pub fn in_account(driver: &str, aws: Account, folder: TempDir) -> Self {
        let manager = Self {
            aws,
            folder,
            job: 4711,
            variables: Vec::new(),
            driver: driver.to_owned(),
        };
        manager.configure("", "");
        manager.ask(&json!({ "variables": null }));
        manager
    }

    /// Writes fargate.toml with more keys in `[Fargate]`, and more sections. The last section so far is `[SSH]`.
    pub fn configure(&self, fargate: &str, sections: &str) {
        self.write_config(&format!(
            "[Fargate]\n{}{fargate}\n[TaskMetadata]\nDirectory = {:?}\n[SSH]\nUsername = \"{}\"\nPort = 2222\n{sections}",
            self.aws.settings(),
            self.metadata(),
            ssh_server::user(),
        ));
    }

    /// Writes fargate.toml for jobs that bring their image, with these keys in `[JobImage]` and more sections.
    pub fn configure_job_image(&self, job_image: &str, sections: &str) {
        self.write_config(&format!(
            "[Fargate]\n{}\n[TaskMetadata]\nDirectory = {:?}\n[JobImage]\nEnabled = true\n{job_image}\n{sections}",
            self.aws
                .settings()
                .replace("TaskDefinition = \"test-task\"\n", ""),
            self.metadata(),
        ));
    }

    /// Writes fargate.toml with more keys in `[SSH]`.
    pub fn configure_ssh(&self, ssh: &str) {
        self.configure("", ssh);
    }

    /// Writes fargate.toml.
    pub fn write_config(&self, text: &str) {
        std::fs::write(self.path("fargate.toml"), text).unwrap();
    }

    /// Writes the job response file, with these members beside the usual ones.
    pub fn ask(&self, more: &Value) {
        std::fs::write(self.path("response.json"), job_response(self.job, more)).unwrap();
    }

    /// A path in the host's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The metadata folder.
    pub fn metadata(&self) -> PathBuf {
        self.path("metadata")
    }

    /// The records in the metadata folder.
    pub fn records(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.metadata()) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect()
    }

    /// The file in which the runner finds the exit code of a script that failed.
    pub fn exit_code_file(&self) -> Option<String> {
        std::fs::read_to_string(self.path("build_exit_code")).ok()
    }

    /// A call of the driver as the runner makes it.
    pub fn call(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.driver);
        if !arguments.contains(&"--config") {
            command.arg("--config").arg(self.path("fargate.toml"));
        }
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret-aws-key")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("BUILD_FAILURE_EXIT_CODE", "11")
            .env("SYSTEM_FAILURE_EXIT_CODE", "22")
            .env("BUILD_EXIT_CODE_FILE", self.path("build_exit_code"))
            .env("JOB_RESPONSE_FILE", self.path("response.json"))
            // Lines are compared without colours.
            .env("NO_COLOR", "1")
            .env("CUSTOM_ENV_CI_JOB_ID", "1")
            .env("CUSTOM_ENV_CI_RUNNER_SHORT_TOKEN", "t1_abc")
            .envs(self.variables.iter().map(|(key, value)| (key, value)))
            .current_dir(self.folder.path())
            // As the runner does.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The same call, made by a runner that is gone when it ends.
    pub fn call_of_dying_runner(&self, arguments: &[&str]) -> Command {
        let call = self.call(arguments);
        let mut runner = Command::new("bash");
        // In a process group of its own, as the runner does.
        runner
            .args(["-c", "setsid \"$@\" & wait $!", "runner"])
            .arg(call.get_program())
            .args(call.get_args())
            .env_clear()
            .envs(
                call.get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        runner
    }

    /// Makes the following calls those for another job.
    pub fn next_job(&mut self) {
        self.job += 1;
        self.ask(&json!({ "variables": null }));
    }

    /// Starts a call.
    pub fn start(&self, arguments: &[&str]) -> RunningCommand {
        RunningCommand::start(&mut self.call(arguments))
    }

    /// Calls `custom` with this stage.
    pub fn custom(&self, stage: &str) -> Outcome {
        self.start(&["custom", stage]).finish()
    }

    /// Calls prepare, which has to succeed.
    #[track_caller]
    pub fn prepare(&self) -> Outcome {
        self.custom("prepare").exits(0)
    }

    /// Runs a script as stage `build_script`.
    pub fn run(&self, script: impl AsRef<[u8]>) -> Outcome {
        self.start_run(script).finish()
    }

    /// Starts a script as stage `build_script`.
    pub fn start_run(&self, script: impl AsRef<[u8]>) -> RunningCommand {
        self.start_stage("build_script", script)
    }

    /// Starts a script as the runner's stage of that name.
    pub fn start_stage(&self, stage: &str, script: impl AsRef<[u8]>) -> RunningCommand {
        let file = self.write_script(script.as_ref());
        self.start(&["custom", "run", file.to_str().unwrap(), stage])
    }

    /// Writes a script into a file of its own.
    pub fn write_script(&self, script: &[u8]) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let file = folder.join("script");
        std::fs::write(&file, script).unwrap();
        file
    }

    /// Lets the next job sweep, even if another one swept a moment ago.
    pub fn let_sweep(&self) {
        // Without a sweep so far there is no file.
        if let Ok(swept) = std::fs::File::open(self.metadata().join("sweep")) {
            let long_ago = SystemTime::now() - 600 * SECOND;
            swept.set_modified(long_ago).unwrap();
        }
    }

    /// Checks that no task and no record of a job is left.
    #[track_caller]
    pub fn left_nothing(&self) {
        let running = self.aws.running();
        assert!(running.is_empty(), "a task was left: {running:#?}");
        assert_eq!(self.records(), Vec::<PathBuf>::new(), "a record was left");
    }
}
