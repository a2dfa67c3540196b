//! A manager host of a test's own: configuration, records, and the environment in which GitLab Runner calls.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::{Aws, Server};

pub(crate) struct Manager {
    pub(crate) aws: Aws,
    pub(crate) folder: TempDir,
    pub(crate) job: u64,
    pub(crate) variables: Vec<(String, String)>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Outcome {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Checks the exit code, showing all there is when it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.out(),
            self.err()
        );
        self
    }

    /// Checks that standard error holds each of `parts`.
    #[track_caller]
    pub(crate) fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err().contains(part), "no {part:?} in:\n{}", self.err());
        }
        self
    }
}

impl Manager {
    pub(crate) fn new(server: Server) -> Self {
        Self::with_faults(server, &json!({}))
    }

    pub(crate) fn with_faults(server: Server, faults: &Value) -> Self {
        Self::with(server, faults, 0.0)
    }

    pub(crate) fn with(server: Server, faults: &Value, latency: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let aws = Aws::start(server, folder.path(), faults, latency);
        Self::of(aws, folder)
    }

    pub(crate) fn of(aws: Aws, folder: TempDir) -> Self {
        let manager = Self {
            aws,
            folder,
            job: 4711,
            variables: Vec::new(),
        };
        manager.configure("", "");
        manager.write_response();
        manager
    }

    /// Writes fargate.toml with more keys in `[Fargate]`, and more sections.
    pub(crate) fn configure(&self, fargate: &str, sections: &str) {
        self.write_config(&format!(
            "[Fargate]\n{}{fargate}\n[TaskMetadata]\nDirectory = {:?}\n[SSH]\nUsername = \"{}\"\nPort = 2222\n{sections}",
            self.aws.settings(),
            self.metadata(),
            user(),
        ));
    }

    /// Writes fargate.toml for jobs that bring their image, with these keys in `[JobImage]` and more sections.
    pub(crate) fn configure_job_image(&self, job_image: &str, sections: &str) {
        self.write_config(&format!(
            "[Fargate]\n{}\n[TaskMetadata]\nDirectory = {:?}\n[JobImage]\nEnabled = true\n{job_image}\n{sections}",
            self.aws
                .settings()
                .replace("TaskDefinition = \"test-task\"\n", ""),
            self.metadata(),
        ));
    }

    /// Writes fargate.toml with more keys in `[SSH]`.
    pub(crate) fn configure_ssh(&self, ssh: &str) {
        // The last section there is.
        self.configure("", ssh);
    }

    pub(crate) fn write_config(&self, text: &str) {
        std::fs::write(self.path("fargate.toml"), text).unwrap();
    }

    fn write_response(&self) {
        self.ask(&json!({ "variables": null }));
    }

    /// Writes the job response file, with what the job asks for.
    pub(crate) fn ask(&self, more: &Value) {
        let mut response = json!({ "id": self.job, "token": "secret-job-token", "job_info": { "name": "unit tests", "project_id": 77,
            "project_full_path": "acme/shop", "pipeline_id": 5150 } });
        let members = response.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        std::fs::write(self.path("response.json"), response.to_string()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn metadata(&self) -> PathBuf {
        self.path("metadata")
    }

    /// The records in the metadata folder.
    pub(crate) fn records(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.metadata()) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect()
    }

    pub(crate) fn exit_code_file(&self) -> Option<String> {
        std::fs::read_to_string(self.path("build_exit_code")).ok()
    }

    /// A call as the runner makes it.
    pub(crate) fn call(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::fargate());
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
    pub(crate) fn call_of_dying_runner(&self, arguments: &[&str]) -> Command {
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
    pub(crate) fn next_job(&mut self) {
        self.job += 1;
        self.write_response();
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running(Some(self.call(arguments).spawn().unwrap()))
    }

    pub(crate) fn custom(&self, stage: &str) -> Outcome {
        self.start(&["custom", stage]).finish()
    }

    /// Prepares, and wants that to succeed.
    #[track_caller]
    pub(crate) fn prepare(&self) -> Outcome {
        self.custom("prepare").exits(0)
    }

    /// Runs a script as stage `build_script`.
    pub(crate) fn run(&self, script: impl AsRef<[u8]>) -> Outcome {
        self.start_run(script).finish()
    }

    pub(crate) fn start_run(&self, script: impl AsRef<[u8]>) -> Running {
        self.start_stage("build_script", script)
    }

    /// Starts a script as the runner's stage of that name.
    pub(crate) fn start_stage(&self, stage: &str, script: impl AsRef<[u8]>) -> Running {
        let file = self.write_script(script.as_ref());
        self.start(&["custom", "run", file.to_str().unwrap(), stage])
    }

    pub(crate) fn write_script(&self, script: &[u8]) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let file = folder.join("script");
        std::fs::write(&file, script).unwrap();
        file
    }

    /// Makes a call for so many jobs at the same time, which want the same; what came of them, in their order.
    pub(crate) fn all_at_once(&self, jobs: u64, arguments: &[&str], want: &Value) -> Vec<Outcome> {
        let start = |number| {
            let response = self.path(&format!("response-{number}.json"));
            let mut content = json!({ "id": 5000 + number, "job_info": { "project_id": 77 } });
            let members = content.as_object_mut().unwrap();
            members.extend(want.as_object().unwrap().clone());
            std::fs::write(&response, content.to_string()).unwrap();
            let mut call = self.call(arguments);
            call.env("JOB_RESPONSE_FILE", response);
            Running(Some(call.spawn().unwrap()))
        };
        let calls: Vec<_> = (0..jobs).map(start).collect();
        calls.into_iter().map(Running::finish).collect()
    }

    /// Lets the next job sweep, though another one has a moment ago.
    pub(crate) fn let_sweep(&self) {
        // Where none has, there is no file.
        if let Ok(swept) = std::fs::File::open(self.metadata().join("sweep")) {
            let long_ago = SystemTime::now() - 600 * SECOND;
            swept.set_modified(long_ago).unwrap();
        }
    }

    /// Checks that no task and no record of a job is there.
    #[track_caller]
    pub(crate) fn left_nothing(&self) {
        let running = self.aws.running();
        assert!(running.is_empty(), "a task was left: {running:#?}");
        assert_eq!(self.records(), Vec::<PathBuf>::new(), "a record was left");
    }
}

/// A call that is under way.
pub(crate) struct Running(Option<Child>);

impl Running {
    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub(crate) fn signal(&mut self, signal: nix::sys::signal::Signal) {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.child().id()).unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
    }

    /// Reads standard output until `text` has come; what is read is gone.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let stdout = self.child().stdout.as_mut().unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(text) {
            let mut byte = [0];
            assert_eq!(
                stdout.read(&mut byte).unwrap(),
                1,
                "no {text:?} in {:?}",
                String::from_utf8_lossy(&read)
            );
            read.push(byte[0]);
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// The most memory it has had, in KiB; nothing when it is over.
    pub(crate) fn peak_memory(&mut self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child().id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok())
            .unwrap_or_default()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child().try_wait().unwrap().is_some()
    }

    pub(crate) fn finish(mut self) -> Outcome {
        Outcome::of(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The user whom OpenSSH lets in here.
fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .name
}

/// Writes into a file what a test wants to find there.
pub(crate) fn write(path: &Path, content: &[u8]) {
    std::fs::File::create(path)
        .unwrap()
        .write_all(content)
        .unwrap();
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
