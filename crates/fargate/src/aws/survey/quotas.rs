//! Service Quotas: vCPUs of Fargate tasks at once.

use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;

/// Codes of Fargate's quotas of vCPUs (Service Quotas: AWS Fargate).
pub(crate) const ON_DEMAND: &str = "L-3032A538";
pub(crate) const SPOT: &str = "L-36FBB829";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetServiceQuotaResponse {
    quota: Quota,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quota {
    value: f64,
}

impl Aws {
    /// A quota of Fargate's by its code: the account's own, else AWS's default.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn fargate_quota(&self, code: &str) -> Result<f64, AwsError> {
        let client = signed::Client::new(&self.shared, &signed::SERVICE_QUOTAS);
        let parameters = json!({ "ServiceCode": "fargate", "QuotaCode": code });
        let own = client
            .call("servicequotas:GetServiceQuota", parameters.clone())
            .await;
        let reply: GetServiceQuotaResponse = match own {
            Err(refusal) if refusal.has_code("NoSuchResourceException") => {
                client
                    .call("servicequotas:GetAWSDefaultServiceQuota", parameters)
                    .await?
            }
            reply => reply?,
        };
        Ok(reply.quota.value)
    }
}
