//! EC2: the public address of a task's network interface.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::json;

use super::client::Aws;
use super::error::AwsError;
use super::signed;

impl Aws {
    /// The public address of a network interface, once it has one.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn public_ip(&self, interface: &str) -> Result<Option<IpAddr>, AwsError> {
        let ec2 = signed::Client::new(&self.shared, &signed::EC2);
        let called = ec2
            .call(
                "ec2:DescribeNetworkInterfaces",
                json!({ "NetworkInterfaceId": [interface] }),
            )
            .await;
        let reply: DescribeNetworkInterfacesResponse = match called {
            Err(refusal) if refusal.is_not_found() => return Ok(None),
            reply => reply?,
        };
        let mut interfaces = reply.network_interface_set.item.into_iter();
        Ok(interfaces.find_map(|interface| interface.association?.public_ip?.parse().ok()))
    }
}

/// The members of EC2's reply that the driver reads.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeNetworkInterfacesResponse {
    network_interface_set: NetworkInterfaces,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkInterfaces {
    item: Vec<NetworkInterface>,
}

#[derive(Debug, Deserialize)]
struct NetworkInterface {
    association: Option<Association>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    public_ip: Option<String>,
}
