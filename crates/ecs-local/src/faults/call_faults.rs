//! The faults of one call.

use std::time::Duration;

use super::effect::{Effect, LookUp};
use crate::error::{ApiError, Denial};
use crate::service::AwsService;

/// The faults of one call.
#[derive(Debug, Default)]
pub(crate) struct CallFaults {
    /// The error that the call is answered with, without any effect.
    pub(crate) refusal: Option<ApiError>,
    pub(crate) reset_before: bool,
    pub(crate) reset_after: bool,
    /// The error that the call is answered with after it took effect.
    pub(crate) lost: Option<ApiError>,
    pub(crate) delay: Duration,
    pub(crate) truncated: bool,
    pub(crate) bare_errors: bool,
}

impl CallFaults {
    /// Adds an effect. The first refusal stays.
    pub(super) fn add(&mut self, effect: Effect, service: AwsService, operation: &str) {
        match effect {
            Effect::ConnectionReset => self.reset_before = true,
            Effect::LostReply { reset: true } => self.reset_after = true,
            Effect::LostReply { reset: false } => self.lost = Some(server_error(service)),
            Effect::SlowReply { seconds } => self.delay = seconds.into(),
            Effect::TruncatedReply => self.truncated = true,
            Effect::BareErrors => self.bare_errors = true,
            effect => {
                if let Some(refusal) = refusal(effect, service, operation) {
                    self.refusal.get_or_insert(refusal);
                }
            }
        }
    }
}

/// The error of an effect that refuses the call. `Injector::call` passes only effects on calls.
fn refusal(effect: Effect, service: AwsService, operation: &str) -> Option<ApiError> {
    Some(match effect {
        Effect::Throttle => ApiError::throttled(service),
        Effect::ServerError => server_error(service),
        Effect::ServiceUnavailable => {
            let code = if service == AwsService::Ec2 {
                "Unavailable"
            } else {
                "ServiceUnavailable"
            };
            ApiError::new(503, code, "The service is temporarily unavailable.")
        }
        Effect::AccessDenied => ApiError::access_denied(service, operation, Denial::Implicit),
        Effect::ExpiredCredentials => expired_credentials(service),
        Effect::UnrecognizedClient => ApiError::unrecognized_client(service),
        Effect::Error {
            status,
            code,
            message,
        } => ApiError::new(status, code, message),
        Effect::Ec2Throttle { looking_up } => wrapped_throttle(looking_up),
        Effect::ConcurrentRegistration => ApiError::client(
            "Too many concurrent attempts to create a new revision of the specified family.",
        ),
        _ => return None,
    })
}

fn expired_credentials(service: AwsService) -> ApiError {
    let (status, code) = match service {
        AwsService::Ec2 => (400, "RequestExpired"),
        service if service.is_query() => (403, "ExpiredToken"),
        _ => (403, "ExpiredTokenException"),
    };
    ApiError::new(
        status,
        code,
        "The security token included in the request is expired",
    )
}

fn server_error(service: AwsService) -> ApiError {
    let (code, message) = match service {
        AwsService::Ecs => (
            "ServerException",
            "Service Unavailable. Please try again later.",
        ),
        AwsService::Ec2 => ("InternalError", "An internal error has occurred"),
        _ => ("InternalFailure", "An internal error has occurred"),
    };
    ApiError::new(500, code, message)
}

fn wrapped_throttle(looking_up: LookUp) -> ApiError {
    let resource = match looking_up {
        LookUp::SecurityGroup => "security group information for [sg-0000000000000000f]",
        LookUp::Subnet => "subnet information for [subnet-0000000000000000f]",
    };
    ApiError::invalid_parameter(format!(
        "Error retrieving {resource}: Request limit exceeded. (ErrorCode: RequestLimitExceeded)"
    ))
}
