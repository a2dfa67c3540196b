//! The sandbox of a task: the network, the address, the volumes and, by `pidMode`, the process IDs that its containers
//! share.
//!
//! A container of its own holds it, as on ECS, so that it outlives every other container of the task.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use bollard::models::{ContainerCreateBody, HostConfig, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, StartContainerOptions,
};

use super::client::Engine;
use super::pause;

/// The resources that the containers of a task share.
#[derive(Clone, Debug)]
pub(crate) struct SandboxSpec {
    pub(crate) task_id: String,
    /// The names of the volumes in the definition.
    pub(crate) volumes: Vec<String>,
    /// Whether all containers share one PID namespace.
    pub(crate) processes: bool,
}

/// A task's sandbox. It stays until [`Engine::remove_task`].
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(super) engine: Arc<Engine>,
    pub(super) spec: SandboxSpec,
    /// The container that holds it.
    pub(super) holder: String,
    pub(crate) address: Ipv4Addr,
}

impl Sandbox {
    pub(crate) async fn make(engine: Arc<Engine>, spec: SandboxSpec) -> anyhow::Result<Self> {
        let task = &spec.task_id;
        for volume in &spec.volumes {
            let request = VolumeCreateRequest {
                name: Some(spec.volume(volume)),
                labels: Some(engine.labels(task)),
                ..Default::default()
            };
            engine
                .docker
                .create_volume(request)
                .await
                .with_context(|| format!("making volume {volume}"))?;
        }
        // This container mounts every volume first: Podman makes the user of the first container the owner of a volume,
        // while on Fargate the owner is root.
        let binds = spec
            .volumes
            .iter()
            .map(|volume| format!("{}:/volumes/{volume}:nocopy", spec.volume(volume)));
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
            spec,
            holder,
            address,
        })
    }
}

impl SandboxSpec {
    /// The engine's name for a volume of the definition.
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
            .context("the container engine gave the task no IPv4 address; an engine without root cannot assign one")
    }
}
