//! From an HTTP request to the operation it means, and back.
//!
//! The services share one address, as the endpoint overrides of AWS's clients want it: `X-Amz-Target` marks ECS and
//! CloudWatch Logs, a form with `Action` is EC2, or STS by the name of the action.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CONTENT_TYPE, SERVER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::connection::Cut;
use crate::ec2::{self, Query};
use crate::error::{ApiError, Service};
use crate::faults::CallFaults;
use crate::throttle::Bucket;
use crate::world::World;
use crate::{auth, control, ecs, ids, logs, metadata, sts};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// All there is to ask for.
pub(crate) fn router(world: Arc<World>) -> Router {
    control::routes()
        .merge(metadata::routes())
        .fallback(answer)
        .with_state(world)
}

/// A call of an operation.
struct Call {
    service: Service,
    operation: String,
    query: Query,
}

/// What a request asks for, or nothing AWS would know.
fn route(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<Call> {
    if uri.path() != "/" {
        return None;
    }
    if let Some(target) = headers.get(TARGET) {
        let target = target.to_str().ok()?;
        let (service, operation) = match target.strip_prefix(logs::TARGET) {
            Some(operation) => (Service::Logs, operation),
            None => {
                let operation = target.strip_prefix(ecs::TARGET).unwrap_or_default();
                (Service::Ecs, operation)
            }
        };
        return Some(Call {
            service,
            operation: operation.to_owned(),
            query: Query::default(),
        });
    }
    let query = match *method {
        Method::POST => Query::parse(body),
        Method::GET => Query::parse(uri.query().unwrap_or_default().as_bytes()),
        _ => return None,
    };
    let operation = query.get("Action")?.to_owned();
    let service = if sts::OPERATIONS.contains(&operation.as_str()) {
        Service::Sts
    } else {
        Service::Ec2
    };
    Some(Call {
        service,
        operation,
        query,
    })
}

async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(call) = route(&method, &uri, &headers, &body) else {
        let text = "This is a stand-in for ECS, EC2, CloudWatch Logs and STS. It answers their calls at / and its own paths below /_local/.\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let request_id = ids::uuid();
    let region = match auth::region(call.service, &headers) {
        Ok(region) => region,
        Err(error) => return refuse(&world, &call, &error, &request_id, false),
    };
    let faults = match admit(&world, &call, &region) {
        Ok(faults) => faults,
        Err(error) => return refuse(&world, &call, &error, &request_id, false),
    };
    if faults.reset_before {
        cut.now();
        return StatusCode::OK.into_response();
    }
    let done = match faults.refusal {
        Some(refusal) => Err(refusal),
        None => operate(&world, &call, &region, &body, &request_id),
    };
    if !faults.delay.is_zero() {
        let mut shutdown = world.shutdown();
        tokio::select! {
            () = tokio::time::sleep(faults.delay) => {}
            _ = shutdown.wait_for(|ended| *ended) => {}
        }
    }
    if faults.reset_after {
        cut.now();
        return StatusCode::OK.into_response();
    }
    match faults.lost.map_or(done, Err) {
        Ok(document) if faults.truncated => {
            // A correct length of a document that is not one: what a client has to notice is that it does not parse.
            let half = document.len() / 2;
            success(
                &call,
                document
                    .into_bytes()
                    .into_iter()
                    .take(half)
                    .collect::<Vec<_>>(),
                &request_id,
            )
        }
        Ok(document) => success(&call, document, &request_id),
        Err(error) => refuse(&world, &call, &error, &request_id, faults.bare_errors),
    }
}

/// Counts a call, and takes it from its bucket.
fn admit(world: &World, call: &Call, region: &str) -> Result<CallFaults, ApiError> {
    let mut state = world.lock();
    let Call {
        service, operation, ..
    } = call;
    if !service.operations().contains(&operation.as_str()) {
        // The operation itself says that it is none.
        return Ok(CallFaults::default());
    }
    *state.stats.calls.entry(operation.clone()).or_default() += 1;
    if world.throttle
        && let Some(bucket) = Bucket::of(*service, operation)
        && !ecs::account(world, &mut state, region)
            .throttle
            .take(bucket, 1, region, Instant::now())
    {
        return Err(ApiError::throttled(*service));
    }
    Ok(state.faults.call(*service, operation))
}

fn operate(
    world: &Arc<World>,
    call: &Call,
    region: &str,
    body: &[u8],
    request_id: &str,
) -> Result<String, ApiError> {
    match call.service {
        Service::Ecs => ecs::call(world, region, &call.operation, body),
        Service::Ec2 => ec2::call(world, region, &call.operation, &call.query, request_id),
        Service::Logs => logs::call(world, region, &call.operation, body),
        Service::Sts => sts::call(&call.operation, request_id),
    }
}

fn success(call: &Call, document: impl Into<Body>, request_id: &str) -> Response {
    reply(call.service, 200, document, request_id)
}

fn refuse(world: &World, call: &Call, error: &ApiError, request_id: &str, bare: bool) -> Response {
    let mut state = world.lock();
    *state
        .stats
        .errors
        .entry(error.code.to_string())
        .or_default() += 1;
    if matches!(
        error.code.as_ref(),
        "ThrottlingException" | "RequestLimitExceeded" | "Throttling"
    ) {
        state.stats.throttled += 1;
    }
    drop(state);
    let mut response = reply(
        call.service,
        error.status,
        error.body(call.service, request_id, bare),
        request_id,
    );
    if call.service.is_json()
        && !bare
        && let Ok(code) = HeaderValue::from_str(&error.code)
    {
        response.headers_mut().insert(ERROR_TYPE, code);
    }
    response
}

fn reply(service: Service, status: u16, body: impl Into<Body>, request_id: &str) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(service.content_type()),
    );
    headers.insert(
        SERVER,
        HeaderValue::from_static(if service == Service::Ec2 {
            "AmazonEC2"
        } else {
            "Server"
        }),
    );
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}
