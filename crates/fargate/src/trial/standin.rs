//! The stand-in for AWS in this process: a cluster, a task definition whose container is this program's own
//! agent, and a configuration for the driver that points there.

use std::path::PathBuf;

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::types::{Compatibility, ContainerDefinition, NetworkMode, PortMapping};
use ecs_local::{Options, SECURITY_GROUP, SUBNET_A};
use fargate_wire::{AGENT_PORT, COORDINATOR_CONTAINER};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

use super::call::Environment;
use super::private;

const CLUSTER: &str = "try";
const FAMILY: &str = "try";
const REGION: &str = "us-east-1";

/// The stand-in takes any credentials; these say in its log whose they are.
const CREDENTIAL: &str = "fargate-try";

/// A running stand-in. Its tasks end with it.
#[derive(Debug)]
pub(super) struct Standin {
    /// Configuration, records, builds.
    folder: TempDir,
    config: PathBuf,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Standin {
    /// Starts it on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// When it cannot listen, or its folder cannot be made.
    pub(super) async fn start() -> Result<Self> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Error::system(format!("could not {what}: {error}"))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| failed("listen for the local stand-in for AWS", &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| failed("listen for the local stand-in for AWS", &error))?;
        let endpoint = format!("http://{address}");
        let folder = private::temporary_folder("fargate-try")
            .map_err(|error| failed("make a private folder", &error))?;
        let config = folder.path().join("fargate.toml");
        let text = configuration(
            &endpoint,
            &folder.path().join("metadata").display().to_string(),
        );
        private::file(&config, text.as_bytes())
            .and_then(|()| private::folder(&folder.path().join("builds")))
            .map_err(|error| failed("write into a private folder", &error))?;
        let options = Options {
            backend: crate::local::process_backend()?,
            ..Options::default()
        };
        let (shutdown, told) = oneshot::channel();
        // A sender that is gone says the same as one that was used.
        let server = tokio::spawn(ecs_local::serve(listener, options, async move {
            drop(told.await)
        }));
        let standin = Self {
            folder,
            config,
            shutdown,
            server,
        };
        match set_up(&endpoint).await {
            Ok(()) => Ok(standin),
            Err(error) => {
                standin.stop().await?;
                Err(failed(
                    "set up the local stand-in for AWS",
                    &format!("{error:#}"),
                ))
            }
        }
    }

    /// Ends its tasks, and itself.
    ///
    /// # Errors
    ///
    /// When it had failed.
    pub(super) async fn stop(self) -> Result<()> {
        drop(self.shutdown);
        match self.server.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::system(format!(
                "the local stand-in for AWS failed: {error:#}"
            ))),
            Err(error) => Err(Error::system(format!(
                "the local stand-in for AWS failed: {error}"
            ))),
        }
    }

    /// The driver's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.config.clone()
    }

    /// Where jobs have their builds: their tasks are processes of this machine.
    pub(super) fn builds_dir(&self) -> String {
        self.folder.path().join("builds").display().to_string()
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
        let unset = [
            "AWS_PROFILE",
            "AWS_SESSION_TOKEN",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_ECS",
            "AWS_ENDPOINT_URL_EC2",
        ];
        let set = set.map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
        set.into_iter()
            .chain(unset.map(|key| (key.to_owned(), None)))
            .collect()
    }
}

fn configuration(endpoint: &str, records: &str) -> String {
    // A string of JSON is one of TOML.
    let text = |value: &str| serde_json::Value::from(value).to_string();
    format!(
        "[Fargate]\n\
         Cluster = {cluster}\nRegion = {region}\nSubnet = {subnet}\nSecurityGroup = {group}\n\
         TaskDefinition = {family}\nEnablePublicIP = false\nEndpoint = {endpoint}\n\
         CapacityProviderStrategy = [{{ Name = \"FARGATE\", Weight = 1 }}]\n\n\
         [TaskMetadata]\nDirectory = {records}\n\n\
         [SSH]\nUsername = \"root\"\nPort = {AGENT_PORT}\n",
        cluster = text(CLUSTER),
        region = text(REGION),
        subnet = text(SUBNET_A),
        group = text(SECURITY_GROUP),
        family = text(FAMILY),
        endpoint = text(endpoint),
        records = text(records),
    )
}

/// What an operator would have made in the account.
async fn set_up(endpoint: &str) -> anyhow::Result<()> {
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(
            CREDENTIAL,
            CREDENTIAL,
            None,
            None,
            "fargate try",
        ))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let ecs = aws_sdk_ecs::Client::from_conf(config);
    ecs.create_cluster()
        .cluster_name(CLUSTER)
        .capacity_providers("FARGATE")
        .send()
        .await?;
    let port = i32::from(AGENT_PORT);
    let coordinator = ContainerDefinition::builder()
        .name(COORDINATOR_CONTAINER)
        .image("fargate-try/this-machine")
        .port_mappings(PortMapping::builder().container_port(port).build())
        .build();
    ecs.register_task_definition()
        .family(FAMILY)
        .requires_compatibilities(Compatibility::Fargate)
        .network_mode(NetworkMode::Awsvpc)
        .cpu("256")
        .memory("512")
        .container_definitions(coordinator)
        .send()
        .await?;
    Ok(())
}
