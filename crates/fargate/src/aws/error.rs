//! Calls that AWS refused or did not answer.

use std::borrow::Cow;
use std::fmt;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::foreign::ForeignAnswer;
use super::kind::Kind;
use super::words;
use crate::text::plain;

/// A call that AWS refused, or that did not reach AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AwsError {
    /// The action as IAM names it, like `ecs:RunTask`.
    pub(super) action: Cow<'static, str>,
    pub(super) kind: Kind,
    /// AWS's code, if it answered with one.
    pub(super) code: Option<String>,
    pub(super) message: String,
    request: Option<String>,
    /// Whether the same call was made before, with an unknown outcome.
    repetition: bool,
}

impl AwsError {
    /// The failure of a call of `action` that ended with the SDK's `error`.
    pub(super) fn from_sdk<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId + std::error::Error,
    {
        let service = error.as_service_error();
        let code = service.and_then(ProvideErrorMetadata::code).map(plain);
        let message = service
            .and_then(ProvideErrorMetadata::message)
            .map(str::to_owned);
        // EC2 names its request in the answer's body, too.
        let in_body = service.and_then(|service| service.meta().request_id());
        let foreign = error.raw_response().filter(|_| code.is_none());
        let foreign = foreign.and_then(ForeignAnswer::of);
        let message = match &foreign {
            Some(foreign) => plain(&foreign.message),
            None => plain(&message.unwrap_or_else(|| words::of(error))),
        };
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let kind = match (&code, error) {
            (Some(code), _) => Kind::of_answer(code, &message, status),
            (None, SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_)) => {
                Kind::of_unsent(error, &message)
            }
            (None, _) if foreign.is_some_and(|foreign| !foreign.may_pass) => Kind::Foreign,
            (None, _) => Kind::Unclear,
        };
        Self {
            action: action.into(),
            kind,
            code,
            message,
            request: error.request_id().or(in_body).map(plain),
            repetition: false,
        }
    }

    /// A reason in the `failures` of a RunTask reply.
    pub(super) fn unplaceable(action: &'static str, reason: String) -> Self {
        Self {
            kind: Kind::Wrong,
            ..Self::unusable_reply(action, reason)
        }
    }

    /// Whether a task that this failure left without a place may find one elsewhere or later.
    pub(super) fn waiting_helps(&self) -> bool {
        matches!(self.cause(), None | Some(Cause::NoCapacity | Cause::Quota))
    }

    /// The message alone.
    pub(super) fn into_message(self) -> String {
        self.message
    }

    /// A reply without the answer.
    pub(crate) fn unusable_reply(action: &'static str, message: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            kind: Kind::Unclear,
            code: None,
            message: message.into(),
            request: None,
            repetition: false,
        }
    }

    /// A call that the driver stopped waiting for.
    pub(crate) fn abandoned(action: &'static str) -> Self {
        Self::unusable_reply(action, "not waited for")
    }

    /// Whether the same call may succeed a little later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            Kind::Throttled | Kind::Ec2Throttled | Kind::Unclear | Kind::Unreached
        ) || self.passes_soon_or_never()
    }

    /// Whether the trouble passes within seconds, or needs a person.
    pub(super) fn passes_soon_or_never(&self) -> bool {
        matches!(self.kind, Kind::Unresolved | Kind::LateCredentials)
    }

    /// Whether AWS had too many calls of this action, or of those that it makes for it.
    pub(crate) fn has_too_many_calls(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Ec2Throttled)
    }

    /// Whether AWS had too many calls of this action.
    pub(crate) fn is_throttled(&self) -> bool {
        self.kind == Kind::Throttled
    }

    /// The same error, of a call that was made before without a clear answer.
    pub(crate) fn of_repetition(self) -> Self {
        Self {
            repetition: true,
            ..self
        }
    }

    /// Whether the call may have had its effect nevertheless: this time, or when it was made before.
    pub(crate) fn may_have_worked(&self) -> bool {
        matches!(self.kind, Kind::Unclear | Kind::Foreign) || self.repetition
    }

    /// Whether AWS says that the named object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.message.contains("was not found")
            || self
                .code
                .as_deref()
                .is_some_and(|code| code.ends_with(".NotFound"))
    }

    /// Whether a permission is missing, or a policy forbids the call.
    pub(crate) fn is_denied(&self) -> bool {
        self.kind == Kind::Denied
    }

    /// Whether the credentials are missing or late, or AWS does not accept them: every other call ends so, too.
    pub(crate) fn is_about_credentials(&self) -> bool {
        matches!(self.kind, Kind::Credentials | Kind::LateCredentials)
    }

    /// Whether AWS refused the call for its tags: their content, a missing permission, or a policy about tags.
    pub(crate) fn refuses_tags(&self) -> bool {
        let names = |words: &[&str]| {
            let mut text = self.message.split(|c: char| !c.is_ascii_alphanumeric());
            text.any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
        };
        match self.kind {
            Kind::Denied => self.message.contains("ecs:TagResource"),
            Kind::Wrong => names(&["tag", "tags", "tagging"]),
            _ => false,
        }
    }

    /// Whether AWS looked for the cluster's own machines, as it does where neither the call nor the cluster names a
    /// capacity provider. The text depends on the rest of the call.
    pub(crate) fn looked_for_ec2(&self) -> bool {
        self.kind == Kind::Wrong && self.cause() == Some(Cause::NoDefaultStrategy)
    }

    /// Whether the cluster was deleted, with all that ran in it, or never existed.
    pub(crate) fn knows_no_cluster(&self) -> bool {
        self.code.as_deref() == Some("ClusterNotFoundException")
    }

    /// Whether AWS does not know the task definition: not yet everywhere, or not any more.
    pub(crate) fn knows_no_definition(&self) -> bool {
        self.code.as_deref() == Some("ClientException") && self.cause() == Some(Cause::NoDefinition)
    }

    /// Whether the log stream does not exist. ECS creates it with its container.
    pub(crate) fn knows_no_stream(&self) -> bool {
        self.code.as_deref() == Some("ResourceNotFoundException")
            && self.message.contains("log stream")
    }

    /// Whether AWS has no room for a task. AWS mostly reports that without refusing the call, but the account's quota
    /// of vCPUs may come as an exception.
    pub(crate) fn has_no_room(&self) -> bool {
        self.kind == Kind::Wrong && matches!(self.cause(), Some(Cause::NoCapacity | Cause::Quota))
    }

    /// The cause, where it is known.
    pub(super) fn cause(&self) -> Option<Cause> {
        let message = &self.message;
        match (&self.code, self.kind) {
            (Some(code), _) => Cause::of_answer(code, message),
            (None, Kind::Credentials | Kind::LateCredentials) => Cause::of_credentials(message),
            (None, Kind::Wrong) => Cause::of_failure(message),
            (None, _) => ForeignAnswer::is_told_in(message).then_some(Cause::Intermediary),
        }
    }

    /// Whether another caller is registering the same family at this moment.
    pub(crate) fn is_concurrent_registration(&self) -> bool {
        self.message.contains("Too many concurrent attempts")
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action, message, ..
        } = self;
        match (&self.code, self.kind) {
            (Some(code), _) => write!(f, "AWS refused {action}: {code}: {message}")?,
            (None, Kind::Credentials | Kind::LateCredentials) => {
                write!(f, "no credentials for {action}: {message}")?;
            }
            (None, Kind::Wrong) => write!(f, "AWS refused {action}: {message}")?,
            (None, _) => write!(f, "no answer from AWS to {action}: {message}")?,
        }
        match &self.request {
            Some(request) => write!(f, " (request {request})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl AwsError {
        /// A refusal of RunTask with this code and message.
        pub(in crate::aws) fn refusal(code: &str, message: &str) -> Self {
            Self::refusal_with(code, message, 400)
        }

        /// A failure of RunTask for want of credentials.
        pub(in crate::aws) fn without_credentials(message: &str) -> Self {
            Self {
                kind: Kind::of_credentials(message),
                ..Self::unusable_reply("ecs:RunTask", message)
            }
        }

        /// A refusal of RunTask with this code, message and HTTP status.
        pub(in crate::aws) fn refusal_with(code: &str, message: &str, status: u16) -> Self {
            Self {
                action: "ecs:RunTask".into(),
                kind: Kind::of_answer(code, message, Some(status)),
                code: Some(code.into()),
                message: message.into(),
                request: None,
                repetition: false,
            }
        }
    }

    #[test]
    fn wrapped_throttling_is_throttling() {
        let wrapped = "Error retrieving security group information for [sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)";
        let refused = AwsError::refusal("InvalidParameterException", wrapped);
        assert!(refused.may_pass() && !refused.may_have_worked());
        // It is no rate of the action's own.
        assert!(!refused.is_throttled() && refused.has_too_many_calls());
        assert!(!AwsError::refusal("InvalidParameterException", "Error retrieving subnet information for [subnet-1]: x (ErrorCode: InvalidSubnetID.NotFound)").may_pass());
    }

    #[test]
    fn expired_credentials_are_no_wrong_call() {
        // ECS's word for it, EC2's, and STS's.
        for code in ["ExpiredTokenException", "RequestExpired", "ExpiredToken"] {
            let refusal = AwsError::refusal(
                code,
                "The security token included in the request is expired",
            );
            assert_eq!(refusal.kind, Kind::Credentials, "{code}");
        }
    }
}
