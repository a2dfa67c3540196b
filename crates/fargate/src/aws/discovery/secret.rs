//! Secrets Manager: the value of a secret.

use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;

/// The reply. It is not shown anywhere.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValueResponse {
    secret_string: String,
}

impl std::fmt::Debug for GetSecretValueResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret")
    }
}

impl Aws {
    /// The text of a secret, by its ARN. Secret.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn secret_text(&self, arn: &str) -> Result<String, AwsError> {
        let client = signed::Client::new(&self.shared, &signed::SECRETS_MANAGER);
        let parameters = json!({ "SecretId": arn });
        let reply: GetSecretValueResponse = client
            .call("secretsmanager:GetSecretValue", parameters)
            .await?;
        Ok(reply.secret_string)
    }
}
