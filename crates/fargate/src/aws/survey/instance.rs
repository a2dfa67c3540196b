//! The EC2 instance that this manager runs on, by its metadata service.

use std::net::IpAddr;
use std::time::Duration;

use aws_config::imds::Client;
use aws_config::provider_config::ProviderConfig;
use serde::Deserialize;

use super::super::error::AwsError;
use super::super::http::Http;

/// The service is on the machine itself.
const BOUND: Duration = Duration::from_millis(800);

/// The variable that turns the service off, as for other AWS tools.
const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

/// The machine or the task of the manager, as the network sees it.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// Of an EC2 instance; of a task `task/` and its id.
    pub(crate) id: String,
    pub(crate) region: String,
    pub(crate) private_ip: Option<IpAddr>,
    pub(crate) public_ip: Option<IpAddr>,
    /// Empty where it is not known.
    pub(crate) vpc: String,
    /// IDs of the security groups of its first interface, as far as AWS tells them.
    pub(crate) groups: Result<Vec<String>, AwsError>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityDocument {
    instance_id: String,
    #[serde(default)]
    region: String,
    private_ip: Option<IpAddr>,
}

/// The instance; nothing where no metadata service answers.
pub(crate) async fn instance() -> Option<Instance> {
    if std::env::var(DISABLED).is_ok_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let provider = ProviderConfig::without_region().with_http_client(Http::new());
    let client = Client::builder()
        .configure(&provider)
        .connect_timeout(BOUND)
        .read_timeout(BOUND)
        .max_attempts(1)
        .build();
    let get = async |path: String| {
        let text = client.get(path.as_str()).await.ok()?;
        Some(text.as_ref().to_owned())
    };
    let document = get("/latest/dynamic/instance-identity/document".to_owned()).await?;
    let document: IdentityDocument = serde_json::from_str(&document).ok()?;
    let mac = get("/latest/meta-data/mac".to_owned()).await?;
    let mac = mac.trim();
    let of_interface = async |name: &str| {
        let path = format!("/latest/meta-data/network/interfaces/macs/{mac}/{name}");
        get(path).await.unwrap_or_default()
    };
    let (groups, vpc, public) = tokio::join!(
        of_interface("security-group-ids"),
        of_interface("vpc-id"),
        of_interface("public-ipv4s"),
    );
    Some(Instance {
        id: document.instance_id,
        region: document.region,
        private_ip: document.private_ip,
        public_ip: public
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok()),
        vpc: vpc.trim().to_owned(),
        groups: Ok(groups.lines().map(|line| line.trim().to_owned()).collect()),
    })
}
