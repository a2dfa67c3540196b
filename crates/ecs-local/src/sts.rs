//! STS, which says who the caller is, and lends the keys of roles.

use std::time::Duration;

use serde::Serialize;

use crate::access_key::{AccessKey, AccessKeys};
use crate::account::{ACCOUNT, CALLER_ID};
use crate::ec2::Query;
use crate::error::ApiError;
use crate::guarded::Guarded;
use crate::ids;
use crate::timestamp::Timestamp;
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

#[derive(Serialize)]
struct RoleReply<'a> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "AssumeRoleResult")]
    result: AssumedRole,
    #[serde(rename = "ResponseMetadata")]
    metadata: ResponseMetadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRole {
    assumed_role_user: AssumedRoleUser,
    credentials: Credentials,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

/// How long the keys of a role are good (STS: AssumeRole, the default of DurationSeconds).
const SESSION: Duration = Duration::from_secs(3600);

/// Answers one call.
pub(crate) fn call(
    keys: &Guarded<AccessKeys>,
    caller: &str,
    operation: &str,
    query: &Query,
    request_id: &str,
) -> Result<String, ApiError> {
    let metadata = ResponseMetadata { request_id };
    let xmlns = STS_NAMESPACE;
    match operation {
        "GetCallerIdentity" => {
            let result = CallerIdentity {
                arn: caller,
                user_id: CALLER_ID,
                account: ACCOUNT,
            };
            let reply = IdentityReply {
                xmlns,
                result,
                metadata,
            };
            Ok(xml::document("GetCallerIdentityResponse", &reply))
        }
        "AssumeRole" => {
            let reply = RoleReply {
                xmlns,
                result: assume_role(keys, query)?,
                metadata,
            };
            Ok(xml::document("AssumeRoleResponse", &reply))
        }
        _ => Err(ApiError::no_such_operation(operation, "2011-06-15")),
    }
}

/// The key of a role, which AWS begins with `ASIA` (IAM: unique identifiers).
fn assume_role(keys: &Guarded<AccessKeys>, query: &Query) -> Result<AssumedRole, ApiError> {
    let session = query.get("RoleSessionName").unwrap_or_default();
    let arn = query.get("RoleArn").unwrap_or_default();
    let role = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .filter(|_| (2..=64).contains(&session.len()));
    let Some((account, path)) = role else {
        let message = format!("{arn} is invalid");
        return Err(ApiError::new(400, "ValidationError", message));
    };
    let role = path.rsplit('/').next().unwrap_or(path);
    let id = ids::uuid().replace('-', "").to_uppercase();
    let random = || rand::random::<u128>();
    let key = AccessKey {
        id: format!("ASIA{id:.16}"),
        secret: format!("secret-key-of-role-{:032x}", random()),
    };
    let token = format!("secret-token-of-role-{:032x}", random());
    keys.lock().lend(&key, &token);
    Ok(AssumedRole {
        assumed_role_user: AssumedRoleUser {
            assumed_role_id: format!("AROA{id:.16}:{session}"),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        },
        credentials: Credentials {
            access_key_id: key.id,
            secret_access_key: key.secret,
            session_token: token,
            expiration: Timestamp::now().after(SESSION).iso(),
        },
    })
}
