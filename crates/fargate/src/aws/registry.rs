//! ECR: logging in to a registry of AWS's.

use serde::Deserialize;
use serde_json::json;

use super::client::Aws;
use super::error::AwsError;
use super::signed;

impl Aws {
    /// What to log in with to the registries of this account and region: `user:password` in Base64, good for
    /// twelve hours.
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
            .ok_or_else(|| AwsError::senseless(ACTION, "the reply holds no token"))
    }
}

/// What is read of ECR's reply.
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
