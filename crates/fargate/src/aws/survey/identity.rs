//! STS: the caller.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;

/// The caller, as AWS sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Twelve digits.
    pub(crate) account: String,
    /// Of a user, the account's root, or a session of a role.
    pub(crate) arn: String,
    /// AWS's clock and ours when the answer came. AWS's has whole seconds.
    pub(crate) clocks: Option<(SystemTime, SystemTime)>,
}

impl Identity {
    /// `aws`, or another part of AWS with domains of its own.
    pub(crate) fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }

    /// The ARN of a role of the account, if the role has no path.
    pub(crate) fn role(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:role/{name}", self.partition(), self.account)
    }

    /// The name of the role whose session this is.
    pub(crate) fn role_name(&self) -> Option<&str> {
        let resource = self.arn.splitn(6, ':').nth(5)?;
        resource.strip_prefix("assumed-role/")?.split('/').next()
    }
}

impl Aws {
    /// The caller. AWS needs no permission for the answer.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn identity(&self) -> Result<Identity, AwsError> {
        const ACTION: &str = "sts:GetCallerIdentity";
        let sts = signed::Client::new(&self.shared, &signed::STS);
        let dated = sts.dated(ACTION, json!({})).await?;
        let GetCallerIdentityResponse { result } = dated.reply;
        Ok(Identity {
            account: result.account,
            arn: result.arn,
            clocks: dated.at.map(|theirs| (theirs, SystemTime::now())),
        })
    }
}

/// The members of STS's reply that the driver reads.
#[derive(Debug, Deserialize)]
struct GetCallerIdentityResponse {
    #[serde(rename = "GetCallerIdentityResult")]
    result: GetCallerIdentityResult,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetCallerIdentityResult {
    account: String,
    arn: String,
}
