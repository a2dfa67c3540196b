//! What the containers of a task share: one network with one address, volumes, and process IDs where the definition
//! wants that. It is held by a container of its own, as on ECS, so that the others can come and go.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use bollard::models::{ContainerCreateBody, HostConfig, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, StartContainerOptions,
};

use super::{Engine, pause};

/// What is to be shared.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) task_id: String,
    /// The volumes' names in the definition.
    pub(crate) volumes: Vec<String>,
    /// One PID namespace for all containers.
    pub(crate) processes: bool,
}

/// A task's sandbox. It stays until [`Engine::remove_task`].
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(super) engine: Arc<Engine>,
    pub(super) shared: Shared,
    /// The container that holds it.
    pub(super) holder: String,
    pub(crate) address: Ipv4Addr,
}

impl Sandbox {
    pub(crate) async fn make(engine: Arc<Engine>, shared: Shared) -> anyhow::Result<Self> {
        let task = &shared.task_id;
        for volume in &shared.volumes {
            let request = VolumeCreateRequest {
                name: Some(shared.volume(volume)),
                labels: Some(engine.labels(task)),
                ..Default::default()
            };
            engine
                .docker
                .create_volume(request)
                .await
                .with_context(|| format!("making volume {volume}"))?;
        }
        // Every volume is mounted here first: Podman gives a volume to the user of the first container it is in, while
        // on Fargate it is root's.
        let binds = shared
            .volumes
            .iter()
            .map(|volume| format!("{}:/volumes/{volume}:nocopy", shared.volume(volume)));
        let body = ContainerCreateBody {
            image: Some(engine.pause_image.clone()),
            entrypoint: Some(vec![pause::PATH.to_owned()]),
            labels: Some(engine.labels(task)),
            host_config: Some(HostConfig {
                binds: Some(binds.collect()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let options = CreateContainerOptions {
            name: Some(format!("fargate-local-{task}")),
            ..Default::default()
        };
        let docker = &engine.docker;
        let holder = docker
            .create_container(Some(options), body)
            .await
            .context("making the container that holds the network")?
            .id;
        docker
            .start_container(&holder, None::<StartContainerOptions>)
            .await
            .context("starting the container that holds the network")?;
        let address = engine.address(&holder).await?;
        Ok(Self {
            engine,
            shared,
            holder,
            address,
        })
    }
}

impl Shared {
    /// What the engine calls a volume of the definition.
    pub(super) fn volume(&self, name: &str) -> String {
        format!("fargate-local-{}-{name}", self.task_id)
    }
}

impl Engine {
    async fn address(&self, container: &str) -> anyhow::Result<Ipv4Addr> {
        let found = self
            .docker
            .inspect_container(container, None::<InspectContainerOptions>)
            .await
            .context("reading the task's address")?;
        let networks = found
            .network_settings
            .and_then(|settings| settings.networks)
            .unwrap_or_default();
        networks
            .into_values()
            .find_map(|network| network.ip_address?.parse().ok())
            .context("the container engine gave the task no IPv4 address; an engine that runs without root cannot")
    }
}
