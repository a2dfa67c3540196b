//! ECR: the login to AWS's own registries.

use serde::Deserialize;
use serde_json::json;

use super::client::Aws;
use super::error::AwsError;
use super::signed;

impl Aws {
    /// The login to the registries of this account and region, valid for twelve hours.
    ///
    /// It is `user:password` in Base64.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn registry_token(&self) -> Result<String, AwsError> {
        const ACTION: &str = "ecr:GetAuthorizationToken";
        let ecr = signed::Client::new(&self.shared, &signed::ECR);
        let reply: GetAuthorizationTokenResponse = ecr.call(ACTION, json!({})).await?;
        reply
            .authorization_data
            .unwrap_or_default()
            .into_iter()
            .find_map(|data| data.authorization_token)
            .ok_or_else(|| AwsError::unusable_reply(ACTION, "the reply holds no token"))
    }
}

/// The members of ECR's reply that the driver reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetAuthorizationTokenResponse {
    authorization_data: Option<Vec<AuthorizationData>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizationData {
    authorization_token: Option<String>,
}
