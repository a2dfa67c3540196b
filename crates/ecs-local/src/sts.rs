//! STS: who the caller is.

use serde::Serialize;

use crate::ACCOUNT;
use crate::error::{ApiError, to_xml};

/// The namespace of its documents.
pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Every operation there is.
pub(crate) const OPERATIONS: &[&str] = &["GetCallerIdentity"];

/// Who every caller is, whatever the credentials.
pub(crate) const CALLER_ARN: &str =
    "arn:aws:sts::000000000000:assumed-role/ci-manager/i-0a1b2c3d4e5f60004";
const CALLER_ID: &str = "AROA0A1B2C3D4E5F60004:i-0a1b2c3d4e5f60004";

#[derive(Serialize)]
struct Response<'a> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "GetCallerIdentityResult")]
    result: Identity<'a>,
    #[serde(rename = "ResponseMetadata")]
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity<'a> {
    arn: &'a str,
    user_id: &'a str,
    account: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "RequestId")]
    request_id: &'a str,
}

/// Does one call.
pub(crate) fn call(operation: &str, request_id: &str) -> Result<String, ApiError> {
    if operation != "GetCallerIdentity" {
        let message = format!("Could not find operation {operation} for version 2011-06-15");
        return Err(ApiError::new(400, "InvalidAction", message));
    }
    let result = Identity {
        arn: CALLER_ARN,
        user_id: CALLER_ID,
        account: ACCOUNT,
    };
    let response = Response {
        xmlns: NAMESPACE,
        result,
        metadata: Metadata { request_id },
    };
    Ok(to_xml("GetCallerIdentityResponse", &response))
}
