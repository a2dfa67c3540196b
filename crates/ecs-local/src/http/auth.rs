//! Who may call: a request needs a signature with the scope of the right service.
//!
//! The scope also names the region: all regions share one address. A stand-in without an access key does not check the
//! signature itself, because it takes any credentials.

use axum::http::HeaderMap;

use super::signature::{Scope, Signature, SignedParts};
use crate::access_key::AccessKeys;
use crate::error::ApiError;
use crate::service::AwsService;

/// The region of a signed request that one of the `keys` may make.
pub(super) fn region(
    keys: &AccessKeys,
    service: AwsService,
    request: SignedParts<'_>,
) -> Result<String, ApiError> {
    let authorization = header(request.headers, "authorization").ok_or_else(|| missing(service))?;
    let date = header(request.headers, "x-amz-date").ok_or_else(|| {
        incomplete(
            service,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    let Authorization { key, signature } = authorization_of(service, authorization, date)?;
    if let AccessKeys::Only(keys) = keys {
        let token = header(request.headers, "x-amz-security-token");
        let known = keys
            .get(key)
            .filter(|known| known.token.as_deref() == token)
            .ok_or_else(|| ApiError::unrecognized_client(service))?;
        if !signature.is_by(&known.key.secret, request) {
            return Err(invalid(service, MISMATCH));
        }
    }
    Ok(signature.scope.region.to_owned())
}

/// AWS's words for a wrong secret.
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// An `Authorization` header.
#[derive(Clone, Copy)]
struct Authorization<'a> {
    /// ID of the access key.
    key: &'a str,
    signature: Signature<'a>,
}

/// The parts of an `Authorization` header, which has to fit the date of the request.
fn authorization_of<'a>(
    service: AwsService,
    authorization: &'a str,
    date: &'a str,
) -> Result<Authorization<'a>, ApiError> {
    let fields = authorization
        .strip_prefix("AWS4-HMAC-SHA256")
        .ok_or_else(|| {
            incomplete(
                service,
                "Unsupported AWS 'algorithm': an AWS4-HMAC-SHA256 signature is required.",
            )
        })?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                let message = format!("Authorization header requires '{name}' parameter.");
                incomplete(service, &message)
            })
    };
    let credential = field("Credential")?;
    let headers = field("SignedHeaders")?;
    let digits = field("Signature")?;
    if !headers.split(';').any(|name| name == "host") {
        return Err(invalid(
            service,
            "'Host' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(invalid(
            service,
            "The request signature has to be 64 hexadecimal digits.",
        ));
    }
    let (key, scope) = scope(service, credential, date)?;
    let signature = Signature {
        scope,
        date,
        headers,
        digits,
    };
    Ok(Authorization { key, signature })
}

/// Key and scope of a credential, which has to be of this service and day.
fn scope<'a>(
    service: AwsService,
    credential: &'a str,
    date: &str,
) -> Result<(&'a str, Scope<'a>), ApiError> {
    // The key itself may hold slashes, so the scope is read from its end.
    let mut parts = credential.rsplitn(5, '/');
    let mut next = || parts.next();
    let (Some("aws4_request"), Some(name), Some(region), Some(day), Some(key)) =
        (next(), next(), next(), next(), next())
    else {
        return Err(incomplete(
            service,
            "Credential must have exactly 5 slash-delimited elements, ending in 'aws4_request'.",
        ));
    };
    if key.is_empty() {
        return Err(incomplete(
            service,
            "Credential must begin with an access key ID.",
        ));
    }
    let expected = service.signing_name();
    if name != expected {
        let message = format!("Credential should be scoped to correct service: '{expected}'.");
        return Err(invalid(service, &message));
    }
    if !date.starts_with(day) || day.len() != 8 {
        let message =
            format!("Date in Credential scope does not match X-Amz-Date: {day} != {date}.");
        return Err(invalid(service, &message));
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if region.is_empty() || !region.bytes().all(allowed) {
        return Err(invalid(
            service,
            "Credential should be scoped to a valid region.",
        ));
    }
    let scope = Scope {
        day,
        region,
        service: name,
    };
    Ok((key, scope))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn missing(service: AwsService) -> ApiError {
    let code = if service.is_json() {
        "MissingAuthenticationTokenException"
    } else {
        "MissingAuthenticationToken"
    };
    ApiError::new(403, code, "Missing Authentication Token")
}

fn incomplete(service: AwsService, message: &str) -> ApiError {
    let code = if service.is_json() {
        "IncompleteSignatureException"
    } else {
        "IncompleteSignature"
    };
    ApiError::new(403, code, message)
}

fn invalid(service: AwsService, message: &str) -> ApiError {
    let (status, code) = match service {
        AwsService::Ec2 => (401, "AuthFailure"),
        service if service.is_query() => (403, "SignatureDoesNotMatch"),
        _ => (403, "InvalidSignatureException"),
    };
    ApiError::new(status, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(credential: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host;x-amz-date, Signature={}",
            "0a".repeat(32)
        )
    }

    #[test]
    fn the_region_is_that_of_the_scope() {
        let header = authorization("AKID/20260102/eu-west-1/ecs/aws4_request");
        let parts = authorization_of(AwsService::Ecs, &header, "20260102T030405Z").unwrap();
        assert_eq!(
            (parts.key, parts.signature.scope.region),
            ("AKID", "eu-west-1")
        );
    }

    #[test]
    fn a_scope_of_another_service_or_day_is_refused() {
        let cases = [
            (
                "AKID/20260102/eu-west-1/ec2/aws4_request",
                "InvalidSignatureException",
            ),
            (
                "AKID/20260101/eu-west-1/ecs/aws4_request",
                "InvalidSignatureException",
            ),
            (
                "AKID/20260102/eu-west-1/ecs/aws3_request",
                "IncompleteSignatureException",
            ),
            ("AKID", "IncompleteSignatureException"),
        ];
        for (credential, code) in cases {
            let header = authorization(credential);
            let parts = authorization_of(AwsService::Ecs, &header, "20260102T030405Z");
            let error = parts.err().unwrap();
            assert_eq!(
                (error.status, error.code.as_ref()),
                (403, code),
                "{credential}"
            );
        }
    }
}
