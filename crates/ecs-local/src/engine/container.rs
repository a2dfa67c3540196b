//! One container of a task.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, KillContainerOptions, LogsOptions,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::{Stream, StreamExt};
use tokio::task::JoinHandle;

use super::{Engine, Image, Sandbox, words};
use crate::task::Output;
use crate::task::plan::ContainerPlan;

/// What is asked of containers when their image does not say.
const STOP_SIGNAL: &str = "SIGTERM";

/// What a process has that was killed.
const KILLED: i32 = 128 + 9;

/// How long a killed container may take to be gone.
const KILL: Duration = Duration::from_secs(30);

/// How long the last of its output may take to come after a container's end.
const LAST_OUTPUT: Duration = Duration::from_secs(5);

/// Pause between attempts when the engine does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// How a container ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    /// It was killed because it used more memory than it may.
    pub(crate) out_of_memory: bool,
}

/// A started container.
#[derive(Debug)]
pub(crate) struct Container {
    engine: Arc<Engine>,
    id: String,
    stop_signal: String,
    /// Copies what it writes.
    output: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a container, or says in ECS's words and the engine's why it does not start.
    pub(crate) async fn start(
        &self,
        plan: &ContainerPlan,
        image: &Image,
        environment: &BTreeMap<String, String>,
        output: &Output,
    ) -> Result<Container, String> {
        let failed = |error: Error| format!("CannotStartContainerError: {}", words(&error));
        let docker = &self.engine.docker;
        let options = CreateContainerOptions {
            name: Some(format!(
                "fargate-local-{}-{}",
                self.shared.task_id, plan.name
            )),
            ..Default::default()
        };
        let request = plan.settings.request(plan, image, environment, self);
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
        let lines = self.engine.patient.logs(&id, Some(options));
        Ok(Container {
            engine: self.engine.clone(),
            stop_signal: image
                .stop_signal
                .clone()
                .unwrap_or_else(|| STOP_SIGNAL.to_owned()),
            output: Some(tokio::spawn(copy(lines, output.clone()))),
            id,
        })
    }

    /// The engine it is in.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

async fn copy(lines: impl Stream<Item = Result<LogOutput, Error>>, output: Output) {
    let mut lines = std::pin::pin!(lines);
    let (mut stdout, mut stderr) = (output.writer(), output.writer());
    while let Some(line) = lines.next().await {
        match line {
            Ok(LogOutput::StdErr { message }) => stderr.push(&message),
            Ok(line) => stdout.push(line.as_ref()),
            Err(error) => {
                tracing::debug!(%error, "cannot read on in a container's output");
                return;
            }
        }
    }
}

impl Container {
    /// Waits for its end, and for the rest of its output. Cancel-safe.
    pub(crate) async fn wait(&mut self) -> Exit {
        let code = self.code().await;
        if let Some(output) = &mut self.output {
            // What it left running in shared processes may hold the output open.
            match tokio::time::timeout(LAST_OUTPUT, output).await {
                Ok(_) => self.output = None,
                Err(_) => tracing::debug!(container = self.id, "its output goes on after its end"),
            }
        }
        Exit {
            code,
            out_of_memory: code == KILLED && self.ran_out_of_memory().await,
        }
    }

    /// The stop signal; SIGKILL when `patience` has run out.
    pub(crate) async fn stop(&mut self, patience: impl Future<Output = ()>) -> i32 {
        self.signal(&self.stop_signal).await;
        tokio::select! {
            exit = self.wait() => return exit.code,
            () = patience => {}
        }
        self.signal("SIGKILL").await;
        let killed = tokio::time::timeout(KILL, self.wait()).await;
        // Without an engine nothing can be known of it any more.
        killed.map_or(KILLED, |exit| exit.code)
    }

    async fn signal(&self, signal: &str) {
        let options = KillContainerOptions {
            signal: signal.to_owned(),
        };
        // It may have ended by now.
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
                .patient
                .wait_container(&self.id, Some(options()))
                .next()
                .await;
            match ended {
                Some(Ok(ended)) => return narrow(ended.status_code),
                Some(Err(Error::DockerContainerWaitError { code, .. })) => return narrow(code),
                // Somebody else removed it.
                Some(Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                })) => return KILLED,
                other => {
                    tracing::warn!(container = self.id, answer = ?other, "cannot wait for a container");
                    tokio::time::sleep(AGAIN).await;
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
        let told = found
            .ok()
            .and_then(|container| container.state?.oom_killed)
            .unwrap_or(false);
        // Podman does not learn of it on machines with the first version of control groups. Few other things end a
        // container so: nobody inside of one can kill its first process, and `stop` does not ask.
        told || self.engine.podman
    }

    /// A way to run commands in it.
    pub(crate) fn inside(&self) -> Inside {
        Inside {
            engine: self.engine.clone(),
            id: self.id.clone(),
        }
    }
}

/// The inside of a container.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    engine: Arc<Engine>,
    id: String,
}

impl Inside {
    /// Runs a command there and says whether it succeeded.
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
