//! The ECS task that this manager is, by the metadata endpoint in it and by EC2.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;
use super::instance::Instance;
use super::network::items;

/// The variable in tasks that names the endpoint of the task's metadata (ECS: task metadata endpoint, version 4).
const VARIABLE: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// The endpoint is on the task's host.
const BOUND: Duration = Duration::from_millis(800);

/// Bytes read of a reply at most: ten containers take some ten thousand.
const LIMIT: u64 = 60 << 10;

/// A task, as its metadata have it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OwnTask {
    #[serde(rename = "TaskARN")]
    pub(crate) arn: String,
    /// Name or ARN.
    pub(crate) cluster: String,
    #[serde(default)]
    containers: Vec<OwnContainer>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnContainer {
    #[serde(default)]
    networks: Vec<Network>,
}

#[derive(Debug, Clone, Deserialize)]
struct Network {
    #[serde(rename = "IPv4Addresses", default)]
    ipv4: Vec<IpAddr>,
    #[serde(rename = "IPv6Addresses", default)]
    ipv6: Vec<IpAddr>,
}

/// A network interface, as far as it says who its owner is to security groups.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OwnInterface {
    vpc_id: String,
    #[serde(deserialize_with = "items")]
    group_set: Vec<Group>,
    association: Association,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    group_id: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Association {
    public_ip: Option<IpAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeNetworkInterfacesResponse {
    #[serde(deserialize_with = "items")]
    network_interface_set: Vec<OwnInterface>,
}

impl OwnTask {
    /// The task that this process runs in; nothing outside of ECS.
    pub(crate) async fn find() -> Option<Self> {
        let uri = std::env::var(VARIABLE).ok()?;
        let text = timeout(BOUND, get(&format!("{uri}/task"))).await.ok()??;
        serde_json::from_str(&text).ok()
    }

    /// The task with what AWS says of its interface.
    pub(crate) fn with(self, interface: Result<OwnInterface, AwsError>) -> Instance {
        let networks = self.containers.iter().flat_map(|one| &one.networks);
        let mut addresses = networks.flat_map(|network| network.ipv4.iter().chain(&network.ipv6));
        let private_ip = addresses.next().copied();
        let region = self.arn.split(':').nth(3).unwrap_or_default().to_owned();
        let known = interface.as_ref().ok();
        Instance {
            id: format!("task/{}", self.arn.rsplit('/').next().unwrap_or_default()),
            region,
            private_ip,
            public_ip: known.and_then(|interface| interface.association.public_ip),
            vpc: known.map_or_else(String::new, |interface| interface.vpc_id.clone()),
            groups: interface.map(|interface| {
                let groups = interface.group_set.into_iter();
                groups.map(|group| group.group_id).collect()
            }),
        }
    }
}

impl Aws {
    /// A network interface of a task.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn own_interface(&self, id: &str) -> Result<OwnInterface, AwsError> {
        const ACTION: &str = "ec2:DescribeNetworkInterfaces";
        let ec2 = signed::Client::new(&self.shared, &signed::EC2);
        let parameters = json!({ "NetworkInterfaceId": [id] });
        let reply: DescribeNetworkInterfacesResponse = ec2.call(ACTION, parameters).await?;
        let found = reply.network_interface_set.into_iter().next();
        found.ok_or_else(|| AwsError::unusable_reply(ACTION, "the reply has no interface"))
    }
}

/// The body at a plain HTTP address. In HTTP 1.0 the reply has no chunks, and ends with the connection.
async fn get(url: &str) -> Option<String> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let address = match host.contains(':') {
        true => host.to_owned(),
        false => format!("{host}:80"),
    };
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut reply = String::new();
    stream.take(LIMIT).read_to_string(&mut reply).await.ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (status == "200").then(|| body.to_owned())
}
