//! Docker or Podman, over the Docker API: what a task's containers run in when they are real ones.
//!
//! One place knows the API. Everything made through it is labelled with the stand-in and the task it is for, so that
//! it can be found and removed by whoever comes later: the end of the task, the end of the stand-in, or, when that was
//! killed, the next stand-in.

mod container;
mod image;
mod import;
mod listing;
mod owner;
mod pause;
mod sandbox;
mod settings;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bollard::errors::Error;
use bollard::query_parameters::{ListVolumesOptions, RemoveContainerOptions, RemoveVolumeOptions};
use bollard::{API_DEFAULT_VERSION, Docker};

pub(crate) use container::{Container, Inside};
pub(crate) use image::Image;
pub(crate) use sandbox::{Sandbox, Shared};
pub(crate) use settings::Settings;

/// Which stand-in something is of.
const STAND_IN: &str = "fargate.local";
/// Which task something is of.
const TASK: &str = "fargate.local.task";
/// What a container is in its task: its name, or nothing for what all share.
const CONTAINER: &str = "fargate.local.container";

/// How long the engine may take to answer what it should answer at once.
const ANSWER: Duration = Duration::from_secs(120);
/// How long it may take to answer what waits for something: longer than any task lives.
const WAIT: Duration = Duration::from_secs(14 * 24 * 3600);

/// Where the engines listen when nothing says so: Docker, Podman of root.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// A container engine, as one stand-in uses it.
#[derive(Debug)]
pub(crate) struct Engine {
    socket: PathBuf,
    docker: Docker,
    /// The same, for calls that wait.
    patient: Docker,
    /// What is written on everything made.
    stand_in: String,
    /// Podman: it differs from Docker in what it tells.
    podman: bool,
    /// What it runs programs for, by Docker's name of it.
    architecture: String,
    /// The image of [`pause`].
    pause_image: String,
}

impl Engine {
    /// Connects, and removes what stand-ins left behind that were killed.
    pub(crate) async fn connect(socket: Option<&Path>) -> anyhow::Result<Self> {
        let socket = socket.map_or_else(find_socket, |socket| Ok(socket.to_owned()))?;
        let connected = async {
            let docker = Docker::connect_with_unix(
                &socket.to_string_lossy(),
                ANSWER.as_secs(),
                API_DEFAULT_VERSION,
            )?;
            let docker = docker.negotiate_version().await?;
            let version = docker.version().await?;
            Ok::<_, Error>((docker, version))
        };
        let (docker, version) = connected.await.with_context(|| {
            format!(
                "no container engine answers at {}; start Docker or Podman (podman system service --time=0 unix://{0}), or say with DOCKER_HOST where it is",
                socket.display()
            )
        })?;
        let mut engine = Self {
            patient: docker.clone().with_timeout(WAIT),
            docker,
            stand_in: owner::identity()?,
            podman: version
                .components
                .iter()
                .flatten()
                .any(|component| component.name.starts_with("Podman")),
            architecture: version.arch.unwrap_or_default(),
            pause_image: String::new(),
            socket,
        };
        engine
            .sweep()
            .await
            .context("removing what earlier stand-ins left in the container engine")?;
        engine.pause_image = engine
            .provide_pause()
            .await
            .context("making the image of the containers that hold a task's network")?;
        Ok(engine)
    }

    /// Removes what this stand-in made, whatever it is of.
    pub(crate) async fn remove_all(&self) -> anyhow::Result<()> {
        self.remove(|label| label(STAND_IN).as_ref() == Some(&self.stand_in))
            .await
    }

    /// Removes a task's containers and volumes.
    pub(crate) async fn remove_task(&self, task: &str) -> anyhow::Result<()> {
        self.remove(|label| {
            label(STAND_IN).as_ref() == Some(&self.stand_in) && label(TASK).as_deref() == Some(task)
        })
        .await
    }

    /// Removes what is of stand-ins that are no more.
    async fn sweep(&self) -> anyhow::Result<()> {
        self.remove(|label| label(STAND_IN).is_some_and(|id| owner::is_gone(&id)))
            .await
    }

    /// Removes the containers and volumes whose labels are `chosen` by reading them.
    async fn remove(
        &self,
        chosen: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool,
    ) -> anyhow::Result<()> {
        let mut containers = listing::containers(&self.socket)
            .await
            .context("listing containers")?;
        containers.retain(|container| chosen(&|name| container.label(name).cloned()));
        // The one that holds the network last: Podman does not remove what others use.
        containers.sort_by_key(|container| container.label(CONTAINER).is_none());
        for container in containers {
            let options = RemoveContainerOptions {
                force: true,
                v: true,
                ..Default::default()
            };
            gone(
                self.docker
                    .remove_container(&container.id, Some(options))
                    .await,
            )
            .with_context(|| format!("removing container {}", container.id))?;
        }
        let filters = HashMap::from([("label".to_owned(), vec![STAND_IN.to_owned()])]);
        let volumes = self
            .docker
            .list_volumes(Some(ListVolumesOptions {
                filters: Some(filters),
            }))
            .await
            .context("listing volumes")?;
        for volume in volumes.volumes.unwrap_or_default() {
            if chosen(&|name| volume.labels.get(name).cloned()) {
                let options = RemoveVolumeOptions { force: true };
                gone(self.docker.remove_volume(&volume.name, Some(options)).await)
                    .with_context(|| format!("removing volume {}", volume.name))?;
            }
        }
        Ok(())
    }

    /// What is written on something of a task.
    fn labels(&self, task: &str) -> HashMap<String, String> {
        HashMap::from([
            (STAND_IN.to_owned(), self.stand_in.clone()),
            (TASK.to_owned(), task.to_owned()),
        ])
    }
}

/// `DOCKER_HOST`, or the first engine's usual place where there is something.
fn find_socket() -> anyhow::Result<PathBuf> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) if !host.is_empty() => match host.strip_prefix("unix://") {
            Some(path) => Ok(path.into()),
            None => anyhow::bail!(
                "DOCKER_HOST is {host}; tasks have to be reached from here, so it must be an engine of this machine: unix://..."
            ),
        },
        _ => SOCKETS
            .iter()
            .map(PathBuf::from)
            .find(|socket| socket.exists())
            .with_context(|| {
                format!(
                    "there is no container engine at {}; start Docker or Podman (podman system service --time=0 unix:///run/podman/podman.sock), or say with DOCKER_HOST where it is",
                    SOCKETS.join(" or ")
                )
            }),
    }
}

/// Takes something that is not there, or is just being removed, for removed.
fn gone(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(Error::DockerResponseServerError {
            status_code: 404 | 409,
            ..
        }) => Ok(()),
        other => other,
    }
}

/// The engine's own words for what went wrong.
fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    }
}
