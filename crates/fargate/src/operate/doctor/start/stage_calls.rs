//! Calls of this program's stages, as GitLab Runner makes them.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::observed::Outcome;
use crate::config::{Config, Mode};
use crate::gitlab::played_runner;
use crate::signals::Shutdown;

/// How long the job may take, after which its task ends by itself in JobImage mode. Seconds.
const TIME_LIMIT: u64 = 1800;

/// How long a stage has to end after SIGTERM, as with GitLab Runner (graceful_kill_timeout, with what cleanup needs).
const PATIENCE: Duration = Duration::from_secs(30);

/// The runner's side of one job: its folder and its calls.
#[derive(Debug)]
pub(super) struct StageCalls<'a> {
    program: PathBuf,
    config: PathBuf,
    folder: TempDir,
    shutdown: &'a Shutdown,
}

impl<'a> StageCalls<'a> {
    /// A job with this id, in a new folder.
    pub(super) fn new(
        config: &Config,
        file: &std::path::Path,
        id: u64,
        shutdown: &'a Shutdown,
    ) -> io::Result<Self> {
        let calls = Self {
            program: std::env::current_exe()?,
            config: std::path::absolute(file)?,
            folder: tempfile::Builder::new()
                .prefix("fargate-doctor-")
                .tempdir()?,
            shutdown,
        };
        std::fs::write(
            played_runner::response_file(calls.folder.path()),
            response(config, id).to_string(),
        )?;
        Ok(calls)
    }

    /// Runs a script as the runner's stage of this name.
    pub(super) async fn script(
        &self,
        stage: &str,
        script: &str,
        bound: Duration,
    ) -> io::Result<Outcome> {
        let file = self.folder.path().join(stage);
        std::fs::write(&file, script)?;
        let file = file.to_string_lossy().into_owned();
        Ok(self.call("run", &[&file, stage], bound).await)
    }

    /// Calls a stage. After a signal only cleanup is called.
    pub(super) async fn call(&self, stage: &str, arguments: &[&str], bound: Duration) -> Outcome {
        let stopped = self.shutdown.requested();
        let call = self.command(stage, arguments).spawn();
        let child = match call {
            Ok(child) => child,
            Err(error) => return failed(format!("could not call the stage: {error}")),
        };
        let process = child.id();
        let ended = finish(child);
        tokio::pin!(ended);
        tokio::select! {
            outcome = &mut ended => return outcome,
            _signal = stopped, if stage != "cleanup" => {}
            () = tokio::time::sleep(bound) => {}
        }
        terminate(process);
        let ended = timeout(PATIENCE, ended).await;
        ended.unwrap_or_else(|_| failed(format!("{stage} did not end")))
    }

    fn command(&self, stage: &str, arguments: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(&self.config)
            .args(["custom", stage])
            .args(arguments)
            .env("TMPDIR", folder)
            .envs(played_runner::variables(folder, "fargate-doctor"))
            .env("NO_COLOR", "1")
            .current_dir(folder)
            // Ctrl-C is for doctor, which passes it on.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// The job's response file. Where jobs bring their own images, this one's is one that the configuration names.
fn response(config: &Config, id: u64) -> Value {
    let image = match &config.mode {
        Mode::JobImage(image) => {
            json!({ "name": image.default_image.as_ref().unwrap_or(&image.helper_image) })
        }
        Mode::TaskDefinition(_) => Value::Null,
    };
    json!({
        "id": id, "token": "none", "image": image, "runner_info": { "timeout": TIME_LIMIT },
        "job_info": { "name": "doctor", "project_id": 0, "project_full_path": "fargate/doctor", "pipeline_id": 0 },
    })
}

async fn finish(child: Child) -> Outcome {
    match child.wait_with_output().await {
        Ok(output) => Outcome {
            is_success: output.status.success(),
            text: [output.stdout, output.stderr]
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .concat(),
        },
        Err(error) => failed(format!("could not wait for the stage: {error}")),
    }
}

fn failed(text: String) -> Outcome {
    Outcome {
        is_success: false,
        text: format!("ERROR: {text}"),
    }
}

/// Ends a stage as the runner does: by a signal to its process group.
fn terminate(process: Option<u32>) {
    let group = process.and_then(|id| i32::try_from(id).ok());
    if let Some(group) = group {
        // It may have ended just now.
        let _ended = killpg(Pid::from_raw(group), Signal::SIGTERM);
    }
}
