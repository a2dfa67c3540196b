//! The protocols of the services: JSON 1.1, and Query in two forms, EC2's own and the older one. A query is a form, and
//! its reply XML.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const USER_AGENT: &str = concat!("fargate/", env!("CARGO_PKG_VERSION"));

/// The protocol of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// AWS JSON 1.1, with the name that targets begin with.
    Json(&'static str),
    /// EC2's query protocol, with the API's version.
    Ec2(&'static str),
    /// AWS Query, with the API's version.
    Query(&'static str),
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A reply that is not of the expected form.
#[derive(Debug, thiserror::Error)]
enum ReplyError {
    #[error("the reply is not text")]
    Binary(#[from] std::str::Utf8Error),
    #[error("the reply is not the JSON that was expected")]
    Json(#[from] serde_json::Error),
    #[error("the reply is not the XML that was expected")]
    Xml(#[from] quick_xml::DeError),
    #[error("the reply is not a {0}Response")]
    Root(&'static str),
}

/// The request for `operation`, without host and signature. Parameters that are null are left out.
pub(super) fn request(
    protocol: Protocol,
    operation: &str,
    parameters: &Value,
) -> Result<HttpRequest, BoxError> {
    let (content_type, body) = match protocol {
        Protocol::Json(_) => ("application/x-amz-json-1.1", json(parameters)),
        Protocol::Ec2(version) => (FORM, form(operation, version, "", parameters)),
        Protocol::Query(version) => (FORM, form(operation, version, ".member", parameters)),
    };
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.try_insert("content-type", content_type)?;
    headers.try_insert("user-agent", USER_AGENT)?;
    if let Protocol::Json(service) = protocol {
        headers.try_insert("x-amz-target", format!("{service}.{operation}"))?;
    }
    Ok(request)
}

fn json(parameters: &Value) -> String {
    let mut parameters = parameters.clone();
    if let Some(members) = parameters.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    parameters.to_string()
}

/// A form of the parameters. Each element of a list has a name of its own: `NetworkInterfaceId.1`, or with `infix`
/// `ActionNames.member.1`.
fn form(operation: &str, version: &str, infix: &str, parameters: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", operation)
        .append_pair("Version", version);
    for (name, value) in parameters.as_object().into_iter().flatten() {
        append(&mut form, name, infix, value);
    }
    form.finish()
}

fn append(
    form: &mut form_urlencoded::Serializer<'_, String>,
    name: &str,
    infix: &str,
    value: &Value,
) {
    match value {
        Value::Null => {}
        Value::Array(elements) => {
            for (at, element) in (1..).zip(elements) {
                append(form, &format!("{name}{infix}.{at}"), infix, element);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                append(form, &format!("{name}.{member}"), infix, value);
            }
        }
        value => {
            form.append_pair(name, &text(value));
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Reads the service's answer to `operation`.
pub(super) fn reply<Reply: DeserializeOwned>(
    protocol: Protocol,
    operation: &'static str,
    response: &HttpResponse,
) -> Result<Reply, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    if !response.status().is_success() {
        let refusal = refusal(protocol, response.headers(), body);
        return Err(OrchestratorError::operation(refusal));
    }
    let parsed = match protocol {
        Protocol::Json(_) => serde_json::from_slice(body).map_err(ReplyError::from),
        Protocol::Ec2(_) | Protocol::Query(_) => xml(operation, body),
    };
    parsed.map_err(|error| OrchestratorError::other(BoxError::from(error)))
}

/// A reply in XML. A proxy's page may be XML, too, and every member is optional, so the root's name decides.
fn xml<Reply: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<Reply, ReplyError> {
    let text = std::str::from_utf8(body)?;
    if root(text).is_none_or(|root| root.strip_suffix("Response") != Some(operation)) {
        return Err(ReplyError::Root(operation));
    }
    Ok(quick_xml::de::from_str(text)?)
}

/// The name of a document's outermost element.
fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                return Some(start.local_name().as_ref().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// The refusal in an answer without success; without a code when the answer is not AWS's.
fn refusal(protocol: Protocol, headers: &Headers, body: &[u8]) -> ErrorMetadata {
    let fault = match protocol {
        Protocol::Json(_) => json_fault(headers, body),
        Protocol::Ec2(_) | Protocol::Query(_) => xml_fault(body),
    };
    let mut refusal = ErrorMetadata::builder();
    let request = headers
        .get("x-amzn-requestid")
        .or_else(|| headers.get("x-amz-request-id"))
        .map(str::to_owned)
        .or(fault.request);
    if let Some(request) = request {
        // `aws_types::request_id::RequestId` looks for it here.
        refusal = refusal.custom("aws_request_id", request);
    }
    if let Some(code) = fault.code {
        refusal = refusal
            .code(code)
            .message(fault.message.unwrap_or_default());
    }
    refusal.build()
}

/// An error as AWS's protocols carry it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fault {
    code: Option<String>,
    message: Option<String>,
    request: Option<String>,
}

/// The code is in a header or in the body, with a namespace before it or a URL behind it (Smithy: operation error
/// serialization of AWS JSON 1.1).
fn json_fault(headers: &Headers, body: &[u8]) -> Fault {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = headers
        .get("x-amzn-errortype")
        .or_else(|| text("__type"))
        .or_else(|| text("code"));
    let code = code.map(|code| {
        let code = code.split_once(':').map_or(code, |(code, _)| code);
        code.rsplit_once('#').map_or(code, |(_, code)| code).trim()
    });
    Fault {
        code: code.filter(|code| !code.is_empty()).map(str::to_owned),
        message: ["message", "Message", "errorMessage"]
            .into_iter()
            .find_map(text)
            .map(str::to_owned),
        request: None,
    }
}

/// The error in a document of EC2 (`Response`, a list of errors) or of AWS Query (`ErrorResponse`, one error).
fn xml_fault(body: &[u8]) -> Fault {
    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Document {
        errors: Errors,
        error: Option<Error>,
        #[serde(alias = "RequestID", alias = "requestId")]
        request_id: Option<String>,
    }
    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Errors {
        error: Vec<Error>,
    }
    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Error {
        code: Option<String>,
        message: Option<String>,
    }
    let is_error =
        |text: &&str| matches!(root(text).as_deref(), Some("Response" | "ErrorResponse"));
    let document = std::str::from_utf8(body)
        .ok()
        .filter(is_error)
        .and_then(|text| quick_xml::de::from_str::<Document>(text).ok())
        .unwrap_or_default();
    let first = document.errors.error.into_iter().next();
    let error = first.or(document.error).unwrap_or_default();
    Fault {
        code: error.code.filter(|code| !code.is_empty()),
        message: error.message,
        request: document.request_id,
    }
}
