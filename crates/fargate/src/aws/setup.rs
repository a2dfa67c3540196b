//! A cluster and a task definition in the stand-in, as an operator creates them before the first job.
//!
//! Only `fargate try` does this, and only in the stand-in; jobs that bring their image need no task definition.

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, KeyValuePair, NetworkMode, PortMapping,
};

use super::error::AwsError;

/// An account to set up, and its content.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    /// URL of its APIs.
    pub(crate) endpoint: &'a str,
    pub(crate) region: &'a str,
    /// ID and secret of the access key.
    pub(crate) access_key: (&'a str, &'a str),
    pub(crate) cluster: &'a str,
    pub(crate) definition: Option<OneContainer<'a>>,
}

/// A task definition with one container.
#[derive(Debug)]
pub(crate) struct OneContainer<'a> {
    /// The task definition's name.
    pub(crate) family: &'a str,
    /// Name of the one container of its tasks, and the port it listens on.
    pub(crate) container: (&'a str, u16),
    /// Image of the container. The stand-in runs a program of its own.
    pub(crate) image: &'a str,
    pub(crate) environment: &'a [(&'a str, &'a str)],
}

impl Setup<'_> {
    /// Creates the cluster and the task definition.
    ///
    /// # Errors
    ///
    /// With the stand-in's refusal.
    pub(crate) async fn make(&self) -> Result<(), AwsError> {
        let (id, secret) = self.access_key;
        let credentials = Credentials::new(id, secret, None, None, "fargate try");
        let config = aws_sdk_ecs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.to_owned()))
            .endpoint_url(self.endpoint)
            .credentials_provider(credentials)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let ecs = aws_sdk_ecs::Client::from_conf(config);
        let cluster = ecs
            .create_cluster()
            .cluster_name(self.cluster)
            .capacity_providers("FARGATE");
        cluster
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:CreateCluster", &error))?;

        match &self.definition {
            Some(definition) => definition.register(&ecs).await,
            None => Ok(()),
        }
    }
}

impl OneContainer<'_> {
    async fn register(&self, ecs: &aws_sdk_ecs::Client) -> Result<(), AwsError> {
        let (name, port) = self.container;
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| KeyValuePair::builder().name(*name).value(*value).build());
        let container = ContainerDefinition::builder()
            .name(name)
            .image(self.image)
            .port_mappings(PortMapping::builder().container_port(port.into()).build())
            .set_environment(Some(environment.collect()))
            .build();
        let definition = ecs
            .register_task_definition()
            .family(self.family)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu("256")
            .memory("512")
            .container_definitions(container);
        definition
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:RegisterTaskDefinition", &error))?;
        Ok(())
    }
}
