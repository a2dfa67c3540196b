//! ECS: tags of a task that runs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Aws;
use super::error::AwsError;
use super::signed;

/// The reply, which has no members.
#[derive(Debug, Deserialize)]
struct TagResourceResponse {}

impl Aws {
    /// Gives a task these tags. Those of other keys stay, and one of the same key gets the new value.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn tag_task(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        let ecs = signed::Client::new(&self.shared, &signed::ECS);
        let tag = |(key, value)| json!({ "key": key, "value": value });
        let tags: Vec<Value> = tags.iter().map(tag).collect();
        let parameters = json!({ "resourceArn": arn, "tags": tags });
        let TagResourceResponse {} = ecs.call("ecs:TagResource", parameters).await?;
        Ok(())
    }
}
