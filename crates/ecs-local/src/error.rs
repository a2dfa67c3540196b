//! An error as AWS answers it, in each of the protocols' forms.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

/// One of the services this server stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ecs,
    Ec2,
    Logs,
    Sts,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Ecs, Self::Ec2, Self::Logs, Self::Sts];

    /// The operations that it has here.
    pub(crate) fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Ecs => crate::ecs::OPERATIONS,
            Self::Ec2 => crate::ec2::OPERATIONS,
            Self::Logs => crate::logs::OPERATIONS,
            Self::Sts => crate::sts::OPERATIONS,
        }
    }

    /// The name requests are signed for, and actions are named by.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ec2 => "ec2",
            Self::Logs => "logs",
            Self::Sts => "sts",
        }
    }

    /// Whether it speaks JSON 1.1.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Ecs | Self::Logs)
    }

    /// The content type of its replies.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Ecs | Self::Logs => "application/x-amz-json-1.1",
            Self::Ec2 => "text/xml;charset=UTF-8",
            Self::Sts => "text/xml",
        }
    }
}

/// What a call is answered with when it fails.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    /// Only `ConflictException` of RunTask carries these.
    pub(crate) resource_ids: Vec<String>,
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

    /// A fault of this program, not of the caller. AWS calls its own ServerException.
    pub(crate) fn internal(why: impl std::fmt::Display) -> Self {
        Self::new(
            500,
            "ServerException",
            format!("The stand-in failed: {why}"),
        )
    }

    /// The rate limit of a service, in its own words.
    pub(crate) fn throttled(service: Service) -> Self {
        match service {
            Service::Ecs | Service::Logs => Self::new(400, "ThrottlingException", "Rate exceeded"),
            Service::Ec2 => Self::new(503, "RequestLimitExceeded", "Request limit exceeded."),
            Service::Sts => Self::new(400, "Throttling", "Rate exceeded"),
        }
    }

    /// A refusal by IAM, in the service's own form.
    pub(crate) fn access_denied(service: Service, operation: &str) -> Self {
        let action = format!("{}:{operation}", service.signing_name());
        let who = crate::sts::CALLER_ARN;
        match service {
            Service::Ecs | Service::Logs => Self::new(
                400,
                "AccessDeniedException",
                format!(
                    "User: {who} is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action"
                ),
            ),
            Service::Ec2 => Self::new(
                403,
                "UnauthorizedOperation",
                format!(
                    "You are not authorized to perform this operation. User: {who} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
                ),
            ),
            Service::Sts => Self::new(
                403,
                "AccessDenied",
                format!("User: {who} is not authorized to perform: {action}"),
            ),
        }
    }

    /// The body in the service's protocol. `bare` is the other form JSON errors come in: a namespace before the
    /// code and `Message` with a capital (the header that repeats the code is then left out, too).
    pub(crate) fn body(&self, service: Service, request_id: &str, bare: bool) -> String {
        match service {
            Service::Ecs => self.json(bare.then_some("com.amazonaws.ecs")),
            Service::Logs => self.json(bare.then_some("com.amazonaws.cloudwatchlogs")),
            Service::Ec2 => self.ec2(request_id),
            Service::Sts => self.sts(request_id),
        }
    }

    fn json(&self, namespace: Option<&str>) -> String {
        let mut body = match namespace {
            Some(namespace) => {
                json!({"__type": format!("{namespace}#{}", self.code), "Message": self.message})
            }
            None => json!({"__type": self.code, "message": self.message}),
        };
        if let (false, Some(members)) = (self.resource_ids.is_empty(), body.as_object_mut()) {
            members.insert("resourceIds".into(), json!(self.resource_ids));
        }
        body.to_string()
    }

    fn ec2(&self, request_id: &str) -> String {
        let errors = Errors {
            error: Detail {
                kind: None,
                code: &self.code,
                message: &self.message,
            },
        };
        to_xml("Response", &Ec2Response { errors, request_id })
    }

    fn sts(&self, request_id: &str) -> String {
        let kind = if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let error = Detail {
            kind: Some(kind),
            code: &self.code,
            message: &self.message,
        };
        to_xml(
            "ErrorResponse",
            &StsResponse {
                xmlns: crate::sts::NAMESPACE,
                error,
                request_id,
            },
        )
    }
}

#[derive(Serialize)]
struct Ec2Response<'a> {
    #[serde(rename = "Errors")]
    errors: Errors<'a>,
    #[serde(rename = "RequestID")]
    request_id: &'a str,
}

#[derive(Serialize)]
struct Errors<'a> {
    #[serde(rename = "Error")]
    error: Detail<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Detail<'a> {
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct StsResponse<'a> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "Error")]
    error: Detail<'a>,
    #[serde(rename = "RequestId")]
    request_id: &'a str,
}

/// A document with its declaration. What cannot be written as XML becomes a document that says so: our types always
/// can.
pub(crate) fn to_xml(root: &str, value: &impl Serialize) -> String {
    let body = quick_xml::se::to_string_with_root(root, value)
        .unwrap_or_else(|e| format!("<StandInFailed>{e}</StandInFailed>"));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}")
}
