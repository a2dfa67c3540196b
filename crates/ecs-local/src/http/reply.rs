//! The replies to AWS's calls, in the form of each service's protocol.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, DATE, SERVER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;
use crate::service::AwsService;
use crate::xml::{
    self, CLOUDFORMATION_NAMESPACE, CLOUDWATCH_NAMESPACE, IAM_NAMESPACE, STS_NAMESPACE,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// A successful reply.
pub(super) fn success(
    service: AwsService,
    document: String,
    request_id: &str,
    clock_offset: i64,
) -> Response {
    let mut response = reply(service, 200, document, request_id);
    if let Some(date) = clock(clock_offset) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

/// The date of a clock that is wrong by some seconds.
fn clock(offset: i64) -> Option<HeaderValue> {
    let by = Duration::from_secs(offset.unsigned_abs());
    let now = match offset {
        0 => return None,
        1.. => SystemTime::now().checked_add(by)?,
        _ => SystemTime::now().checked_sub(by)?,
    };
    HeaderValue::from_str(&httpdate::fmt_http_date(now)).ok()
}

/// An error reply. JSON errors also come in a `bare` form: a namespace before the code, `Message` with a capital, and
/// no header that repeats the code.
pub(super) fn error(
    service: AwsService,
    error: &ApiError,
    request_id: &str,
    bare: bool,
) -> Response {
    let document = match service {
        AwsService::Ecs => json_error(error, bare.then_some("com.amazonaws.ecs")),
        AwsService::Logs => json_error(error, bare.then_some("com.amazonaws.cloudwatchlogs")),
        AwsService::Ec2 => ec2_error(error, request_id),
        AwsService::Sts => query_error(STS_NAMESPACE, error, request_id),
        AwsService::Iam => query_error(IAM_NAMESPACE, error, request_id),
        AwsService::CloudFormation => query_error(CLOUDFORMATION_NAMESPACE, error, request_id),
        AwsService::CloudWatch => query_error(CLOUDWATCH_NAMESPACE, error, request_id),
        AwsService::Ecr | AwsService::Quotas | AwsService::Secrets => {
            json_error(error, bare.then_some("com.amazonaws"))
        }
    };
    let mut response = reply(service, error.status, document, request_id);
    if service.is_json()
        && !bare
        && let Ok(code) = HeaderValue::from_str(&error.code)
    {
        response.headers_mut().insert(ERROR_TYPE, code);
    }
    response
}

fn reply(service: AwsService, status: u16, document: String, request_id: &str) -> Response {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let server = if service == AwsService::Ec2 {
        "AmazonEC2"
    } else {
        "Server"
    };
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(service.content_type()),
    );
    headers.insert(SERVER, HeaderValue::from_static(server));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn json_error(error: &ApiError, namespace: Option<&str>) -> String {
    let mut body = match namespace {
        Some(namespace) => {
            json!({"__type": format!("{namespace}#{}", error.code), "Message": error.message})
        }
        None => json!({"__type": error.code, "message": error.message}),
    };
    if let (false, Some(members)) = (error.resource_ids.is_empty(), body.as_object_mut()) {
        members.insert("resourceIds".into(), json!(error.resource_ids));
    }
    body.to_string()
}

fn ec2_error(error: &ApiError, request_id: &str) -> String {
    let errors = Errors {
        error: ErrorDetail {
            kind: None,
            code: &error.code,
            message: &error.message,
        },
    };
    xml::document("Response", &Ec2ErrorReply { errors, request_id })
}

fn query_error(xmlns: &str, error: &ApiError, request_id: &str) -> String {
    let kind = if error.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let reply = QueryErrorReply {
        xmlns,
        error: ErrorDetail {
            kind: Some(kind),
            code: &error.code,
            message: &error.message,
        },
        request_id,
    };
    xml::document("ErrorResponse", &reply)
}

#[derive(Serialize)]
struct Ec2ErrorReply<'a> {
    #[serde(rename = "Errors")]
    errors: Errors<'a>,
    #[serde(rename = "RequestID")]
    request_id: &'a str,
}

#[derive(Serialize)]
struct Errors<'a> {
    #[serde(rename = "Error")]
    error: ErrorDetail<'a>,
}

#[derive(Serialize)]
struct QueryErrorReply<'a> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "Error")]
    error: ErrorDetail<'a>,
    #[serde(rename = "RequestId")]
    request_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorDetail<'a> {
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    code: &'a str,
    message: &'a str,
}
