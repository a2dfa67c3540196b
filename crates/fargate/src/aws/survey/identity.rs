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
