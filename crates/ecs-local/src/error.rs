//! An error that AWS answers a call with.

use std::borrow::Cow;

use crate::account::CALLER_ARN;
use crate::service::AwsService;

/// The answer to a call that fails.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    /// Only `ConflictException` of RunTask carries these.
    pub(crate) resource_ids: Vec<String>,
}

/// IAM's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// No policy allows the action.
    Implicit,
    /// A policy denies it.
    Explicit,
    /// A service control policy of the organisation denies it.
    Organization,
    /// The role's permissions boundary does not allow it.
    Boundary,
}

impl ApiError {
    pub(crate) fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            resource_ids: Vec::new(),
        }
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterException", message)
    }

    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self::new(400, "ClientException", message)
    }

    pub(crate) fn cluster_not_found() -> Self {
        Self::new(400, "ClusterNotFoundException", "Cluster not found.")
    }

    /// An operation that a service of AWS Query does not have, in the words of their protocol.
    pub(crate) fn no_such_operation(operation: &str, version: &str) -> Self {
        let message = format!("Could not find operation {operation} for version {version}");
        Self::new(400, "InvalidAction", message)
    }

    /// A fault of this program, not of the caller. AWS answers its own faults with ServerException.
    pub(crate) fn internal(why: impl std::fmt::Display) -> Self {
        Self::new(
            500,
            "ServerException",
            format!("The stand-in failed: {why}"),
        )
    }

    /// A service's rate limit, in the service's words.
    pub(crate) fn throttled(service: AwsService) -> Self {
        match service {
            AwsService::Ec2 => Self::new(503, "RequestLimitExceeded", "Request limit exceeded."),
            service if service.is_query() => Self::new(400, "Throttling", "Rate exceeded"),
            _ => Self::new(400, "ThrottlingException", "Rate exceeded"),
        }
    }

    /// Whether this is a service's rate limit.
    pub(crate) fn is_throttle(&self) -> bool {
        matches!(
            self.code.as_ref(),
            "ThrottlingException" | "RequestLimitExceeded" | "Throttling"
        )
    }

    /// An access key that does not exist, in the service's words.
    pub(crate) fn unrecognized_client(service: AwsService) -> Self {
        let invalid = "The security token included in the request is invalid.";
        match service {
            AwsService::Ec2 => Self::new(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
            service if service.is_query() => Self::new(403, "InvalidClientTokenId", invalid),
            _ => Self::new(403, "UnrecognizedClientException", invalid),
        }
    }

    /// A refusal by IAM, in the service's words.
    pub(crate) fn access_denied(service: AwsService, operation: &str, denial: Denial) -> Self {
        let action = service.action(operation);
        let refused = format!("User: {CALLER_ARN} is not authorized to perform: {action}");
        let why = match denial {
            Denial::Implicit => {
                format!("because no identity-based policy allows the {action} action")
            }
            Denial::Explicit => "with an explicit deny in an identity-based policy".to_owned(),
            Denial::Organization => "with an explicit deny in a service control policy".to_owned(),
            Denial::Boundary => {
                format!("because no permissions boundary allows the {action} action")
            }
        };
        match service {
            AwsService::Ec2 => Self::new(
                403,
                "UnauthorizedOperation",
                format!("You are not authorized to perform this operation. {refused} {why}"),
            ),
            AwsService::Sts => Self::new(403, "AccessDenied", refused),
            AwsService::CloudWatch => Self::new(403, "AccessDenied", format!("{refused} {why}")),
            service if service.is_query() => Self::new(
                403,
                "AccessDenied",
                format!("{refused} on resource: * {why}"),
            ),
            _ => Self::new(
                400,
                "AccessDeniedException",
                format!("{refused} on resource: * {why}"),
            ),
        }
    }
}
