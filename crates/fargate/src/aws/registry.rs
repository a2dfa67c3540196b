//! ECR: logging in to a registry of AWS's.

use super::{Aws, AwsError};

impl Aws {
    /// What to log in with to the registries of this account and region: `user:password` in Base64, good for
    /// twelve hours.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn registry_token(&self) -> Result<String, AwsError> {
        const ACTION: &str = "ecr:GetAuthorizationToken";
        let reply = aws_sdk_ecr::Client::new(&self.shared)
            .get_authorization_token()
            .send()
            .await
            .map_err(|error| AwsError::of(ACTION, &error))?;
        reply
            .authorization_data
            .unwrap_or_default()
            .into_iter()
            .find_map(|data| data.authorization_token)
            .ok_or_else(|| AwsError::senseless(ACTION, "the reply holds no token"))
    }
}
