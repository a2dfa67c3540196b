//! The kinds of refusals, which decide the next step.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use serde::{Deserialize, Serialize};

use super::foreign::may_pass;
use super::http::SetupFault;
use super::no_reply::{NoReply, Reach};
use super::words;

/// The kind of a refusal, which decides the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Too many calls, of ours or of others in the account. This one had no effect.
    Throttled,
    /// Too many calls that ECS makes to EC2 for us, to look up a task's network. This one had no effect either.
    Ec2Throttled,
    /// Trouble on AWS's side or on the way: the call may have had effect.
    Unclear,
    /// There was no connection, so the call had no effect.
    Unreached,
    /// The server's name does not resolve.
    Unresolved,
    /// The server's certificate is refused, or a proxy refuses the manager.
    Untrusted,
    /// The manager's environment is wrong: no CA certificates, or a proxy that is none.
    Environment,
    /// The credentials are missing, or AWS does not accept them.
    Credentials,
    /// A provider of credentials did not answer.
    LateCredentials,
    /// A permission is missing.
    Denied,
    /// The same client token was used with other parameters.
    Conflict,
    /// Something else than AWS answered, and would do so again, such as a proxy that forbids the call.
    Foreign,
    /// The call is wrong, and a repetition would be, too.
    Wrong,
}

impl Kind {
    /// The kind of an answer with this code and HTTP status. EC2's throttling of calls that ECS makes for us comes back
    /// wrapped in a parameter error (AWS: RunTask exceptions). The codes of throttling are those of AWS's SDKs, except
    /// `LimitExceededException`, which means quotas in ECS (AWS: SDK retry behaviour).
    pub(super) fn of_answer(code: &str, message: &str, status: Option<u16>) -> Self {
        match code {
            "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "BandwidthLimitExceeded"
            | "SlowDown"
            | "PriorRequestNotComplete"
            | "EC2ThrottledException" => Self::Throttled,
            "InvalidParameterException" if message.contains("RequestLimitExceeded") => {
                Self::Ec2Throttled
            }
            "ServerException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "InternalFailure"
            | "InternalError"
            | "Unavailable"
            | "RequestTimeout" => Self::Unclear,
            "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "RequestExpired"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed"
            | "InvalidSignatureException"
            | "AuthFailure"
            | "MissingAuthenticationTokenException" => Self::Credentials,
            "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => Self::Denied,
            "ConflictException" => Self::Conflict,
            _ if message.contains("iam:PassRole") => Self::Denied,
            _ if status == Some(429) => Self::Throttled,
            // With any code.
            _ if status.is_some_and(may_pass) => Self::Unclear,
            _ => Self::Wrong,
        }
    }

    /// The kind of a call without an answer. Its own way to AWS comes after that of its credentials.
    pub(super) fn of_unsent(error: &(dyn Error + 'static), words: &str) -> Self {
        if words::causes(error).any(|cause| cause.is::<SetupFault>()) {
            return Self::Environment;
        }
        if words::causes(error).any(|cause| cause.is::<CredentialsError>()) {
            return Self::of_credentials(words);
        }
        let failure = words::causes(error).find_map(|cause| cause.downcast_ref::<NoReply>());
        match failure.map(|failure| failure.reach) {
            Some(Reach::Unresolved) => Self::Unresolved,
            Some(Reach::Untrusted | Reach::Unauthorized) => Self::Untrusted,
            Some(Reach::Unconnected) => Self::Unreached,
            Some(Reach::Sent) => Self::Unclear,
            None if words::causes(error).any(|cause| cause.to_string().contains("credential")) => {
                Self::of_credentials(words)
            }
            None => Self::Unclear,
        }
    }

    /// The kind of a failure to get credentials, by the words about it.
    pub(super) fn of_credentials(words: &str) -> Self {
        match NoReply::may_pass_in(words) {
            true => Self::LateCredentials,
            false => Self::Credentials,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_on_awss_side_is_known_by_its_status() {
        for (code, status, expected) in [
            ("NewWordException", 500, Kind::Unclear),
            ("NewWordException", 503, Kind::Unclear),
            ("NewWordException", 429, Kind::Throttled),
            ("NewWordException", 400, Kind::Wrong),
            ("LimitExceededException", 400, Kind::Wrong),
            ("SlowDown", 503, Kind::Throttled),
            ("AccessDeniedException", 500, Kind::Denied),
        ] {
            assert_eq!(
                Kind::of_answer(code, "x", Some(status)),
                expected,
                "{code} {status}"
            );
        }
    }
}
