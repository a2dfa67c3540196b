//! Whether a request is signed as AWS wants it: all parts there, and scoped to the service it is sent to.
//!
//! The signature itself is not checked, as any credentials do here. The scope also tells the region, because every
//! region is reached at the same address.

use axum::http::HeaderMap;

use crate::error::{ApiError, Service};

/// Takes the region from the credential scope of a signed request.
pub(crate) fn region(service: Service, headers: &HeaderMap) -> Result<String, ApiError> {
    let authorization = header(headers, "authorization").ok_or_else(|| missing(service))?;
    let date = header(headers, "x-amz-date").ok_or_else(|| {
        incomplete(
            service,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    scope(service, authorization, date)
}

/// The pure part of [`region`].
fn scope(service: Service, authorization: &str, date: &str) -> Result<String, ApiError> {
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
                incomplete(
                    service,
                    &format!("Authorization header requires '{name}' parameter."),
                )
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
    // The key itself may hold slashes, so the scope is read from its end.
    let mut parts = credential.rsplitn(5, '/');
    let (end, name, region, day, key) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    );
    let (Some("aws4_request"), Some(name), Some(region), Some(day), Some(key)) =
        (end, name, region, day, key)
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
    let wanted = service.signing_name();
    if name != wanted {
        return Err(invalid(
            service,
            &format!("Credential should be scoped to correct service: '{wanted}'."),
        ));
    }
    if !date.starts_with(day) || day.len() != 8 {
        return Err(invalid(
            service,
            &format!("Date in Credential scope does not match X-Amz-Date: {day} != {date}."),
        ));
    }
    if region.is_empty()
        || !region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
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

fn missing(service: Service) -> ApiError {
    let code = if service.is_json() {
        "MissingAuthenticationTokenException"
    } else {
        "MissingAuthenticationToken"
    };
    ApiError::new(403, code, "Missing Authentication Token")
}

fn incomplete(service: Service, message: &str) -> ApiError {
    let code = if service.is_json() {
        "IncompleteSignatureException"
    } else {
        "IncompleteSignature"
    };
    ApiError::new(403, code, message)
}

fn invalid(service: Service, message: &str) -> ApiError {
    let (status, code) = match service {
        Service::Ecs | Service::Logs => (403, "InvalidSignatureException"),
        Service::Ec2 => (401, "AuthFailure"),
        Service::Sts => (403, "SignatureDoesNotMatch"),
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
            scope(Service::Ecs, &header, "20260102T030405Z").unwrap(),
            "eu-west-1"
        );
    }

    #[test]
    fn what_is_not_scoped_to_the_service_and_day_is_refused() {
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
            let error =
                scope(Service::Ecs, &authorization(credential), "20260102T030405Z").unwrap_err();
            assert_eq!(
                (error.status, error.code.as_ref()),
                (403, code),
                "{credential}"
            );
        }
    }
}
