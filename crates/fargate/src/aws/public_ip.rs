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
        Ok(interfaces.find_map(NetworkInterface::public_address))
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
    #[serde(rename = "privateIpAddress")]
    private_ip: Option<String>,
    #[serde(rename = "ipv6Address")]
    ipv6: Option<String>,
}

impl NetworkInterface {
    /// One with IPv6 alone has no other address, which is public where its subnet's routes make it so.
    fn public_address(self) -> Option<IpAddr> {
        let ipv6 = self.ipv6.filter(|_| self.private_ip.is_none());
        let public = self.association.and_then(|found| found.public_ip);
        public.or(ipv6)?.parse().ok()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    public_ip: Option<String>,
}
