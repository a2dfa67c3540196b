//! An AWS account inside this process: the stand-in, and a configuration for the driver that points to it.
//!
//! Tasks are processes of one task definition, which run this program's own agent, or they are composed for their jobs
//! and run in real containers.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ecs_local::{AccessKey, Backend, Options, SECURITY_GROUP, SUBNET_A, StandIn};
use fargate_wire::{AGENT_PORT, COORDINATOR_CONTAINER};
use gitlab_local::Environment;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::aws::{OneContainer, Setup};
use crate::error::{Error, Result};
use crate::state::files;

use super::agent_process::process_backend;
use super::container_setup::ContainerSetup;

/// Folders that tasks write to.
const TASK_FOLDERS: [&str; 2] = ["builds", "home"];

const CLUSTER: &str = "try";
const FAMILY: &str = "try";
const REGION: &str = "us-east-1";

/// A running account. Its tasks end with it.
#[derive(Debug)]
pub(super) struct LocalAccount {
    /// Configuration, records, and the folders that tasks may write to.
    folder: PathBuf,
    /// Signs every call: other users of this machine can connect, too.
    access_key: AccessKey,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl LocalAccount {
    /// Starts it on a free port of the loopback interface, with tasks in `containers` or as processes. Its files are in
    /// `folder`.
    ///
    /// # Errors
    ///
    /// When it cannot listen, its folder cannot be filled, or an image for containers is missing.
    pub(super) async fn start(folder: &Path, containers: Option<&ContainerSetup>) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::system(format!(
                "could not start the local stand-in for AWS: {error}"
            ))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let endpoint = format!("http://{address}");
        let access_key = AccessKey::random();
        let options = Options {
            backend: match containers {
                Some(_) => Backend::Container { socket: None },
                None => process_backend()?,
            },
            access_key: Some(access_key.clone()),
            ..Options::default()
        };
        let server = StandIn::new(options)
            .await
            .map_err(|error| Error::system(format!("{error:#}")))?;
        if let Some(containers) = containers {
            containers.provide(&server).await?;
        }
        let tasks = containers.map_or_else(task_definition, ContainerSetup::configuration);
        fill(folder, &endpoint, &tasks).map_err(failed)?;
        let (shutdown, stopped) = oneshot::channel();
        // A dropped sender means the same as a message.
        let server = server.serve(listener, async move { drop(stopped.await) });
        let account = Self {
            server: tokio::spawn(server),
            folder: folder.to_owned(),
            access_key,
            shutdown,
        };
        match account.set_up(&endpoint, containers.is_none()).await {
            Ok(()) => Ok(account),
            Err(error) => {
                account.stop().await?;
                Err(error.context("could not set up the local stand-in for AWS"))
            }
        }
    }

    /// Makes what an operator makes in an account. Tasks that are processes of this machine have a home folder of their
    /// own.
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
            access_key: (&self.access_key.id, &self.access_key.secret),
            cluster: CLUSTER,
            definition: with_definition.then_some(definition),
        };
        Ok(setup.make().await?)
    }

    /// Ends its tasks, and itself.
    ///
    /// # Errors
    ///
    /// When the stand-in has failed before.
    pub(super) async fn stop(self) -> Result<()> {
        drop(self.shutdown);
        let ended = self.server.await.map_err(anyhow::Error::from);
        ended
            .flatten()
            .map_err(|error| Error::system(format!("the local stand-in for AWS failed: {error:#}")))
    }

    /// The driver's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join("fargate.toml")
    }

    /// The folders that tasks write to: builds, and their home.
    pub(super) fn task_folders(&self) -> Vec<PathBuf> {
        TASK_FOLDERS.map(|name| self.folder.join(name)).to_vec()
    }

    /// The folder of builds.
    pub(super) fn builds_dir(&self) -> String {
        self.path("builds")
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The environment of the driver's calls, without credentials of this machine's owner and without a proxy.
    pub(super) fn environment(&self) -> Environment {
        let AccessKey { id, secret } = &self.access_key;
        let set = [
            ("AWS_ACCESS_KEY_ID", id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", secret),
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

/// Fills `folder` before the first call.
fn fill(folder: &Path, endpoint: &str, tasks: &str) -> std::io::Result<()> {
    for name in TASK_FOLDERS {
        files::make_folder(&folder.join(name))?;
    }
    let records = folder.join("metadata").display().to_string();
    let config = configuration(endpoint, &records, tasks);
    files::create(&folder.join("fargate.toml"))?.write_all(config.as_bytes())
}

/// The driver's configuration; `tasks` ends `[Fargate]` and adds further sections.
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
