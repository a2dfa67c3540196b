//! Connecting to the container engine of this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

use super::client::Engine;
use super::owner;

/// The timeout of calls that the engine should answer at once.
const CALL: Duration = Duration::from_secs(120);
/// The timeout of calls that wait for a container: longer than any task lives.
const CALL_THAT_WAITS: Duration = Duration::from_secs(14 * 24 * 3600);

/// How often, and after which pause, a stand-in tries to begin in an engine that others use.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// The usual sockets: Docker's, and Podman's for root.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

impl Engine {
    /// Connects, and removes the containers and volumes that killed stand-ins left behind.
    pub(crate) async fn connect(socket: Option<&Path>) -> anyhow::Result<Self> {
        let socket = socket.map_or_else(find_socket, |socket| Ok(socket.to_owned()))?;
        let connected = async {
            let docker = Docker::connect_with_unix(
                &socket.to_string_lossy(),
                CALL.as_secs(),
                API_DEFAULT_VERSION,
            )?;
            let docker = docker.negotiate_version().await?;
            let version = docker.version().await?;
            Ok::<_, Error>((docker, version))
        };
        let (docker, version) = connected.await.with_context(|| {
            format!(
                "no container engine answers at {}; start Docker or Podman \
                 (podman system service --time=0 unix://{0}), or set DOCKER_HOST to its socket",
                socket.display()
            )
        })?;
        let mut engine = Self {
            waiting: docker.clone().with_timeout(CALL_THAT_WAITS),
            docker,
            stand_in: owner::identity()?,
            architecture: version.arch.unwrap_or_default(),
            pause_image: String::new(),
            socket,
        };
        engine.pause_image = engine.settle().await?;
        Ok(engine)
    }

    /// Removes what killed stand-ins left behind, makes the image of `pause`, and returns its ID. Other stand-ins that
    /// start or end at this moment change the same containers and images, so a failure counts only when it comes again.
    async fn settle(&self) -> anyhow::Result<String> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.sweep_and_provide().await {
                Err(error) if tries < TRIES => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "the container engine is not ready yet"
                    );
                    tokio::time::sleep(PAUSE).await;
                }
                settled => return settled,
            }
        }
    }

    async fn sweep_and_provide(&self) -> anyhow::Result<String> {
        self.sweep()
            .await
            .context("removing the containers and volumes of earlier stand-ins")?;
        self.provide_pause()
            .await
            .context("making the image of the containers that hold a task's network")
    }
}

/// The socket of `DOCKER_HOST`, or the first of the usual sockets that exists.
fn find_socket() -> anyhow::Result<PathBuf> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) if !host.is_empty() => match host.strip_prefix("unix://") {
            Some(path) => Ok(path.into()),
            None => anyhow::bail!(
                "DOCKER_HOST is {host}; the stand-in connects to its tasks, \
                 so the engine must run on this machine: unix://..."
            ),
        },
        _ => SOCKETS
            .iter()
            .map(PathBuf::from)
            .find(|socket| socket.exists())
            .with_context(|| {
                format!(
                    "there is no container engine at {}; start Docker or Podman \
                     (podman system service --time=0 unix:///run/podman/podman.sock), or set DOCKER_HOST to its socket",
                    SOCKETS.join(" or ")
                )
            }),
    }
}
