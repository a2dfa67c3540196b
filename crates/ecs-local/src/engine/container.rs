//! One container of a task.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::models::HostConfig;
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, KillContainerOptions, LogsOptions,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::{Stream, StreamExt};
use tempfile::NamedTempFile;
use tokio::task::JoinHandle;

use super::client::{Engine, message};
use super::image::Image;
use super::kernel_log;
use super::memory::ContainerMemory;
use super::sandbox::Sandbox;
use super::settings::ContainerSettings;
use crate::container_output::ContainerOutput;

/// The stop signal of an image that names none.
const DEFAULT_STOP_SIGNAL: &str = "SIGTERM";

/// The exit code of a killed process.
const KILLED: i32 = 128 + 9;

/// The time in which a killed container has to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(30);

/// The time for the rest of the output after a container's end.
const LAST_OUTPUT: Duration = Duration::from_secs(5);

/// The pause between attempts while the engine does not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The end of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContainerExit {
    pub(crate) code: i32,
    /// Whether it was killed because it used more memory than its limit.
    pub(crate) out_of_memory: bool,
}

/// A started container.
#[derive(Debug)]
pub(crate) struct EngineContainer {
    engine: Arc<Engine>,
    id: String,
    stop_signal: String,
    /// The task that copies its output.
    output: Option<JoinHandle<()>>,
    _own_hosts: Option<NamedTempFile>,
}

impl Sandbox {
    /// Starts a container. The error has ECS's words and the engine's.
    pub(crate) async fn start(
        &self,
        settings: &ContainerSettings,
        image: &Image,
        environment: &BTreeMap<String, String>,
        output: &ContainerOutput,
        own_hosts: bool,
    ) -> Result<EngineContainer, String> {
        let failed = |error: Error| format!("CannotStartContainerError: {}", message(&error));
        let docker = &self.engine.docker;
        let options = CreateContainerOptions {
            name: Some(format!(
                "fargate-local-{}-{}",
                self.spec.task_id, settings.name
            )),
            ..Default::default()
        };
        let mut request = settings.request(image, environment, self);
        // Otherwise the engine gives it the file of the sandbox, as ECS does.
        let own_hosts = match request.host_config.as_mut().filter(|_| own_hosts) {
            Some(host_config) => Some(mount_hosts(host_config).map_err(|error| {
                format!("CannotStartContainerError: making its /etc/hosts: {error}")
            })?),
            None => None,
        };
        let id = docker
            .create_container(Some(options), request)
            .await
            .map_err(failed)?
            .id;
        docker
            .start_container(&id, None::<StartContainerOptions>)
            .await
            .map_err(failed)?;
        let options = LogsOptions {
            follow: true,
            stdout: true,
            stderr: true,
            ..Default::default()
        };
        let lines = self.engine.waiting.logs(&id, Some(options));
        Ok(EngineContainer {
            engine: self.engine.clone(),
            stop_signal: image
                .stop_signal
                .clone()
                .unwrap_or_else(|| DEFAULT_STOP_SIGNAL.to_owned()),
            output: Some(tokio::spawn(copy(lines, output.clone()))),
            _own_hosts: own_hosts,
            id,
        })
    }

    /// The engine of the sandbox.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// Mounts a new file of this machine, which the engine runs on, as the container's `/etc/hosts`.
fn mount_hosts(host_config: &mut HostConfig) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(b"127.0.0.1 localhost\n")?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    let bind = format!("{}:/etc/hosts", file.path().display());
    host_config.binds.get_or_insert_default().push(bind);
    Ok(file)
}

async fn copy(lines: impl Stream<Item = Result<LogOutput, Error>>, output: ContainerOutput) {
    let mut lines = std::pin::pin!(lines);
    let (mut stdout, mut stderr) = (output.writer(), output.writer());
    while let Some(line) = lines.next().await {
        match line {
            Ok(LogOutput::StdErr { message }) => stderr.push(&message),
            Ok(line) => stdout.push(line.as_ref()),
            Err(error) => {
                tracing::debug!(%error, "cannot read the rest of a container's output");
                return;
            }
        }
    }
}

impl EngineContainer {
    /// Waits for its end, and for the rest of its output. Cancel-safe.
    pub(crate) async fn wait(&mut self) -> ContainerExit {
        let code = self.code().await;
        if let Some(output) = &mut self.output {
            // Among shared processes, a process that it left running may hold the output open.
            match tokio::time::timeout(LAST_OUTPUT, output).await {
                Ok(_) => self.output = None,
                Err(_) => tracing::debug!(
                    container = self.id,
                    "the output goes on after the container's end"
                ),
            }
        }
        ContainerExit {
            code,
            out_of_memory: code == KILLED && self.ran_out_of_memory().await,
        }
    }

    /// Sends the stop signal, and when `patience` completes first, SIGKILL.
    pub(crate) async fn stop(&mut self, patience: impl Future<Output = ()>) -> i32 {
        self.signal(&self.stop_signal).await;
        tokio::select! {
            exit = self.wait() => return exit.code,
            () = patience => {}
        }
        self.signal("SIGKILL").await;
        let killed = tokio::time::timeout(KILL_TIMEOUT, self.wait()).await;
        // Without an answer of the engine, the exit code is unknown.
        killed.map_or(KILLED, |exit| exit.code)
    }

    async fn signal(&self, signal: &str) {
        let options = KillContainerOptions {
            signal: signal.to_owned(),
        };
        // It may have ended meanwhile.
        if let Err(error) = self
            .engine
            .docker
            .kill_container(&self.id, Some(options))
            .await
        {
            tracing::debug!(container = self.id, signal, %error, "cannot signal a container");
        }
    }

    async fn code(&self) -> i32 {
        let options = || WaitContainerOptions {
            condition: "not-running".to_owned(),
        };
        loop {
            let ended = self
                .engine
                .waiting
                .wait_container(&self.id, Some(options()))
                .next()
                .await;
            match ended {
                Some(Ok(ended)) => return narrow(ended.status_code),
                Some(Err(Error::DockerContainerWaitError { code, .. })) => return narrow(code),
                // Something else removed it.
                Some(Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                })) => return KILLED,
                other => {
                    tracing::warn!(container = self.id, answer = ?other, "cannot wait for a container");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    async fn ran_out_of_memory(&self) -> bool {
        let found = self
            .engine
            .docker
            .inspect_container(&self.id, None::<InspectContainerOptions>)
            .await;
        let reported = found
            .ok()
            .and_then(|container| container.state?.oom_killed)
            .unwrap_or(false);
        // Podman does not notice it on machines with the first version of control groups. A status of 137 alone is also
        // that of an entry point whose own child was killed.
        reported || kernel_log::memory_ran_out(&self.id)
    }

    /// Asks for its memory, where the machine shows it.
    pub(crate) fn memory(&self) -> impl Future<Output = Option<ContainerMemory>> + use<> {
        let (engine, id) = (self.engine.clone(), self.id.clone());
        async move {
            let options = None::<InspectContainerOptions>;
            let found = engine.docker.inspect_container(&id, options).await;
            ContainerMemory::of_container(&id, found.ok()?.state?.pid?)
        }
    }

    /// A handle that runs commands in it.
    pub(crate) fn exec(&self) -> ContainerExec {
        ContainerExec {
            engine: self.engine.clone(),
            id: self.id.clone(),
        }
    }
}

/// Runs commands in a container.
#[derive(Clone, Debug)]
pub(crate) struct ContainerExec {
    engine: Arc<Engine>,
    id: String,
}

impl ContainerExec {
    /// Runs a command, and returns whether it succeeded.
    pub(crate) async fn run(&self, command: &[String]) -> anyhow::Result<bool> {
        let docker = &self.engine.docker;
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..Default::default()
        };
        let id = docker.create_exec(&self.id, options).await?.id;
        if let StartExecResults::Attached { mut output, .. } =
            docker.start_exec(&id, None::<StartExecOptions>).await?
        {
            while output.next().await.is_some() {}
        }
        let ended = docker.inspect_exec(&id).await?;
        Ok(ended.exit_code == Some(0))
    }
}

fn narrow(code: i64) -> i32 {
    i32::try_from(code).unwrap_or(KILLED)
}
