//! EC2: lists of address ranges that rules of security groups name.

use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;
use super::network::items;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GetManagedPrefixListEntriesResponse {
    #[serde(deserialize_with = "items")]
    entry_set: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    cidr: String,
}

impl Aws {
    /// The ranges of a prefix list, in CIDR notation, as far as AWS's first page has them.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn prefix_list(&self, id: &str) -> Result<Vec<String>, AwsError> {
        let ec2 = signed::Client::new(&self.shared, &signed::EC2);
        let parameters = json!({ "PrefixListId": id });
        let reply: GetManagedPrefixListEntriesResponse = ec2
            .call("ec2:GetManagedPrefixListEntries", parameters)
            .await?;
        Ok(reply
            .entry_set
            .into_iter()
            .map(|entry| entry.cidr)
            .collect())
    }
}
