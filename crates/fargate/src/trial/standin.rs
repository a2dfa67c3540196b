//! The stand-in for AWS in this process, and a configuration for the driver that points there: with a task definition
//! whose container is a process, this program's own agent, or for tasks that are composed for their jobs and run in real
//! containers.

use std::path::{Path, PathBuf};

use ecs_local::{Backend, Options, SECURITY_GROUP, SUBNET_A, StandIn};
use fargate_wire::{AGENT_PORT, COORDINATOR_CONTAINER};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::aws::{OneContainer, Setup};
use crate::error::{Error, Result};

use super::call::Environment;
use super::containers::Containers;
use super::private;

const CLUSTER: &str = "try";
const FAMILY: &str = "try";
const REGION: &str = "us-east-1";

/// The stand-in takes any credentials; these say in its log whose they are.
const CREDENTIAL: &str = "fargate-try";

/// A running stand-in. Its tasks end with it.
#[derive(Debug)]
pub(super) struct Standin {
    /// Configuration, records, and what tasks may write to.
    folder: TempDir,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Standin {
    /// Starts it on a free port of the loopback interface, with tasks in `containers` or as processes.
    ///
    /// # Errors
    ///
    /// When it cannot listen, its folder cannot be made, or what containers need is not there.
    pub(super) async fn start(containers: Option<&Containers>) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::system(format!(
                "could not start the local stand-in for AWS: {error}"
            ))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let endpoint = format!("http://{address}");
        let options = Options {
            backend: match containers {
                Some(_) => Backend::Container { socket: None },
                None => crate::trial::local::process_backend()?,
            },
            ..Options::default()
        };
        let server = StandIn::new(options)
            .await
            .map_err(|error| Error::system(format!("{error:#}")))?;
        if let Some(containers) = containers {
            containers.provide(&server).await?;
        }
        let folder = private::temporary_folder("fargate-try").map_err(failed)?;
        let tasks = containers.map_or_else(task_definition, Containers::configuration);
        fill(folder.path(), &endpoint, &tasks).map_err(failed)?;
        let (shutdown, told) = oneshot::channel();
        // A sender that is gone says the same as one that was used.
        let server = server.serve(listener, async move { drop(told.await) });
        let standin = Self {
            server: tokio::spawn(server),
            folder,
            shutdown,
        };
        match standin.set_up(&endpoint, containers.is_none()).await {
            Ok(()) => Ok(standin),
            Err(error) => {
                standin.stop().await?;
                Err(error.context("could not set up the local stand-in for AWS"))
            }
        }
    }

    /// What an operator would have made in the account. Tasks that are processes of this machine do what their scripts
    /// do at home in a folder of their own.
    async fn set_up(&self, endpoint: &str, with_definition: bool) -> Result<()> {
        let home = self.path("home");
        let environment = [("HOME", home.as_str())];
        let definition = OneContainer {
            family: FAMILY,
            container: (COORDINATOR_CONTAINER, AGENT_PORT),
            image: "fargate-try/this-machine",
            environment: &environment,
        };
        let setup = Setup {
            endpoint,
            region: REGION,
            credential: CREDENTIAL,
            cluster: CLUSTER,
            definition: with_definition.then_some(definition),
        };
        Ok(setup.make().await?)
    }

    /// Ends its tasks, and itself.
    ///
    /// # Errors
    ///
    /// When it had failed.
    pub(super) async fn stop(self) -> Result<()> {
        drop(self.shutdown);
        let ended = self.server.await.map_err(anyhow::Error::from);
        ended
            .flatten()
            .map_err(|error| Error::system(format!("the local stand-in for AWS failed: {error:#}")))
    }

    /// The driver's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("fargate.toml")
    }

    /// Where jobs have their builds.
    pub(super) fn builds_dir(&self) -> String {
        self.path("builds")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The environment of the driver's calls: no credentials of this machine's owner come near the stand-in,
    /// and no proxy between.
    pub(super) fn environment(&self) -> Environment {
        let set = [
            ("AWS_ACCESS_KEY_ID", CREDENTIAL),
            ("AWS_SECRET_ACCESS_KEY", CREDENTIAL),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
            ("no_proxy", "127.0.0.1"),
        ];
        let unset = ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"];
        let set = set.map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
        let unset = unset.map(|key| (key.to_owned(), None));
        set.into_iter().chain(unset).collect()
    }
}

/// Puts into `folder` what is there before the first call.
fn fill(folder: &Path, endpoint: &str, tasks: &str) -> std::io::Result<()> {
    for name in ["builds", "home"] {
        private::folder(&folder.join(name))?;
    }
    let records = folder.join("metadata").display().to_string();
    let config = configuration(endpoint, &records, tasks);
    private::file(&folder.join("fargate.toml"), config.as_bytes())
}

/// `tasks`: what `[Fargate]` and further sections say of them.
fn configuration(endpoint: &str, records: &str, tasks: &str) -> String {
    // A string of JSON is one of TOML.
    let records = serde_json::Value::from(records);
    format!(
        "[TaskMetadata]\nDirectory = {records}\n\n\
         [Fargate]\n\
         Cluster = \"{CLUSTER}\"\nRegion = \"{REGION}\"\nSubnet = \"{SUBNET_A}\"\nSecurityGroup = \"{SECURITY_GROUP}\"\n\
         EnablePublicIP = false\nEndpoint = \"{endpoint}\"\n\
         CapacityProviderStrategy = [{{ Name = \"FARGATE\", Weight = 1 }}]\n{tasks}"
    )
}

/// Tasks of the one definition.
fn task_definition() -> String {
    format!("TaskDefinition = \"{FAMILY}\"\n\n[SSH]\nUsername = \"root\"\nPort = {AGENT_PORT}\n")
}
