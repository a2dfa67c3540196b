//! Removing the containers and volumes of a task, of a stand-in, or of stand-ins that were killed.

use std::collections::HashMap;

use anyhow::Context;
use bollard::errors::Error;
use bollard::query_parameters::{ListVolumesOptions, RemoveContainerOptions, RemoveVolumeOptions};

use super::client::{CONTAINER, Engine, STAND_IN, TASK};
use super::{listing, owner};

impl Engine {
    /// Removes everything that this stand-in made.
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

    /// Removes everything that ended stand-ins left behind.
    pub(super) async fn sweep(&self) -> anyhow::Result<()> {
        self.remove(|label| label(STAND_IN).is_some_and(|id| owner::is_gone(&id)))
            .await
    }

    /// Removes the containers and volumes that are `chosen` by their labels.
    async fn remove(
        &self,
        chosen: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool,
    ) -> anyhow::Result<()> {
        let mut containers = listing::containers(&self.socket)
            .await
            .context("listing containers")?;
        containers.retain(|container| chosen(&|name| container.label(name).cloned()));
        // The container that holds the network comes last: Podman does not remove one that others use.
        containers.sort_by_key(|container| container.label(CONTAINER).is_none());
        for container in containers {
            let options = RemoveContainerOptions {
                force: true,
                v: true,
                ..Default::default()
            };
            ignore_missing(
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
                ignore_missing(self.docker.remove_volume(&volume.name, Some(options)).await)
                    .with_context(|| format!("removing volume {}", volume.name))?;
            }
        }
        Ok(())
    }
}

/// Succeeds also if the resource does not exist, or is just being removed.
fn ignore_missing(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(Error::DockerResponseServerError {
            status_code: 404 | 409,
            ..
        }) => Ok(()),
        other => other,
    }
}
