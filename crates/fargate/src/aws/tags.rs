//! ECS: a tag of a task that runs.

use serde::Deserialize;
use serde_json::json;

use super::client::Aws;
use super::error::AwsError;
use super::signed;

/// The reply, which has no members.
#[derive(Debug, Deserialize)]
struct TagResourceResponse {}

impl Aws {
    /// Gives a task a tag, or another value to the tag of this key.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn tag_task(&self, arn: &str, key: &str, value: &str) -> Result<(), AwsError> {
        let ecs = signed::Client::new(&self.shared, &signed::ECS);
        let parameters = json!({ "resourceArn": arn, "tags": [{ "key": key, "value": value }] });
        let TagResourceResponse {} = ecs.call("ecs:TagResource", parameters).await?;
        Ok(())
    }
}
