//! STS, which says who the caller is.

use serde::Serialize;

use crate::account::{ACCOUNT, CALLER_ARN, CALLER_ID};
use crate::error::ApiError;
use crate::xml::{self, STS_NAMESPACE};

#[derive(Serialize)]
struct IdentityReply<'a> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "GetCallerIdentityResult")]
    result: CallerIdentity<'a>,
    #[serde(rename = "ResponseMetadata")]
    metadata: ResponseMetadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CallerIdentity<'a> {
    arn: &'a str,
    user_id: &'a str,
    account: &'a str,
}

#[derive(Serialize)]
struct ResponseMetadata<'a> {
    #[serde(rename = "RequestId")]
    request_id: &'a str,
}

/// Answers one call.
pub(crate) fn call(operation: &str, request_id: &str) -> Result<String, ApiError> {
    if operation != "GetCallerIdentity" {
        let message = format!("Could not find operation {operation} for version 2011-06-15");
        return Err(ApiError::new(400, "InvalidAction", message));
    }
    let result = CallerIdentity {
        arn: CALLER_ARN,
        user_id: CALLER_ID,
        account: ACCOUNT,
    };
    let reply = IdentityReply {
        xmlns: STS_NAMESPACE,
        result,
        metadata: ResponseMetadata { request_id },
    };
    Ok(xml::document("GetCallerIdentityResponse", &reply))
}
