//! The signature of a request: it has to have all parts, and the scope of the right service.
//!
//! The signature itself is not checked, because any credentials are accepted. The scope also names the region: all
//! regions share one address.

use axum::http::HeaderMap;

use crate::error::ApiError;
use crate::service::AwsService;

/// The region of a signed request.
pub(super) fn region(service: AwsService, headers: &HeaderMap) -> Result<String, ApiError> {
    let authorization = header(headers, "authorization").ok_or_else(|| missing(service))?;
    let date = header(headers, "x-amz-date").ok_or_else(|| {
        incomplete(
            service,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    scope(service, authorization, date)
}

/// The region of an `Authorization` header, which has to fit the date of the request.
fn scope(service: AwsService, authorization: &str, date: &str) -> Result<String, ApiError> {
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
    let signed = field("SignedHeaders")?;
    let signature = field("Signature")?;
    if !signed.split(';').any(|name| name == "host") {
        return Err(invalid(
            service,
            "'Host' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    if signature.len() != 64 || !signature.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(invalid(
            service,
            "The request signature has to be 64 hexadecimal digits.",
        ));
    }
    region_of_credential(service, credential, date)
}

/// The region of a credential, whose scope has to be of this service and day.
fn region_of_credential(
    service: AwsService,
    credential: &str,
    date: &str,
) -> Result<String, ApiError> {
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
    Ok(region.to_owned())
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
        AwsService::Ecs | AwsService::Logs => (403, "InvalidSignatureException"),
        AwsService::Ec2 => (401, "AuthFailure"),
        AwsService::Sts => (403, "SignatureDoesNotMatch"),
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
        assert_eq!(
            scope(AwsService::Ecs, &header, "20260102T030405Z").unwrap(),
            "eu-west-1"
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
            let error = scope(
                AwsService::Ecs,
                &authorization(credential),
                "20260102T030405Z",
            )
            .unwrap_err();
            assert_eq!(
                (error.status, error.code.as_ref()),
                (403, code),
                "{credential}"
            );
        }
    }
}
